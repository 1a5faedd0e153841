"""What a text means: its canonical form, tree, reading and layers."""

from __future__ import annotations

import pytest

from convcalc import parse
from convcalc.errors import ConvcalcError, LimitError, SpecError
from convcalc.graph import INPUT, MAX_LAYERS, Graph
from convcalc.layers import KINDS, MERGES
from convcalc.layers.activation import ReLU
from convcalc.layers.conv import Conv, ConvTranspose, Depthwise, Separable
from convcalc.layers.linear import Identity, Linear
from convcalc.layers.merge import Add, Concat, Multiply
from convcalc.layers.pool import AvgPool, MaxPool
from convcalc.layers.resample import Pad, Upsample
from convcalc.spec import Branches, Defaults, Leaf, Repeat, Series, Tree, lower
from convcalc.spec.parser import MAX_DEPTH
from convcalc.spec.reading import reading
from convcalc.spec.tokens import MAX_CHARACTERS

CANONICAL = [
    # text, canonical text
    ("7x7", "7x7"),
    ("7×7", "7x7"),
    ("conv7x7", "7x7"),
    ("conv3", "3"),
    ("07x7", "7x7"),
    (" 7x1 + 1x7 ", "7x1+1x7"),
    ("\t7x1\n+\r\n1x7", "7x1+1x7"),
    ("(7x1+1x7)", "7x1+1x7"),
    ("((((7x1))))", "7x1"),
    ("7x1+(1x7+relu)", "7x1+1x7+relu"),
    ("(7x1+1x7)+(relu+bn)", "7x1+1x7+relu+bn"),
    ("7x7p3s2@64", "7x7@64s2p3"),
    ("7x7@64b0g2p1d3s2", "7x7@64s2d3p1g2b0"),
    ("7x7s2x2", "7x7s2"),
    ("7x7s2x1", "7x7s2x1"),
    ("7x7s1", "7x7"),
    ("7x7d1x1", "7x7"),
    ("7x7g1", "7x7"),
    ("7x7b1", "7x7b1"),
    ("7x7p0", "7x7p0"),
    ("7x7p1:2", "7x7p1:2"),
    ("7x7p1:1", "7x7p1"),
    ("7x7p1x2", "7x7p1x2"),
    ("7x7p1x2:3", "7x7p1x2:3"),
    ("7x7psame", "7x7psame"),
    ("7x7pvalids2", "7x7s2pvalid"),
    ("7x7pfulld2", "7x7d2pfull"),
    ("7x7ptfsames2", "7x7s2ptfsame"),
    ("dw7x1s2@64", "dw7x1@64s2"),
    ("sep3x3@128", "sep3x3@128"),
    ("convt4x4s2p1@32", "convt4x4@32s2p1"),
    ("convt3x3s2o1g4", "convt3x3s2o1g4"),
    ("convt3x3s2o0", "convt3x3s2o0"),
    ("convt3x3s3x2o2x1", "convt3x3s3x2o2x1"),
    ("maxpool3x3s2p1", "maxpool3x3s2p1"),
    ("maxpool3x3s3", "maxpool3x3"),
    ("maxpool3x2s3x2", "maxpool3x2"),
    ("maxpool3x3ceils2", "maxpool3x3s2ceil"),
    ("maxpool2x2d2", "maxpool2x2d2"),
    ("avgpool2x2p1ceil", "avgpool2x2p1ceil"),
    ("gap", "gap"),
    ("fc1000b0", "fc1000b0"),
    ("lrn", "lrn5"),
    ("lrn3", "lrn3"),
    ("gn", "gn"),
    ("gng32", "gn"),
    ("gng8", "gng8"),
    ("swish", "silu"),
    ("hswish", "hardswish"),
    ("hsigmoid", "hardsigmoid"),
    ("relu6", "relu6"),
    ("prelu", "prelu"),
    ("up", "up2"),
    ("up3bilinear", "up3bilinear"),
    ("up2x1", "up2x1"),
    ("pad1", "pad1"),
    ("pad1:0x2", "pad1:0x2"),
    ("crop2:0", "crop2:0"),
    ("shuffle", "shuffle"),
    ("shuffleg3", "shuffleg3"),
    ("take0-3", "take0-3"),
    ("affine", "affine"),
    ("affineb0", "affineb0"),
    ("3*3x3", "3*3x3"),
    ("3*(3x3)", "3*3x3"),
    ("03*3x3", "3*3x3"),
    ("1*3x3", "1*3x3"),
    ("3*(3x3+relu)", "3*(3x3+relu)"),
    ("2*(3*3x3)", "2*(3*3x3)"),
    ("2*add(id|3x3)", "2*add(id | 3x3)"),
    ("add(7x1|1x7)", "add(7x1 | 1x7)"),
    ("add (7x1 |1x7 )", "add(7x1 | 1x7)"),
    ("cat(1x1@64|1x1@96+3x3@128)", "cat(1x1@64 | 1x1@96+3x3@128)"),
    ("mul(id|gap+1x1+sigmoid)", "mul(id | gap+1x1+sigmoid)"),
    ("add(7x1)", "add(7x1)"),
    ("cat(add(id|3x3)|(1x1))", "cat(add(id | 3x3) | 1x1)"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_canonical_text(text: str, canonical: str) -> None:
    tree = parse(text)
    assert str(tree) == canonical
    assert parse(canonical) == tree


TREES: list[tuple[str, Tree]] = [
    ("7x1", Leaf(Conv((7, 1)))),
    ("7x7s2p3@64", Leaf(Conv((7, 7), 64, (2, 2), padding=((3, 3), (3, 3))))),
    ("7x7p1:2x3", Leaf(Conv((7, 7), padding=((1, 2), (3, 3))))),
    ("3x3s2x1d1x2g4b0", Leaf(Conv((3, 3), None, (2, 1), (1, 2), None, False, 4))),
    ("dw5", Leaf(Depthwise((5,)))),
    ("sep3x3@8", Leaf(Separable((3, 3), 8))),
    ("convt2x2s2o1", Leaf(ConvTranspose((2, 2), stride=(2, 2), output_padding=(1, 1)))),
    ("maxpool3x2", Leaf(MaxPool((3, 2), (3, 2)))),
    ("avgpool2x2s1ceil", Leaf(AvgPool((2, 2), (1, 1), ceil_mode=True))),
    ("fc10", Leaf(Linear(10))),
    ("up2x3bilinear", Leaf(Upsample((2, 3), "bilinear"))),
    ("pad1:0", Leaf(Pad(((1, 0),)))),
    ("7x1+1x7", Series((Leaf(Conv((7, 1))), Leaf(Conv((1, 7)))))),
    ("2*relu", Repeat(2, Leaf(ReLU()))),
    ("add(id | 3x3)", Branches(Add(), (Leaf(Identity()), Leaf(Conv((3, 3)))))),
    (
        "cat(relu | 2*(relu+id))",
        Branches(Concat(), (Leaf(ReLU()), Repeat(2, Series((Leaf(ReLU()), Leaf(Identity())))))),
    ),
    ("mul(relu | relu | id)", Branches(Multiply(), (Leaf(ReLU()), Leaf(ReLU()), Leaf(Identity())))),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_tree(text: str, tree: Tree) -> None:
    assert parse(text) == tree


DIFFERENT = [
    ("7x1+1x7", "1x7+7x1"),
    ("7x1+1x7", "add(7x1 | 1x7)"),
    ("add(7x1 | 1x7)", "cat(7x1 | 1x7)"),
    ("2*3x3", "3x3+3x3"),
    ("3x3p1", "3x3"),  # equal in effect, but one says so
    ("3x3b1", "3x3"),
    ("up2", "up2x2"),  # any number of axes, and two
]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_trees_are_different(left: str, right: str) -> None:
    assert parse(left) != parse(right)


READINGS = [
    ("7x7", "7x7"),
    ("7x1+1x7", "7x1 then 1x7"),
    ("7x1+1x7+relu", "7x1 then 1x7 then relu"),
    ("add(7x1 | 1x7)", "7x1 plus 1x7"),
    ("cat(1x1@64 | 3x3@96)", "1x1@64 beside 3x3@96"),
    ("mul(id | gap+sigmoid)", "id times (gap then sigmoid)"),
    ("3*3x3", "3 times 3x3"),
    ("3*(3x3+relu)", "3 times (3x3 then relu)"),
    ("2*(3*3x3)", "2 times (3 times 3x3)"),
    ("7x7+add(id | 3x3+relu)+gap", "7x7 then (id plus (3x3 then relu)) then gap"),
    ("2*add(id | 3x3)", "2 times (id plus 3x3)"),
    ("add(mul(id | relu) | id)", "(id times relu) plus id"),
    ("convt4x4s2p1@32", "convt4x4@32s2p1"),
    ("add(3x3+relu | 2*3x3)", "(3x3 then relu) plus 2 times 3x3"),
    ("cat(3x3+relu | 5x5)+1x1@64", "((3x3 then relu) beside 5x5) then 1x1@64"),
    ("add(cat(1x1 | 3x3)+1x1@64 | id)", "((1x1 beside 3x3) then 1x1@64) plus id"),
    ("2*(3x3d(r) for r in 1, 2)", "2 times (3x3 then 3x3d2)"),
    ("relu+(3x3d(r) for r in 1, 2)", "relu then 3x3 then 3x3d2"),
    ("3*(add(id | 3x3d(2^i)) for i in 0..1)", "3 times ((id plus 3x3) then (id plus 3x3d2))"),
    ("add(id | (3x3d(r) for r in 1, 2))", "id plus (3x3 then 3x3d2)"),
    ("2*(3x3+relu for i in 1..1)", "2 times (3x3 then relu)"),
    ("cat(3x3d(r) for r in 6, 12)", "3x3d6 beside 3x3d12"),
    ("add(3x3+relu)+gap", "add(3x3 then relu) then gap"),
    ("mul(7 | 3 | 2x2)", "(7) times (3) times 2x2"),
    ("mul(2x2 | 2*3x3)", "2x2 times (2 times 3x3)"),
    ("(3d(2^i)@64 for i in 0..4)+relu", "(3d(2^i)@64 for i in 0..4) then relu"),
    ("(3x3+(n-1)*relu for n in 1, 2)", "(3x3+(n-1)*relu for n in 1, 2)"),
    ("(3x3+(relu for k in 1..n) for n in 0, 1)", "(3x3+(relu for k in 1..n) for n in 0, 1)"),
    ("((3d(i*j) for j in 1..5) for i in 1, 2)", "((3d(i*j) for j in 1..5) for i in 1, 2)"),
    ("cat((3d(i*j) for j in 1..5) for i in 1, 2)", "cat((3d(i*j) for j in 1..5) for i in 1, 2)"),
    ("7*(7)", "7 times 7"),
]


@pytest.mark.parametrize(("text", "words"), READINGS)
def test_reading(text: str, words: str) -> None:
    graph = lower(parse(text), Defaults())
    assert reading(parse(text)) == graph.reading == words
    assert [node._replace(span=None) for node in lower(parse(words), Defaults()).nodes] == [
        node._replace(span=None) for node in graph.nodes
    ]


def test_a_reading_that_would_be_too_deep_or_too_long_stays_in_signs() -> None:
    """Words need parentheses for a series within branches, and signs do not."""
    deep = "id"
    for _ in range(30):
        deep = f"add(relu+{deep} | id)"
    layer = "3x3x3@999999999s999999999x999999999x999999998d999999999x999999999x999999998g9b0"
    long = f"cat({' | '.join([layer] * (MAX_CHARACTERS // (len(layer) + 3) - 1))})"
    for text in (deep, long):
        assert reading(parse(text)) == str(parse(text)) == text
    assert reading(parse("add(relu | id)")) != "add(relu | id)"


def graph(text: str, after_conv: str | None = None) -> Graph:
    return lower(parse(text), Defaults.of(after_conv=after_conv))


NODES = [
    # text, and for each node its name, its text, what it reads
    ("7x7", ["conv1 7x7 < input"]),
    ("7x1+1x7", ["conv1 7x1 < input", "conv2 1x7 < conv1"]),
    ("3x3+relu+3x3+relu", [
        "conv1 3x3 < input", "relu1 relu < conv1", "conv2 3x3 < relu1", "relu2 relu < conv2",
    ]),
    ("2*(3x3+relu6)", [
        "conv1 3x3 < input", "relu6_1 relu6 < conv1",
        "conv2 3x3 < relu6_1", "relu6_2 relu6 < conv2",
    ]),
    ("sep3x3@8", ["dw1 dw3x3 < input", "conv1 1x1@8pvalid < dw1"]),
    ("add(id | 3x3)", ["id1 id < input", "conv1 3x3 < input", "add1 add < id1 conv1"]),
    ("bn+add(7x1 | 1x7)+relu", [
        "bn1 bn < input", "conv1 7x1 < bn1", "conv2 1x7 < bn1", "add1 add < conv1 conv2",
        "relu1 relu < add1",
    ]),
    ("cat(add(id | relu) | relu)", [
        "id1 id < input", "relu1 relu < input", "add1 add < id1 relu1", "relu2 relu < input",
        "cat1 cat < add1 relu2",
    ]),
    ("2*add(id | bn)", [
        "id1 id < input", "bn1 bn < input", "add1 add < id1 bn1",
        "id2 id < add1", "bn2 bn < add1", "add2 add < id2 bn2",
    ]),
    ("convt2x2s2+swish+maxpool2x2", [
        "convt1 convt2x2s2 < input", "silu1 silu < convt1", "maxpool1 maxpool2x2 < silu1",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NODES)
def test_nodes(text: str, expected: list[str]) -> None:
    found = graph(text)
    assert [
        f"{node.name} {node.spec} < {' '.join(found.input_names(node))}" for node in found.nodes
    ] == expected


def test_branches_are_remembered() -> None:
    paths = {node.name: node.branch for node in graph("cat(add(id | relu) | bn)+gap").nodes}
    assert paths == {
        "id1": (("cat1", 1), ("add1", 1)),
        "relu1": (("cat1", 1), ("add1", 2)),
        "add1": (("cat1", 1),),
        "bn1": (("cat1", 2),),
        "cat1": (),
        "gap1": (),
    }


def test_after_conv_follows_every_convolution() -> None:
    found = graph("3x3+sep3x3+fc10+maxpool2x2+convt2x2", after_conv="bn+relu")
    assert [node.name for node in found.nodes] == [
        "conv1", "bn1", "relu1",
        "dw1", "bn2", "relu2", "conv2", "bn3", "relu3",
        "fc1", "maxpool1",
        "convt1", "bn4", "relu4",
    ]  # fmt: skip
    assert found.nodes[1].inputs == (0,)
    assert found.nodes[0].inputs == (INPUT,)


def layers_of(text: str, padding: str = "same", bias: bool = True) -> list[object]:
    return [node.layer for node in lower(parse(text), Defaults.of(padding, bias)).nodes]


def test_defaults_fill_what_the_text_left_out() -> None:
    assert layers_of("3x3", "valid", False) == [Conv((3, 3), padding="valid", bias=False)]
    assert layers_of("3x3p1b1", "valid", False) == [
        Conv((3, 3), padding=((1, 1), (1, 1)), bias=True)
    ]
    assert layers_of("3x3", "1x2") == [Conv((3, 3), padding=((1, 1), (2, 2)), bias=True)]
    assert layers_of("fc10", "valid", False) == [Linear(10, False)]
    # Pools keep torch's padding of 0, an affine its shift.
    assert layers_of("maxpool3x3", "full", False) == [MaxPool((3, 3))]
    assert layers_of("affine", "full", False) == layers_of("affine")
    # The 1x1 of a separable convolution needs no padding; `full` would be none either.
    assert layers_of("sep3x3", "full", False) == [
        Depthwise((3, 3), padding="full", bias=False),
        Conv((1, 1), padding="valid", bias=False),
    ]


@pytest.mark.parametrize("kind", [*KINDS, *MERGES], ids=lambda kind: kind.word)
def test_every_example_parses_to_its_kind(kind: type) -> None:
    def words(tree: Tree) -> set[type]:
        if isinstance(tree, Leaf):
            return {type(tree.word)}
        if isinstance(tree, Repeat):
            return words(tree.body)
        if isinstance(tree, Series):
            return set().union(*map(words, tree.items))
        assert isinstance(tree, Branches)
        return {type(tree.merge)}.union(*map(words, tree.branches))

    tree = parse(kind.example)  # type: ignore[attr-defined]
    assert kind in words(tree)
    assert parse(str(tree)) == tree


def test_words_are_distinct() -> None:
    words = [name for kind in (*KINDS, *MERGES) for name in (kind.word, *kind.aliases)]
    assert len(set(words)) == len(words)
    for kind in KINDS:
        for alias in kind.aliases:
            assert parse(alias) == parse(kind.word)


# Limits, each with its message whole


def refused(text: str, error: type[ConvcalcError] = LimitError) -> str:
    with pytest.raises(ConvcalcError) as caught:
        lower(parse(text), Defaults())
    assert type(caught.value) is error
    return str(caught.value)


def test_depth_is_limited() -> None:
    assert parse("(" * MAX_DEPTH + "3x3" + ")" * MAX_DEPTH) == parse("3x3")
    deeper = "(" * (MAX_DEPTH + 1) + "3x3" + ")" * (MAX_DEPTH + 1)
    assert refused(deeper) == (
        "parentheses are nested more than 50 deep\n"
        f"  ... {deeper[14:86]} ...\n"  # 36 columns before the place, 36 from it on
        f"  {' ' * (4 + 36)}^"
    )


def test_a_hundred_thousand_brackets_are_refused() -> None:
    assert refused("(" * 100_000).startswith("parentheses are nested more than 50 deep\n")


def test_length_is_limited() -> None:
    longest = "+".join(["relu"] * (MAX_CHARACTERS // 5)) + "+"
    assert len(longest) == MAX_CHARACTERS
    assert "but the text ends" in refused(longest, SpecError)
    assert refused(longest + " ") == (
        "the specification has 200,001 characters; the limit is 200,000"
    )


def test_layers_are_limited_before_any_is_made() -> None:
    assert len(graph(f"{MAX_LAYERS}*relu").nodes) == MAX_LAYERS
    assert refused("relu+10000*relu") == (
        "10,001 layers exceed the limit of 10,000\n"
        "hint: repeats multiply, after_conv adds layers; analyze a stage at a time"
    )
    assert refused("2*(5000*relu+bn)") == (
        "10,002 layers exceed the limit of 10,000\n"
        "  2*(5000*relu+bn)\n"
        "  ^^^^^^^^^^^^^^^^\n"
        "hint: repeats multiply, after_conv adds layers; analyze a stage at a time"
    )
    tower = "999999999*(" * 40 + "3x3" + ")" * 40
    assert refused(tower).startswith("more than 10^15 layers exceed the limit of 10,000\n")


def test_merges_count_as_layers() -> None:
    assert len(graph("3333*add(id | id)").nodes) == 9_999
    assert refused("3334*add(id | id)").startswith("10,002 layers exceed the limit of 10,000")


def test_after_conv_counts() -> None:
    tree = parse("5000*3x3")
    assert len(lower(tree, Defaults.of(after_conv="relu")).nodes) == 10_000
    with pytest.raises(LimitError, match="15,000 layers exceed the limit of 10,000"):
        lower(tree, Defaults.of(after_conv="bn+relu"))
