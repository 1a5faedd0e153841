"""`python -m tests.browser.pictures`: the pictures of pages in README and docs, made anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import convcalc
from tests.browser.driving import chromium

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH, HEIGHT = 1180, 640


def main() -> None:
    """Inception v3, laid open at a layer whose field is a part of the input."""
    driver = chromium()
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "net.html"
            convcalc.explore("zoo:inception_v3", output=file)
            driver.get(file.as_uri())
            chrome = driver.execute_script("return window.outerHeight - window.innerHeight")
            driver.set_window_size(WIDTH, HEIGHT + chrome)
            driver.execute_script(
                """document.body.append(Object.assign(document.createElement("style"),
                     {textContent: "::-webkit-scrollbar { display: none }"}));
                   for (const node of document.querySelectorAll(".node"))
                     if (node.title === "Mixed_5d/conv5") {
                       node.click();
                       const list = node.closest(".graph");
                       list.scrollTop = node.offsetTop - list.clientHeight / 2;
                       list.scrollLeft = node.offsetLeft - list.clientWidth / 2;
                     }
                   window.scrollTo(0, 0);"""
            )
            IMAGES.mkdir(exist_ok=True)
            driver.save_screenshot(str(IMAGES / "explore.png"))
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
