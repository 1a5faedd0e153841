"""Network files: what they say, and one message for whatever is wrong with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import convcalc
from convcalc.cli.main import main
from convcalc.errors import ConvcalcError, LimitError, SourceError
from convcalc.networks.file import read_text
from convcalc.spec.tree import Block, Series

STEM = """
name = "Stem"
input = "3x32x32"
after_conv = "relu"
bias = false

[blocks]
"pair(k, c)" = "kx1@c + 1xk@c"
"twice(n, c)" = "2*pair(n, c)"
end = "gap+fc10"

[[stage]]
name = "stem"
layers = "3x3s2@16"

[[stage]]
name = "body"
layers = '''
add(id | twice(7, 16))   # not a comment of TOML
'''

[[stage]]
name = "head"
layers = "end"
""".replace("   # not a comment of TOML", "")


def analysed(text: str, is_json: bool = False) -> convcalc.Report:
    return convcalc.analyze(read_text(text, "net.toml", is_json).graph("net.toml"))


def test_a_file_is_the_specification_it_writes() -> None:
    of_file = analysed(STEM)
    spec = "3x3s2@16+add(id | 7x1@16+1x7@16+7x1@16+1x7@16)+gap+fc10"
    of_text = convcalc.analyze(spec, input="3x32x32", bias=False, after_conv="relu")
    assert [layer.spec for layer in of_file.layers] == [layer.spec for layer in of_text.layers]
    for figure in ("params", "macs", "flops", "depth", "nonlinearities", "receptive_field"):
        assert getattr(of_file, figure) == getattr(of_text, figure), figure
    assert of_file.input == of_text.input
    assert (of_file.name, of_file.reading) == ("net.toml", "Stem")


def test_layers_are_named_and_numbered_within_their_stage() -> None:
    names = [layer.name for layer in analysed(STEM).layers]
    assert names[:5] == ["stem/conv1", "stem/relu1", "body/id1", "body/conv1", "body/relu1"]
    assert names[-3:] == ["body/add1", "head/gap1", "head/fc1"]


def test_json_of_the_same_shape_is_read() -> None:
    import tomllib

    assert analysed(json.dumps(tomllib.loads(STEM)), True).layers == analysed(STEM).layers


@pytest.mark.parametrize(
    ("head", "body", "use", "spec"),
    [
        ("m(k)", "maxpoolkxks2p1", "m(3)", "maxpool3x3s2p1"),
        ("m(s)", "3x3ss", "m(2)", "3x3s2"),
        ("m(p)", "3x3pp+1x1@p", "m(1)", "3x3p1+1x1@1"),
        ("m(a, ab)", "1x1@ab + 1x1@a", "m(1, 2)", "1x1@2+1x1@1"),
        ("m(g)", "3x3@8gg", "m(4)", "3x3@8g4"),
        ("m(c)", "3x3@cs2", "m(4)", "3x3@4s2"),
        ("m(g)", "shufflegg + gngg", "m(2)", "shuffleg2 + gng2"),
        ("m(n)", "n*dw3x3", "m(3)", "3*dw3x3"),
        ("m(a, b)", "takea-b", "m(1, 2)", "take1-2"),
        ("m(a, b)", "pada:bx1", "m(1, 2)", "pad1:2x1"),
        ("m(f)", "gap+fcf", "m(7)", "gap+fc7"),
        ("m(same)", "3x3psame@same", "m(7)", "3x3psame@7"),
        ("m", "relu", "m+m", "relu+relu"),
        ("m()", "relu", "m()", "relu"),
    ],
)
def test_parameters_stand_for_numbers(head: str, body: str, use: str, spec: str) -> None:
    text = f'''input="8x9x9"\n[blocks]\n"{head}" = "{body}"\n[[stage]]\nname="s"\nlayers="{use}"'''
    found = analysed(text)
    wanted = convcalc.analyze(spec, input="8x9x9")
    assert [x.spec for x in found.layers] == [x.spec for x in wanted.layers]


def test_options_of_the_command_line_do_not_reach_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text('input="3x8x8"\n[[stage]]\nname="s"\nlayers="3x3@4"\n')
    plain = convcalc.analyze(str(path))
    asked = convcalc.analyze(str(path), padding="valid", bias=False, after_conv="relu")
    assert (plain.params, plain.output) == (asked.params, asked.output)


def test_each_network_is_at_its_own_input_unless_one_is_given(tmp_path: Path) -> None:
    sizes = ("3x8x8", "3x9x9")
    paths = [tmp_path / f"{number}.toml" for number in range(2)]
    for path, size in zip(paths, sizes, strict=True):
        path.write_text(f'input="{size}"\n[[stage]]\nname="s"\nlayers="3x3"\n')
    networks = [*map(str, paths), "5x5"]
    found = convcalc.compare(*networks)
    assert [str(report.input) for report in found.reports] == ["3x8x8", "3x9x9", "3x8x8"]
    assert found.baseline.assumed[0].startswith("each at its own input (3x8x8 of ")
    found = convcalc.compare(*networks, input="3x7x7")
    assert {str(report.input) for report in found.reports} == {"3x7x7"}


STAGE = '\n[[stage]]\nname="a"\nlayers="{}"\n'
ERRORS = [
    ("stage = 3", "stage: expected a list of tables, got 3"),
    ("stage = [3]", "stage 1: expected a table, got 3"),
    ('name = "x"', "net.toml: expected a stage"),
    ("afterconv = ''" + STAGE.format("3x3"), "unknown key 'afterconv'"),
    ("input = '3x'" + STAGE.format("3x3"), "input: missing size"),
    ("padding = 'sam'" + STAGE.format("3x3"), "padding: expected"),
    ("after_conv = '3x3'" + STAGE.format("3x3"), "after_conv: a convolution cannot follow"),
    ("bias = 'yes'" + STAGE.format("3x3"), 'bias: expected true or false, got "yes"'),
    ("[[stage]]\nlayers='3x3'", "stage 1: missing key 'name'"),
    ("[[stage]]\nname='a'", "stage 1: missing key 'layers'"),
    ("[[stage]]\nname='a/b'\nlayers='relu'", "stage 1: invalid stage name 'a/b'"),
    ("[[stage]]\nname='a'\nlayers=7", "stage 1: layers: expected a string, got 7"),
    (STAGE.format("3x3") * 2, "stages 1 and 2 are both named 'a'"),
    (STAGE.format(""), "empty specification"),
    (STAGE.format("3x3,3x3"), "unexpected character ','"),
    ('[blocks]\n"u(a,b)"="1x1@a+1x1@b"' + STAGE.format("u(1)"), "block u takes 2 arguments, got 1"),
    ('[blocks]\n"u(a)"="1x1@a"' + STAGE.format("u(1,2)"), "block u takes 1 argument, got 2"),
    ('[blocks]\n"u(a)"="1x1@a"' + STAGE.format("u"), "block u takes 1 argument, got 0"),
    ('[blocks]\n"u(a)"="1x1@a"' + STAGE.format("u(x)"), "expected a number, got 'x'"),
    ('[blocks]\n"u(a)"="1x1@a"' + STAGE.format("u(1"), "'(' was never closed"),
    (
        '[blocks]\n"u(a)"="1x1@a"' + STAGE.format("u(0)"),
        "1x1@a: the number of output channels must",
    ),
    ('[blocks]\nu="u"' + STAGE.format("u"), "block u is recursive: u -> u"),
    (
        '[blocks]\n"u(a)"="v(a)"\n"v(b)"="id+w"\nw="u(1)"' + STAGE.format("w"),
        "block w is recursive: w -> u -> v -> w",
    ),
    ('[blocks]\nrelu="id"' + STAGE.format("id"), "'relu' is a word of the language"),
    ('[blocks]\n"u(a,a)"="id"' + STAGE.format("id"), "duplicate parameter in block u"),
    ('[blocks]\n"u(a)"="id"\nu="id"' + STAGE.format("id"), "duplicate block u"),
    ('[blocks]\n"u(x1)"="id"' + STAGE.format("id"), "parameter 'x1' cannot begin with x"),
    ('[blocks]\n"u(a"="id"' + STAGE.format("id"), "invalid block name 'u(a'"),
    ('[blocks]\n"u(2)"="id"' + STAGE.format("id"), "invalid parameter name '2'"),
    ("[blocks]\nu=1" + STAGE.format("id"), "block u: expected a string, got 1"),
    ("x = " + "[" * 5000, "net.toml: values are nested too deeply"),
    ("x = " + "9" * 5000, "net.toml: invalid number or date"),
    ("x =", "net.toml: invalid TOML: Invalid value"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS, ids=lambda value: ascii(value)[:40])
def test_one_message(text: str, message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        read_text(text, "net.toml")
    assert caught.value.message.startswith(message)
    assert "net.toml" in str(caught.value)


def test_the_place_is_that_in_the_file() -> None:
    with pytest.raises(ConvcalcError) as caught:
        read_text(STEM.replace("twice(7, 16)", "twice(7, 16)+rleu"), "net.toml")
    assert str(caught.value).splitlines() == [
        "unknown word 'rleu'",
        "  net.toml, line 19, column 23, stage body:",
        "  add(id | twice(7, 16)+rleu)",
        "                        ^^^^",
        "hint: did you mean 'relu'?",
    ]


def test_a_layer_that_does_not_fit_names_its_block_and_its_stage() -> None:
    with pytest.raises(ConvcalcError) as caught:
        analysed(STEM.replace('"kx1@c', '"kx1@cg5'))
    assert caught.value.message.endswith("(layer body/conv1)")
    assert "  net.toml, line 8, column 17, block pair(k, c):\n" in str(caught.value)


def tower(blocks: int) -> str:
    lines = [f'b{n} = "b{n + 1}+b{n + 1}"' for n in range(blocks)]
    return "\n".join(["[blocks]", *lines, f'b{blocks} = "relu"', STAGE.format("b0")])


def test_towers_of_blocks_are_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitError, match="1,073,741,824 layers"):
        read_text(tower(30), "net.toml").graph("net")
    with pytest.raises(LimitError, match="blocks are nested more than 50 deep"):
        read_text(tower(60), "net.toml")
    assert len(read_text(tower(13), "net.toml").graph("net").nodes) == 2**13
    orders = [
        f'"p{n}(a,b,c,d,e,f,g)" = "p{n + 1}(b,a,c,d,e,f,g)+p{n + 1}(b,c,d,e,f,g,a)"'
        for n in range(40)
    ]
    text = [
        "[blocks]",
        *orders,
        '"p40(a,b,c,d,e,f,g)" = "1x1@a"',
        STAGE.format("p0(1,2,3,4,5,6,7)"),
    ]
    monkeypatch.setattr("convcalc.spec.blocks.MAX_WORK", 50_000)  # the limit itself takes seconds
    with pytest.raises(LimitError, match="more than 50,000 characters"):
        read_text("\n".join(text), "net.toml")


def test_what_is_no_readable_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {"none.toml": "no such file", "bytes.toml": "not UTF-8 (byte 1)",
             "large.toml": "104,857,600 bytes", "folder.toml": ": not a file"}  # fmt: skip
    (tmp_path / "bytes.toml").write_bytes(b"x\xff")
    with (tmp_path / "large.toml").open("wb") as file:
        file.truncate(100 * 2**20)
    (tmp_path / "folder.toml").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")
        cases["pipe.toml"] = ": not a file"
    for name, message in cases.items():
        assert main(["show", str(tmp_path / name)]) == 2
        assert message in capsys.readouterr().err


def test_unknown_built_in_names_the_nearest() -> None:
    with pytest.raises(SourceError, match="did you mean zoo:resnet50"):
        convcalc.analyze("zoo:resnet5O")
    with pytest.raises(SourceError, match="no such built-in network"):
        convcalc.analyze("zoo:../../secret")


def test_a_number_as_argument_has_a_limit() -> None:
    text = '[blocks]\n"u(a)"="1x1@a"' + STAGE.format("u(12345678901)")
    with pytest.raises(ConvcalcError, match=r"12345678901 exceeds the limit of 999,999,999"):
        read_text(text, "net.toml")


def test_a_block_is_printed_as_it_is_called() -> None:
    assert str(Block("pair", (7, 16), Series(()))) == "pair(7, 16)"
    assert str(Block("end", (), Series(()))) == "end"
