"""A sympy expression as people write it: 49·C²+C, highest power first."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def pretty(value: Any) -> str:
    """The expression expanded, with · for products and raised digits for powers."""
    from sympy import Add, expand

    expanded = expand(value)
    terms = expanded.as_ordered_terms() if isinstance(expanded, Add) else [expanded]
    text = "+".join(_term(term) for term in terms)
    return text.replace("+-", "-")


def _term(term: Any) -> str:
    from sympy import Mul

    coefficient, rest = term.as_coeff_Mul()
    if rest == 1:
        return str(coefficient)
    factors = rest.as_ordered_factors() if isinstance(rest, Mul) else [rest]
    text = "·".join(_factor(factor) for factor in factors)
    if coefficient == 1:
        return text
    if coefficient == -1:
        return f"-{text}"
    if coefficient.q != 1:
        numerator = "" if coefficient.p == 1 else f"{coefficient.p}·"
        return f"{numerator}{text}/{coefficient.q}"
    return f"{coefficient}·{text}"


@lru_cache(maxsize=4096)  # the sizes of a layer lie within those of the next
def _factor(factor: Any) -> str:
    from sympy import Pow, Symbol, ceiling, floor

    if isinstance(factor, Symbol):
        return str(factor)
    if isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp > 1:
        return _factor(factor.base) + str(factor.exp).translate(_SUPERSCRIPTS)
    if isinstance(factor, floor):
        return f"⌊{_fraction(factor.args[0])}⌋"
    if isinstance(factor, ceiling):
        return f"⌈{_fraction(factor.args[0])}⌉"
    return f"({factor})"


def _fraction(value: Any) -> str:
    """(H+1)/2 rather than H/2+1/2."""
    numerator, denominator = value.as_numer_denom()
    text = pretty(numerator)
    if denominator == 1:
        return text
    return f"({text})/{denominator}" if "+" in text or "-" in text else f"{text}/{denominator}"
