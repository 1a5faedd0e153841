"""The printer is the parser's inverse, for trees of every form and words of every kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.errors import ConvcalcError
from convcalc.layers import KINDS, Word
from convcalc.networks.parts import parse
from convcalc.spec import Defaults, Leaf, Tree, lower
from tests.laws import strategies as laws


@given(laws.trees())
@laws.examples(180)
def test_a_printed_tree_parses_back(tree: Tree) -> None:
    assert parse(str(tree)) == tree


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
@given(data=st.data())
@laws.examples(40)
def test_a_printed_word_parses_back(kind: type[Word], data: st.DataObject) -> None:
    word = data.draw(laws.words(kind, data.draw(laws.RANKS)))
    assert parse(str(word)) == Leaf(word)


@given(laws.trees())
@laws.examples(60)
def test_printing_is_canonical(tree: Tree) -> None:
    text = str(tree)
    assert str(parse(text)) == text


@given(laws.trees(), st.data())
@laws.examples(60)
def test_white_space_between_tokens_means_nothing(tree: Tree, data: st.DataObject) -> None:
    text = str(tree)
    spaced = "".join(
        f"{data.draw(st.sampled_from(['', ' ', chr(9), chr(10)]))}{char} "
        if char in "+*|"
        else char
        for char in text
    )
    assert parse(spaced) == parse(text)


@given(laws.trees())
@laws.examples(60)
def test_every_tree_lowers_or_is_refused_with_a_message(tree: Tree) -> None:
    try:
        graph = lower(tree, Defaults())
    except ConvcalcError as error:
        assert error.message
    else:
        assert graph.nodes and len({node.name for node in graph.nodes}) == len(graph.nodes)


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
