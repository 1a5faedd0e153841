"""`show --stage / --depth`, `zoo`, heat maps and pictures."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from convcalc.networks import zoo_blocks, zoo_networks
from convcalc.render.heatmap import Picture, SideBySide, scaled
from convcalc.render.spans import plain
from tests.cli.running import Program


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_stages_fold_and_unfold(program: Program) -> None:
    every = rows(program("show", "zoo:squeezenet1_0", "--format", "csv").out)
    folded = rows(program("show", "zoo:squeezenet1_0", "--depth", "1", "--format", "csv").out)
    one = rows(program("show", "zoo:squeezenet1_0", "--stage", "fire3", "--format", "csv").out)
    assert [row["layer"] for row in folded][:3] == ["conv1", "fire2", "fire3"]
    assert [row["kind"] for row in folded].count("stage") == len(folded)
    inside = [row for row in every if row["layer"].startswith("fire3/")]
    apart = [row for row in one if row["layer"].startswith("fire3/")]
    assert (inside[0]["inputs"], apart[0]["inputs"]) == ("fire2/cat1", "fire2")
    assert apart == [{**inside[0], "inputs": "fire2"}, *inside[1:]]
    for figure in ("params", "macs", "flops", "activations", "memory_bytes"):
        sums = {sum(int(row[figure]) for row in shown) for shown in (every, folded, one)}
        assert len(sums) == 1, figure
    (fire3,) = [row for row in folded if row["layer"] == "fire3"]
    assert int(fire3["macs"]) == sum(int(row["macs"]) for row in inside)
    assert fire3["output"] == inside[-1]["output"]


def test_long_tables_are_folded_unless_told_otherwise(program: Program) -> None:
    assert "Stages are folded: --stage NAME or --depth 2 unfolds" in program(
        "show", "zoo:resnet50"
    ).out.replace("\n", " ")
    unfolded = program("show", "zoo:resnet50", "--depth", "2").out.splitlines()
    stage = unfolded.index("conv2")  # named once, its layers under it
    assert unfolded[stage + 1].split()[0] == "maxpool1"
    assert len(json.loads(program("show", "zoo:resnet50", "--format", "json").out)["networks"][0][
        "layers"]) > 100  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zoo:resnet50", "--stage", "conv9"], "--stage conv9: no such stage"),
        (["3x3", "--stage", "stem"], "--stage stem: this network has no stages"),
        (["3x3", "--depth", "0"], "--depth 0: expected a number from 1"),
    ],
)
def test_no_such_stage(program: Program, arguments: list[str], message: str) -> None:
    ran = program("show", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {message}")


def test_zoo_lists_every_file(program: Program) -> None:
    listed = json.loads(program("zoo", "--format", "json").out)["networks"]
    assert [entry["name"] for entry in listed] == [
        f"zoo:{name}" for name in zoo_networks() + zoo_blocks()
    ]
    by_name = {entry["name"]: entry for entry in listed}
    assert by_name["zoo:resnet50"]["params"] == 25_557_032
    assert by_name["zoo:resnet50"]["receptive_field"]["size"] == [427, 427]
    assert all(entry["source"] and entry["title"] for entry in listed)
    table = program("zoo").out
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "resnet_v1_50" in table
    assert "inception_v3_b_symmetric" in table


def test_zoo_prints_a_file_that_can_be_read(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(program("zoo", "resnet18").out, encoding="utf-8")
    figures = [
        rows(program("compare", name, "zoo:resnet34", "--format", "csv").out)[0]["macs"]
        for name in (str(path), "zoo:resnet18")
    ]
    assert figures[0] == figures[1]
    ran = program("zoo", "resnet19")
    assert ran.code == 2
    assert "did you mean zoo:resnet18?" in ran.err


# Heat maps


def drawn(picture: Picture | SideBySide, width: int = 60) -> list[str]:
    """The lines of a picture, without their styles."""
    return [plain(line) for line in picture.lines(width)]


CROSS = [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]


def test_a_picture_has_a_frame_and_the_positions_of_its_corners() -> None:
    assert drawn(Picture("reads", CROSS, (-1, 20)), 12) == [
        "reads",
        "  ┌──────┐",
        "-1│  ██  │",
        "  │██████│",
        " 1│  ██  │",
        "  └──────┘",
        "   20  22",
    ]


def test_no_value_is_blank_but_nothing() -> None:
    text = "".join(drawn(Picture("", [[0.0, 1e-9], [0.0, 1e-9]], (0, 0)), 10))
    assert "░" in text and " " in text


def test_an_odd_number_of_rows_is_not_mixed_with_none() -> None:
    lines = drawn(Picture("", [[1.0] * 31] * 31))
    assert len([line for line in lines if "█" * 31 in line]) == 16
    assert not any("▓" in line for line in lines)


def test_one_dimension_is_a_curve() -> None:
    lines = drawn(Picture("effective field", [[0.25, 1.0, 0.0, 0.5]], (0, -1)), 8)
    assert lines == ["effective field", " █", " █", " █ █", "██ █", "-1 2"]


@pytest.mark.parametrize("width", [24, 40, 80, 132])
def test_pictures_fit_the_window(width: int) -> None:
    large = [[float((row + column) % 2) for column in range(500)] for row in range(300)]
    pictures = SideBySide([Picture("one", large, (0, 0)), Picture("two", CROSS, (0, 0))])
    assert all(len(line) <= width for line in drawn(pictures, width))
    (edge,) = [line for line in drawn(Picture("", large, (0, 0)), width) if "┌" in line]
    (scale,) = [line for line in drawn(Picture("", large, (0, 0)), width) if "px" in line]
    assert float(scale.split("=")[1].split()[0]) == pytest.approx(500 / edge.count("─"), rel=0.01)


def test_a_large_grid_is_averaged_and_a_small_one_enlarged() -> None:
    halves = [[0.0] * 50 + [1.0] * 50 for _ in range(100)]
    small = scaled(halves, 10, 10)
    assert small == [[0.0] * 5 + [1.0] * 5 for _ in range(10)]
    large = scaled(CROSS, 30, 30)
    assert (len(large), len(large[0])) == (24, 24)
    assert [row[::8] for row in large[::8]] == CROSS
    assert scaled([[1.0, 0.0, 1.0]], 30, 30)[0] == scaled([[1.0, 0.0, 1.0]], 30, 30)[1]


# Pictures


def test_several_outputs_have_a_row_each(program: Program) -> None:
    ran = program("show", "zoo:fpn_resnet50", "--depth", "1")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["p3", "256x28x28", "459x459", "8"] in lines
    assert ["p6", "256x4x4", "491x491", "64"] in lines
    both = program("compare", "zoo:fpn_resnet50", "zoo:resnet18").out
    assert ["p6", "256x4x4", "491x491", "64"] in [line.split() for line in both.splitlines()]
