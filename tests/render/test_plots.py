"""Pictures: the data of the JSON, no text upon another, told apart in grey."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import convcalc
from convcalc.errors import OptionError
from convcalc.render.grids import Grid
from convcalc.render.plots.costs import _share
from tests import needs
from tests.cli import made_up
from tests.cli.running import Program

pytestmark = needs.matplotlib

VARIANTS = convcalc.compare("7x7", "7x1+1x7", "3*3x3", "add(7x1 | 1x7)", "5x5", "3x3")


def figure_of(result: Any, theme: str = "light", **options: Any) -> Any:
    """The figure of a result, drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from convcalc.render.plots import fill, theme_of
    from convcalc.render.plots.style import styled

    with styled(theme_of(theme)):
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        fill(figure, result, theme_of(theme), **options)
        figure.canvas.draw()
    return figure


def texts_of(figure: Any) -> Iterator[Any]:
    """Every text that is seen."""
    from matplotlib.text import Text

    unseen = {
        label
        for axes in figure.axes
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in axis.get_major_ticks()
        if not min(limits) <= tick.get_loc() <= max(limits)
        for label in (tick.label1, tick.label2)
    }
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in unseen:
            yield text


def box_of(text: Any) -> Any:
    """Of the text, without the line to what it names."""
    from matplotlib.text import Text

    return Text.get_window_extent(text, text.figure.canvas.get_renderer())


RESULTS: dict[str, Any] = {
    "variants": VARIANTS,
    "crowd": convcalc.compare(*(f"zoo:{name}" for name in (
        "resnet18", "resnet34", "googlenet", "mobilenet_v2", "squeezenet1_0", "vgg11")),
        input="3x64x64"),
    "stages": convcalc.analyze("zoo:resnet50"),
    "layers": convcalc.analyze("7x7s2@64+maxpool3x3s2p1+2*(3x3+relu)+gap+fc10"),
    "field": convcalc.receptive_field("add(7x1 | 1x7)+3x3d2"),
    "large field": convcalc.receptive_field("zoo:googlenet", at="3b", input="3x64x64"),
    "one axis": convcalc.receptive_field("3d1+3d2+3d4", input="16x100"),
    "three axes": convcalc.receptive_field("3x3x3+1x3x3", input="4x9x9x9"),
    "one layer": convcalc.receptive_field("7x1"),
    "front": made_up.search(convcalc.analyze("7x7")),
    "times": made_up.profile(convcalc.analyze("3x3+relu+3x3")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "theme"), [*((name, "light") for name in RESULTS), ("variants", "dark")]
)
def test_no_text_lies_on_another(name: str, theme: str) -> None:
    figure = figure_of(RESULTS[name], theme)
    for one, other in combinations(texts_of(figure), 2):
        a, b = box_of(one), box_of(other)
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(overlap) < 1, (one.get_text(), other.get_text())


def test_networks_stand_at_the_figures_of_the_json() -> None:
    networks = VARIANTS.to_dict()["networks"]
    axes = VARIANTS.plot(x="params", y="macs")
    points = [tuple(float(v[0]) for v in line.get_data()) for line in axes.get_lines()]
    assert points == [(network["params"], network["macs"]) for network in networks]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("params", "MACs")
    sides = VARIANTS.plot()
    heights = [float(line.get_ydata()[0]) for line in sides.get_lines()]
    assert heights == [7, 7, 7, 7, 5, 3]
    assert {text.get_text() for text in axes.texts} <= {n["name"] for n in networks}


def test_fields_are_to_scale() -> None:
    from matplotlib.patches import Rectangle

    figure = figure_of(convcalc.compare("7x7", "7x1", "gap"))
    panel = next(axes for axes in figure.axes if "fields" in axes.get_title())
    sizes = {(p.get_height(), p.get_width()) for p in panel.patches if isinstance(p, Rectangle)}
    assert sizes == {(7, 7), (7, 1)}
    assert panel.get_title() == "fields to scale; gap sees all"


def test_bars_are_the_figures_of_the_json() -> None:
    report = RESULTS["stages"]
    axes = report.plot()
    document = {"conv1": 0, "conv2": 0, "conv3": 0, "conv4": 0, "conv5": 0, "head": 0}
    for layer in report.to_dict()["networks"][0]["layers"]:
        document[layer["name"].split("/")[0]] += layer["macs"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(document)
    assert [bar.get_width() for bar in axes.patches] == list(document.values())
    assert "depth 50, field all" in [text.get_text() for text in axes.texts]


def test_the_field_and_its_growth_are_those_of_the_json() -> None:
    view = RESULTS["large field"]
    document = view.to_dict()
    figure = figure_of(view)
    field, growth = figure.axes[:2]
    assert document["growth"][-1]["size"] == [91, 91]
    (line,) = [line for line in growth.get_lines() if len(line.get_xdata()) > 2]
    assert list(line.get_ydata()) == [found["size"][0] for found in document["growth"]]
    assert field.get_title() == "field 91x91, reads 8,281 positions"
    texts = [text.get_text() for text in growth.texts]
    assert any(text.startswith("falls 4 times") for text in texts)
    frame = field.patches[0]
    assert (frame.get_width(), frame.get_height()) == (91, 91)


def test_a_field_along_one_axis_is_a_curve() -> None:
    view = RESULTS["one axis"]
    axes = view.plot()
    (line,) = axes.get_lines()
    assert len(line.get_xdata()) - 2 == view.field.size[0] == 15  # and nothing before and after
    assert max(line.get_ydata()) == 1


def test_the_contour_holds_95_percent_of_the_weight() -> None:
    from convcalc.render.plots.fields import blurred, level_of

    grid = Grid((0, 0), [[1.0, 0.5], [0.25, 0.25]])
    assert level_of(grid, 0.75) == 0.5
    assert level_of(grid, 0.95) == level_of(grid, 1) == 0.25
    assert level_of(grid, 1.1) == 0.25
    assert blurred([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 9.0]], 1)[1][1] == 12 / 9
    total = sum(map(sum, blurred([[0.0] * 5 for _ in range(5)], 2)))
    assert total == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_told_apart_in_grey(theme: str) -> None:
    from convcalc.render.plots.style import THEMES, luminance

    look = THEMES[theme]
    greys = [luminance(colour) for colour in look.lines]
    steps = [abs(b - a) for a, b in pairwise(sorted(greys))]
    assert min(steps) > 0.07
    assert greys == sorted(greys, reverse=theme == "dark")
    ground = luminance(look.ground)
    assert abs(ground - luminance(look.ink)) > 0.8
    assert all(abs(ground - grey) > 0.25 for grey in greys)
    assert abs(ground - luminance(look.weight)) > 0.7


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_files_by_their_suffix(program: Program, tmp_path: Path, form: str) -> None:
    begin = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[form]
    file = tmp_path / f"a.{form}"
    assert program("rf", "7x1+1x7", "--output", str(file), "--theme", "dark") == (0, "", "")
    first = file.read_bytes()
    assert first.startswith(begin)
    assert program("rf", "7x1+1x7", "--output", str(file), "--theme", "dark").code == 0
    assert file.read_bytes() == first
    ran = program("rf", "7x1+1x7", "--output", str(file), "--format", "json")
    assert (ran.code, ran.out) == (2, "") and "suffix" in ran.err
    assert file.read_bytes() == first


def test_a_field_over_a_photo(program: Program, tmp_path: Path) -> None:
    from matplotlib.image import imsave

    photo = tmp_path / "photo.png"
    imsave(photo, [[(0.1 * x, 0.1 * y, 0.5) for x in range(8)] for y in range(6)])
    file = tmp_path / "a.png"
    ran = program(
        "rf", "3x3+3x3", "--input", "3x16x20", "--image", str(photo), "--output", str(file)
    )
    assert ran == (0, "", "")
    axes = convcalc.receptive_field("3x3+3x3", input="3x16x20").plot(image=photo)
    assert [image.get_array().shape[:2] for image in axes.get_images()] == [(6, 8), (16, 20)]
    photo.write_text("no picture")
    for wrong, reason in ((photo, "not a picture"), (tmp_path / "none.jpg", "No such file")):
        ran = program("rf", "3x3", "--image", str(wrong), "--output", str(file))
        assert ran.code == 2 and ran.err.startswith("error: cannot read ") and reason in ran.err


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("rf", "add(7x1 | 1x7)+3x3d2"), ["input position, width", "how the field grows"]),
        (("compare", "zoo:vgg16", "7x7", "--input", "3x64x64"), ["zoo:vgg16", "MACs"]),
        (("show", "zoo:googlenet"), ["params", "MACs", "4e"]),
        (("rf", "3*(3)+5d4"), ["input position, length", "share of the largest weight"]),
    ],
)
def test_svg_is_the_same_twice_and_its_text_is_text(
    program: Program, arguments: tuple[str, ...], texts: list[str]
) -> None:
    first, second = (program(*arguments, "--format", "svg") for _ in range(2))
    assert (first.code, first.err) == (0, "")
    assert first.out == second.out
    ElementTree.fromstring(first.out)
    assert all(f">{text}<" in first.out for text in texts)
    assert "<dc:date>" not in first.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compare", "3x3", "3x3", "--input", "CxHxW", "--format", "svg"), "has numbers for both"),
        (("compare", "gap", "gap", "--y", "field", "--format", "svg"), "no network has numbers"),
        (("compare", "3x3", "1x1", "--x", "mac", "--format", "svg"), "did you mean macs?"),
        (("compare", "3x3", "1x1", "--x", "macs"), "--x is for pictures"),
        (("show", "relu", "--format", "svg"), "nothing to draw: no layer has params or MACs"),
        (("show", "41*3x3", "--format", "svg"), "a figure of 41 layers cannot be read"),
        (("rf", "fc10", "--input", "5", "--format", "svg"), "nothing to draw"),
        (("rf", "3x3", "--theme", "drak", "--format", "svg"), "did you mean dark?"),
        (("show", "3x3", "--theme", "dark"), "hint: add --format svg, or --output picture.png"),
        (("explain", "3x3", "--format", "svg"), "unknown format 'svg'"),
    ],
)
def test_what_cannot_be_drawn(program: Program, arguments: tuple[str, ...], message: str) -> None:
    ran = program(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err and ran.err.count("error:") == 1


def test_without_matplotlib(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ran = program("rf", "3x3", "--format", "svg")
    assert ran == (2, "", "error: drawing SVG needs an extra: pip install 'convcalc[plot]'\n")
    with pytest.raises(convcalc.ConvcalcError, match="plot"):
        VARIANTS.plot()


def test_pictures_in_python() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert VARIANTS.plot(ax=ax, theme="dark") is ax
    assert convcalc.receptive_field("3x3").plot(Figure().subplots()).get_title()
    with pytest.raises(OptionError, match="no picture of a check"):
        convcalc.check("3x3", require=["params<=1M"]).plot()
    with pytest.raises(OptionError, match="no picture of an explanation"):
        figure_of(convcalc.explain("3x3"))


def test_networks_that_see_everything() -> None:
    whole = convcalc.compare("gap", "gap+fc10")
    assert whole.plot().get_ylabel() == "params"
    assert len(figure_of(whole).axes) == 1
    some = convcalc.compare("3x3", "gap", "1x1").plot(y="field")
    assert some.get_title() == "not shown: gap"


def test_a_reference_that_is_not_in_the_front_and_a_front_without_a_knee() -> None:
    found = made_up.search(convcalc.analyze("7x7"))
    first, second = found.front
    outside = replace(found, front=(replace(first, is_knee=False),),
                      figures={"macs": 3 * made_up.COUNT, "span": 9_999})  # fmt: skip
    texts = [text.get_text() for text in texts_of(figure_of(outside))]
    assert "7x7 (the reference)" in texts and not any("knee" in text for text in texts)
    many = replace(found, front=tuple(
        replace(second, figures={"macs": n, "span": n}) for n in range(1, 40)))  # fmt: skip
    assert not any("3x3" in text.get_text() for text in texts_of(figure_of(many)))
    with pytest.raises(OptionError, match="two objectives"):
        figure_of(replace(found, objectives=("macs",)))
    with pytest.raises(OptionError, match="without layers"):
        figure_of(replace(RESULTS["times"], timings=()))


def test_a_unit_at_the_border_and_inputs_that_are_not_square() -> None:
    view = convcalc.rf("5x3+3x3", unit=(0, 0), input="1x20x40")
    field, growth = figure_of(view).axes
    frame = field.patches[0]
    assert (frame.get_x(), frame.get_y(), frame.get_height(), frame.get_width()) == (
        -0.5, -0.5, 4, 3)  # fmt: skip
    assert {"height", "width"} <= {text.get_text() for text in growth.texts}
    support = convcalc.rf("3x3", input="1x9x9")
    assert replace(support, effective=None).plot().get_title().startswith("field 3x3")


def test_names_that_steer_matplotlib_are_shown_as_they_are() -> None:
    figure = figure_of(convcalc.compare("3x3", convcalc.analyze("1x1").graph))
    assert any(text.get_text() == "3x3" for text in texts_of(figure))


def test_a_network_has_one_colour_in_both_panels() -> None:
    from matplotlib.colors import to_hex

    points, nested = figure_of(convcalc.compare("3x3", "7x7", "5x5")).axes
    by_field = {3.0: points.lines[0], 7.0: points.lines[1], 5.0: points.lines[2]}
    frames = [box for box in nested.patches if not box.get_fill()]
    assert [box.get_width() for box in frames] == [7, 5, 3]
    for box in frames:
        assert to_hex(box.get_edgecolor()) == by_field[box.get_width()].get_color()


def test_axes_along_which_the_field_grows_alike_are_one_curve() -> None:
    view = convcalc.rf("3x3x3+1x3x3", input="2x9x12x12")
    growth = figure_of(view).axes[1]
    assert [text.get_text() for text in growth.texts][-2:] == ["depth", "height and width"]
    assert len([line for line in growth.lines if len(line.get_xdata()) == 2]) == 4
    alike = figure_of(convcalc.rf("2*(3x3x3)", input="2x9x9x9")).axes[1]
    assert [text.get_text() for text in alike.texts] == ["the input"]


def test_the_first_and_the_last_position_of_a_curve_are_drawn_whole() -> None:
    panel = figure_of(convcalc.rf("3", input="2x9")).axes[0]
    (line,) = panel.lines
    assert list(line.get_xdata()) == [2, 3, 4, 5, 6]
    assert list(line.get_ydata()) == [0, 1, 1, 1, 0]
    assert panel.get_xlim() == (2, 6)


@pytest.mark.parametrize(
    ("share", "label"), [(0, ""), (0.0004, "<0.1%"), (0.125, "12.5%"), (1, "100.0%")]
)
def test_labels_of_shares(share: float, label: str) -> None:
    assert _share(share) == label


def test_several_networks_see_all() -> None:
    for names, verb in ((("7x7", "gap"), "gap sees all"), (("7x7", "gap", "fc1"), "fc1 see all")):
        assert figure_of(convcalc.compare(*names)).axes[1].get_title().endswith(verb)
    assert "sees the whole input:" in figure_of(convcalc.rf("gap")).axes[0].get_title()
