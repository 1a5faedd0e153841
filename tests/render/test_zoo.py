"""The sources of built-in networks, short."""

from __future__ import annotations

import pytest

from convcalc.render.zoo import _authors_and_year


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("Szegedy et al. 2015, arXiv:1409.4842, Table 1", "Szegedy et al. 2015"),
        ("Tan & Le 2019, arXiv:1905.11946", "Tan & Le 2019"),
        ("Lin, Chen & Yan 2014, arXiv:1312.4400", "Lin et al. 2014"),
        ("Wang, Sun, Cheng et al. 2019, arXiv:1908.07919", "Wang et al. 2019"),
        ("torchvision.models.alexnet, after Krizhevsky 2014, arXiv:1", "Krizhevsky 2014"),
        ("tensorflow/models, slim, receptive field: Araujo 2019", "tensorflow/models"),
        ("after LeCun et al. 1998, section II.B", "after LeCun et al. 1998"),
        ("the docs of torch", "the docs of torch"),
    ],
)
def test_authors_and_year(source: str, short: str) -> None:
    assert _authors_and_year(source) == short
