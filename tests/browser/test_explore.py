"""The page of `convcalc explore` in Chromium, driven as a person would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import convcalc

selenium = pytest.importorskip("selenium", reason="needs the extra browser: make test-browser")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("needs Chromium: apt-get install chromium chromium-driver", allow_module_level=True)

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

from tests.browser.driving import chromium  # noqa: E402

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
)


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    made = chromium()
    yield made
    made.quit()


class Page:
    """One page, opened from disk; an error on it fails the test."""

    def __init__(self, driver: Any, file: Path) -> None:
        self.driver = driver
        driver.get(file.as_uri())
        self.check()

    def check(self) -> None:
        assert self.driver.get_log("browser") == []

    def all(self, css: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, css))

    def text(self, css: str) -> str:
        return str(self.all(css)[0].text)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def key(self, key: str) -> None:
        self.all(".graph")[0].send_keys(key)
        self.check()

    def point(self, frame: Any, x: float, y: float) -> None:
        """Point at a share of a frame's width and height."""
        size = frame.size
        across, down = round((x - 0.5) * size["width"]), round((y - 0.5) * size["height"])
        ActionChains(self.driver).move_to_element_with_offset(frame, across, down).perform()
        self.check()


@pytest.fixture
def page(driver: Any, tmp_path: Path) -> Any:
    def opened(*networks: Any, **options: Any) -> Page:
        file = tmp_path / "net.html"
        convcalc.explore(*networks, output=file, **options)
        return Page(driver, file)

    return opened


def test_points_of_a_front_open_their_networks(page: Any) -> None:
    result = front()
    found = page(result)
    points = found.all(".point")
    assert len(points) == 1 + len(result.front) > 3
    points[2].click()
    opened(found, result.front[1].specs[0], 2)
    points[3].send_keys(Keys.ENTER)
    opened(found, result.front[2].specs[0], 3)


def opened(found: Page, spec: str, index: int) -> None:
    """One point is pressed, and its network is shown."""
    found.check()
    points = found.all(".point")
    assert [i for i, p in enumerate(points) if p.get_attribute("aria-pressed") == "true"] == [index]
    assert found.text("#name") == spec
    assert str(found.all(".point title")[index].get_attribute("textContent")).startswith(spec)


def test_the_arrow_keys_move_through_the_layers(page: Any) -> None:
    found = page("3x3s2+add(3x3|1x5)+1x1", input="2x32x32")
    found.key(Keys.HOME)
    assert found.text("h2") == "conv1"
    found.key(Keys.ARROW_DOWN)
    first = found.text("h2")
    found.key(Keys.ARROW_RIGHT)
    assert found.text("h2") != first
    found.key(Keys.ARROW_LEFT)
    assert found.text("h2") == first
    found.key(Keys.END)
    assert found.text("h2") == found.all(".node")[-1].get_attribute("title")
    chosen = found.all('[aria-selected="true"]')
    assert len(chosen) == 1
    assert found.all(".graph")[0].get_attribute("aria-activedescendant") == chosen[0].get_attribute(
        "id"
    )


def test_a_layer_under_the_pointer_shows_its_field(page: Any) -> None:
    found = page("7x7+7x7", input="2x28x28")
    nodes = found.all(".node")
    ActionChains(found.driver).move_to_element(nodes[0]).perform()
    assert found.text("h2") == "conv1"
    assert found.text("[aria-live]") == "Unit 14,14 sees 11 to 17, 11 to 17."
    edge = found.all(".edge")[0].get_attribute("d")
    assert edge == "M11 11H18V18H11Z"
    found.check()


def test_pointing_at_the_input_lights_the_units_that_see_it(page: Any) -> None:
    found = page("3x3s2", input="2x16x16")
    frame = found.all(".frame")[0]
    found.point(frame, 8.5 / 16, 4.5 / 16)
    assert found.text("[aria-live]") == "Position 4,8 lies in the fields of units 2, 4."
    found.point(frame, 7.5 / 16, 7.5 / 16)
    assert found.text("[aria-live]") == "Position 7,7 lies in the fields of units 3 to 4, 3 to 4."


def test_pointing_at_a_unit_shows_what_it_sees(page: Any) -> None:
    found = page("3x3s2", input="2x16x16")
    found.point(found.all(".frame")[1], 0.5 / 8, 0.5 / 8)
    assert found.text("[aria-live]") == "Unit 0,0 sees 0 to 1, 0 to 1."


def test_the_slider_moves_through_variants(page: Any) -> None:
    found = page("7x7", "7x1+1x7", "3*3x3", input="4x20x20")
    assert len(found.all(".pane")) == 2
    slider = found.all("#variant")[0]
    slider.send_keys(Keys.ARROW_RIGHT)
    found.check()
    assert found.text("#name") == "3*3x3"
    assert len(found.all(".pane:nth-child(2) .node")) == 3
    found.all("#both")[0].click()
    assert len(found.all(".pane")) == 1
    assert len(found.all(".pane .node")) == 3
    found.check()


def test_two_networks_move_together(page: Any) -> None:
    found = page("4*3x3", "2*5x5", input="4x20x20")
    found.key(Keys.HOME)
    assert [heading.text for heading in found.all("h2")] == ["conv1", "conv1"]
    found.key(Keys.END)
    assert found.all("h2")[1].text == "conv2"


def test_a_hostile_name_runs_nothing(driver: Any, tmp_path: Path) -> None:
    import json

    file = tmp_path / "net.toml"
    text = json.dumps(HOSTILE)
    file.write_text(f'name = {text}\ninput = "3x9x9"\n[[stage]]\nname = "a"\nlayers = "3x3"\n')
    out = tmp_path / "net.html"
    convcalc.explore(str(file), "3x3", output=out)
    found = Page(driver, out)
    assert driver.title != "owned"
    assert found.all("img") == []


@pytest.mark.parametrize(
    "network", ["16x3+8", "3", "zoo:lenet5", "3x3x3s2", "gap+fc10", "convt4x4s2p1+3x3"]
)
def test_pages_of_every_shape_open_and_move(page: Any, network: str) -> None:
    found = page("5s2+3" if network in ("16x3+8", "3") else network)
    for key in (Keys.HOME, Keys.ARROW_DOWN, Keys.END, Keys.PAGE_UP, Keys.ARROW_UP):
        found.key(key)
    found.point(found.all(".frame")[0], 0.4, 0.5)


def test_it_fits_a_phone(page: Any, driver: Any) -> None:
    driver.set_window_size(500, 800)
    try:
        for network in ("zoo:resnet18", front()):
            found = page(network)
            assert found.run("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        driver.set_window_size(1280, 900)


def front() -> convcalc.SearchResult:
    return convcalc.search("5x5@4", input="4x9x9")


@pytest.mark.parametrize(
    "networks",
    [("zoo:resnet18",), ("7x7", "7x1+1x7"), ("5s2+3",), front],
    ids=["resnet18", "two", "one-dimensional", "front"],
)
def test_axe_finds_nothing_serious(page: Any, networks: Any) -> None:
    """Deque's axe-core: the rules of WCAG that a program can check."""
    axe = pytest.importorskip("axe_core_python", reason="needs the extra browser")
    found = page(*((networks(),) if callable(networks) else networks))
    found.run((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    results = found.driver.execute_async_script("axe.run().then(arguments[0])")
    serious = [
        (rule["id"], node["target"])
        for rule in results["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert serious == []
    assert len(results["passes"]) > 5  # the rules were run


def test_names_and_roles_for_screen_readers(page: Any) -> None:
    found = page("3x3+relu", "5x5")
    assert all(
        node.get_attribute("aria-label")
        for node in found.all("[role=option], [role=img], [role=listbox]")
    )
    assert found.run("return document.documentElement.lang") == "en"
    assert all(found.run("return arguments[0].labels.length", box) for box in found.all("input"))


@pytest.mark.parametrize(
    ("network", "most"), [("zoo:resnet50", 150_000), ("zoo:inception_v3", 250_000)]
)
def test_pages_are_small(network: str, most: int) -> None:
    assert len(convcalc.explore(network).to_html().encode()) <= most
