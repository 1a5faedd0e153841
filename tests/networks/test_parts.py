"""Networks within networks: stages of files and of built-in networks, and whole ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import convcalc
from convcalc.cli.main import main
from convcalc.errors import ConvcalcError, LimitError, ReadingWarning, SourceError
from convcalc.networks.parts import parse
from convcalc.quantities import Shape

STEM = """
input = "3x32x32"
padding = "valid"
after_conv = "bn+relu"
bias = false
[[stage]]
name = "2"
layers = "3x3@8"
[[stage]]
name = "b"
layers = "3x3@16s2"
[[stage]]
name = "c"
layers = "add(id | 1x1)"
[[stage]]
name = "d"
layers = "add($b+1x1@4 | $c+1x1@4)"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stem.toml").write_text(STEM, encoding="utf-8")
    return tmp_path


def error_of(text: str) -> str:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.analyze(text)
    return str(caught.value)


def test_a_part_keeps_what_its_file_says_and_names_its_layers() -> None:
    report = convcalc.analyze("stem.toml[2..b]+3x3@4", bias=True)
    assert [layer.name for layer in report.layers] == [
        "stem/2/conv1", "stem/2/bn1", "stem/2/relu1", "stem/b/conv1", "stem/b/bn1", "stem/b/relu1",
        "conv1"]  # fmt: skip
    assert report.input == Shape(3, (32, 32))
    assert report.output == Shape(4, (14, 14))  # valid twice, then same
    assert report.params == (216 + 16) + (1152 + 32) + (16 * 9 * 4 + 4)


@pytest.mark.parametrize(
    ("text", "size", "output", "layers"),
    [
        ("stem.toml[..2]", "3x32x32", "8x30x30", 3),  # a name goes before a number
        ("stem.toml[..1]", "3x32x32", "8x30x30", 3),
        ("stem.toml[b..3]", "8x30x30", "16x14x14", 8),
        ("stem.toml[b..]", "8x30x30", "4x14x14", 15),
        ("stem.toml[c..c]", "16x14x14", "16x14x14", 5),
        ("stem.toml[..]", "3x32x32", "4x14x14", 18),
        ("stem.toml+gap", "3x32x32", "4x1x1", 19),
        ("stem.toml[ c .. c ]", "16x14x14", "16x14x14", 5),
        ("add(stem.toml[c..c] | id)", "16x14x14", "16x14x14", 7),
        ("zoo:vgg16[..conv5]+3x3@512+1x1@18", "3x224x224", "18x7x7", 33),
    ],
)
def test_slices(text: str, size: str, output: str, layers: int) -> None:
    report = convcalc.analyze(text)
    assert (str(report.input), str(report.output)) == (size, output)
    assert len(report.layers) == layers
    assert report.name == text
    assert parse(str(parse(text))) == parse(text)


def test_a_network_used_twice_has_its_layers_twice() -> None:
    report = convcalc.analyze("stem.toml[c..c]+stem.toml[c..c]", input="16x8x8")
    names = [layer.name for layer in report.layers]
    assert names[0] == "stem/c/id1" and "stem_2/c/add1" in names
    assert report.params == 2 * (256 + 32)


def test_the_vgg_slice_is_the_network_up_to_there() -> None:
    whole = convcalc.analyze("zoo:vgg16")
    part = convcalc.analyze("zoo:vgg16[..conv5]")
    for one, other in zip(part.layers, whole.layers, strict=False):
        assert one.name == f"vgg16/{other.name}"
        assert (one.params, one.macs, one.output) == (other.params, other.macs, other.output)
        assert one.receptive_field == other.receptive_field
    assert part.params == 14_714_688  # Simonyan & Zisserman's convolutions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stem.toml[x..]", "stem.toml[x..]: no such stage: 'x'"),
        ("stem.toml[9..]", "stem.toml[9..]: no such stage: '9'"),
        ("stem.toml[c..b]", "stem.toml[c..b]: stage c comes after b"),
        ("stem.toml[c]", "stem.toml[c]: expected stages such as [a..b], got [c]"),
        ("stem.toml[c..]", "stem.toml[c..]: stage d reads stage b, which is not among these"),
        ("none.toml[..1]", "none.toml[..1]: none.toml: no such file"),
        ("none.toml+3x3", "none.toml: no such file"),
        ("zoo:vgg61[..1]", "zoo:vgg61[..1]: no such built-in network: 'vgg61'"),
        ("3x3+zoo:vgg61", "zoo:vgg61: no such built-in network: 'vgg61'"),
    ],
)
def test_errors(text: str, message: str) -> None:
    lines = error_of(text).splitlines()
    assert lines[0].startswith(message)
    assert lines[1] == f"  {text}" and set(lines[2].strip()) == {"^"}


def test_hints_list_the_stages() -> None:
    assert "hint: its stages: 2, b, c, d" in error_of("stem.toml[c..b]")
    assert "hint: for a single one write [c..c]" in error_of("stem.toml[c]")
    assert "hint: for a single one write [3..3]" in error_of("stem.toml[3]")
    assert "hint: its stages: 2, b, c, d" in error_of("stem.toml[9]")
    stages = "conv1, conv2, conv3, conv4, conv5, head"
    assert f"hint: did you mean 'conv5'? (its stages: {stages})" in error_of("zoo:vgg16[..conv6]")


def write(path: Path, layers: str, **more: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    path.write_text(f'{head}[[stage]]\nname = "s"\nlayers = "{layers}"\n', encoding="utf-8")


def test_files_name_files_below_their_own_folder(folder: Path) -> None:
    write(folder / "nets" / "inner.toml", "3x3@4", input="5x9x9")
    write(folder / "outer.toml", "nets/inner.toml[..1]+1x1@2")
    report = convcalc.analyze("outer.toml")
    assert [layer.name for layer in report.layers] == ["s/inner/s/conv1", "s/conv1"]
    assert report.input == Shape(5, (9, 9))
    assert convcalc.analyze(str(folder / "outer.toml")).params == report.params


def test_errors_in_a_file_that_a_file_names_have_its_path_as_given(folder: Path) -> None:
    write(folder / "nets" / "parts" / "inner.toml", "3x3+rleu")
    write(folder / "nets" / "outer.toml", "parts/inner.toml+3x3")
    assert "\n  nets/parts/inner.toml, line 3, column 15" in error_of("nets/outer.toml")


@pytest.mark.parametrize("name", ["../stem.toml", "{folder}/stem.toml", "~/stem.toml"])
def test_files_name_no_files_elsewhere(folder: Path, name: str) -> None:
    write(folder / "nets" / "outer.toml", name.format(folder=folder) + "[..1]")
    message = error_of("nets/outer.toml")
    if name.startswith("~"):
        assert "no such file" in message
    else:
        assert "a network file names files below its own folder only" in message
    assert "nets/outer.toml, line 3, column 11, stage s:" in message


def test_a_link_leads_nowhere_else(folder: Path) -> None:
    (folder / "nets").mkdir()
    (folder / "nets" / "link.toml").symlink_to(folder / "stem.toml")
    write(folder / "nets" / "outer.toml", "link.toml[..1]")
    assert "below its own folder only" in error_of("nets/outer.toml")


def test_the_command_line_names_any_file(folder: Path) -> None:
    assert convcalc.analyze(f"{folder}/stem.toml[..1]+1x1").output == Shape(8, (30, 30))


def test_cycles(folder: Path) -> None:
    write(folder / "a.toml", "b.toml+relu")
    write(folder / "b.toml", "a.toml+relu")
    assert "network files name each other: a.toml -> b.toml -> a.toml" in error_of("a.toml")
    write(folder / "a.toml", "a.toml+relu")
    assert "network files name each other: a.toml -> a.toml" in error_of("a.toml")


def test_towers_are_refused_before_any_work(folder: Path) -> None:
    for number in range(19):
        write(folder / f"n{number}.toml", "+".join([f"n{number + 1}.toml"] * 9))
    write(folder / "n19.toml", "relu")
    with pytest.raises(LimitError, match="layers exceed the limit of 10,000"):
        convcalc.analyze("n0.toml+relu")
    write(folder / "n19.toml", "n20.toml")
    write(folder / "n20.toml", "n21.toml")
    write(folder / "n21.toml", "relu")
    with pytest.raises(LimitError, match="name each other more than 20 deep"):
        convcalc.analyze("n0.toml+relu")


def test_a_network_with_several_outputs_passes_on_the_first(folder: Path) -> None:
    text = STEM.replace('input = "3x32x32"', 'input = "3x32x32"\noutputs = ["c", "d"]')
    (folder / "two.toml").write_text(text, encoding="utf-8")
    with pytest.warns(ReadingWarning) as caught:
        report = convcalc.analyze("two.toml+1x1@7")
    assert [str(one.message) for one in caught] == [
        "two.toml has 2 outputs: it goes on from c, without d"]  # fmt: skip
    assert report.output == Shape(7, (14, 14))
    assert not any("/d/" in layer.name for layer in report.layers)
    assert convcalc.analyze("two.toml").outputs["d"].shape == Shape(4, (14, 14))


def test_a_slice_that_leaves_out_stages_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = STEM.replace('"add($b+1x1@4 | $c+1x1@4)"', '"$b+1x1@4"')
    (folder / "side.toml").write_text(f'outputs = ["c", "d"]\n{text}', encoding="utf-8")
    assert main(["show", "side.toml[..d]", "--format", "json"]) == 0
    assert capsys.readouterr().err == (
        "warning: side.toml[..d] leaves out c, which nothing up to its end reads\n"
    )
    write(folder / "outer.toml", "1x1@3 + side.toml[..d] + side.toml[..c]")
    assert main(["show", "outer.toml"]) == 0
    assert capsys.readouterr().err == (
        "warning: outer.toml, line 3, column 19, stage s: side.toml[..d] leaves out c, "
        "which nothing up to its end reads\n"
    )


def test_an_input_that_does_not_reach_the_part_is_not_told(folder: Path) -> None:
    text = STEM.replace("3x32x32", "3x4x4")
    (folder / "small.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConvcalcError, match="kernel"):
        convcalc.analyze("small.toml[..b]")
    assert convcalc.analyze("small.toml[c..c]").assumed[0] == "input 64x56x56 (default)"
    (folder / "free.toml").write_text(STEM.replace('input = "3x32x32"', ""), encoding="utf-8")
    assert convcalc.analyze("free.toml[c..c]").input == Shape(64, (56, 56))


@pytest.mark.parametrize("network", ["stem.toml[..b]+1x1@2", "stem.toml[..b]"])
def test_entries_of_a_configuration(folder: Path, network: str) -> None:
    (folder / "ci").mkdir()
    (folder / "ci" / "stem.toml").write_text(STEM, encoding="utf-8")
    (folder / "ci" / "convcalc.toml").write_text(
        f'[[entry]]\nname = "a"\nnetwork = "{network}"\nparams = "<= 1450"\n'
    )
    assert main(["check", "--config", "ci/convcalc.toml"]) == 0


def test_titles_print_the_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "stem.toml[..b]"]) == 0
    assert capsys.readouterr().out.startswith("stem.toml[..b]")
    assert main(["compare", "stem.toml[..b]", "stem.toml[..c]"]) == 0
    out = capsys.readouterr().out
    assert "stem.toml[..b]" in out and "stem.toml[..c]" in out
    assert main(["show", "--help"]) == 0
    assert "zoo:vgg16[..conv5]" in capsys.readouterr().out


def test_a_network_cannot_be_named_where_nothing_finds_it() -> None:
    from convcalc.spec import parse as parse_only

    with pytest.raises(ConvcalcError, match="a network cannot be named here"):
        parse_only("zoo:vgg16+relu")
    with pytest.raises(SourceError):
        convcalc.parse("zoo:nothing[..2]+relu")
