"""How fast the pages of `convcalc explore` are, in Chromium: `make bench-browser`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import convcalc
from tests.browser.driving import chromium

RUNS = 5

HOVER = """
const nodes = [...document.querySelectorAll(".node")], times = [];
for (const node of nodes) {
  const start = performance.now();
  node.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
  document.querySelector("main").getBoundingClientRect();
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
return [times[Math.floor(times.length / 2)], times[times.length - 1]];
"""

PAINT = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    browser = chromium()
    print("page            kB  first paint  hover: median  slowest (ms)")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("resnet50", "inception_v3"):
            file = Path(folder) / f"{name}.html"
            convcalc.explore(f"zoo:{name}", output=file)
            paints, hovers = [], []
            for _ in range(RUNS):
                browser.get(file.as_uri())
                browser.execute_async_script("setTimeout(arguments[0], 300)")
                paints.append(browser.execute_script(PAINT))
                hovers.append(browser.execute_script(HOVER))
            middle, slowest = (median(values) for values in zip(*hovers, strict=True))
            size = file.stat().st_size / 1000
            print(f"{name:12} {size:5.0f} {median(paints):12.0f} {middle:14.1f} {slowest:8.1f}")
    browser.quit()


if __name__ == "__main__":
    main()
