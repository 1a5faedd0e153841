"""The printer is the parser's inverse, for trees of every form and words of every kind."""

from __future__ import annotations

from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.errors import ConvcalcError
from convcalc.graph import Graph, Node
from convcalc.layers import KINDS, Word
from convcalc.networks.parts import parse
from convcalc.spec import Defaults, Leaf, Tree, lower
from tests.laws import strategies as laws


@given(laws.trees(), st.lists(st.sampled_from(["", " ", "\t", "\n"]), min_size=7, max_size=7))
@laws.examples(180)
def test_any_tree(tree: Tree, blanks: list[str]) -> None:
    """Drawing trees takes far longer than parsing them: one tree serves every law."""
    text = str(tree)
    parsed = parse(text)
    assert parsed == tree
    assert str(parsed) == text, "printing is canonical"
    white_space_between_tokens_means_nothing(text, tree, blanks)
    graph = the_tree_lowers_or_is_refused_with_a_message(tree)
    if graph is not None:
        its_reading_is_the_same_network(graph)


def white_space_between_tokens_means_nothing(text: str, tree: Tree, blanks: list[str]) -> None:
    between = cycle(blanks)
    spaced = "".join(f"{next(between)}{char} " if char in "+*|" else char for char in text)
    assert parse(spaced) == tree


def the_tree_lowers_or_is_refused_with_a_message(tree: Tree) -> Graph | None:
    try:
        graph = lower(tree, Defaults())
    except ConvcalcError as error:
        assert error.message
        return None
    assert graph.nodes and len({node.name for node in graph.nodes}) == len(graph.nodes)
    return graph


def its_reading_is_the_same_network(graph: Graph) -> None:
    """Layers, names and what reads what; shapes and figures follow from these."""
    again = lower(parse(graph.reading), Defaults())
    assert layers_of(again) == layers_of(graph), graph.reading


def layers_of(graph: Graph) -> list[Node]:
    return [node._replace(span=None) for node in graph.nodes]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
@given(data=st.data())
@laws.examples(20)
def test_a_printed_word_parses_back(kind: type[Word], data: st.DataObject) -> None:
    word = data.draw(laws.words(kind, data.draw(laws.RANKS)))
    assert parse(str(word)) == Leaf(word)


@pytest.mark.filterwarnings("ignore::convcalc.errors.ReadingWarning")
@given(st.text(max_size=30) | st.text("7x1@sdpgbo+*|() 0:-", max_size=30))
@laws.examples(300)
def test_any_text_parses_or_is_refused_with_a_message(text: str) -> None:
    try:
        tree = parse(text)
    except ConvcalcError as error:
        assert error.message
        assert error.span is None or 0 <= error.span.start <= len(text)
        assert all(line.isprintable() for line in str(error).splitlines())
    else:
        assert parse(str(tree)) == tree
