"""An explanation as a table, as rows and as JSON."""

from __future__ import annotations

from typing import Any

from convcalc.api.explain import Account, Explanation, Part
from convcalc.quantities import is_number, same_size
from convcalc.render import numbers
from convcalc.render.json import SCHEMA_VERSION, shape_dict
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans


def headline(explanation: Explanation) -> str:
    """The MACs, in one line."""
    return f"{explanation.report.name}: {_full(explanation.macs)} MACs"


def to_rows(explanation: Explanation) -> Rows:
    """A row for each tool."""
    head = ["tool", "prints", "word", "times_macs", "difference", "account", "source", "rests_on"]
    return [
        head,
        *(
            [
                account.convention.name,
                "" if account.prints is None else str(account.prints),
                account.convention.word,
                _ratio(explanation, account),
                "" if account.prints is None else str(account.difference),
                "; ".join(_account(account)),
                account.convention.source,
                account.convention.rests_on,
            ]
            for account in explanation.accounts
        ),
    ]


def to_table(explanation: Explanation) -> Page:
    """A row for each tool, then a sentence on which of the numbers is the MAC count."""
    symbolic = not is_number(explanation.macs)
    columns = [
        Column("tool", "left"),
        Column("prints", flexible="wrap" if symbolic else "", least=14),
        Column("word", "left", drop=2),
        Column("x MACs", drop=1),
        Column("how it comes from the MACs", "left", flexible="wrap", least=24, hang=2),
    ]
    table = Table(f"What other tools print for {explanation.report.name}", columns)
    for account in explanation.accounts:
        exact = explanation.is_macs(account)
        table.add_row(
            spans((account.convention.name, "bold" if exact else "")),
            "-" if account.prints is None else numbers.grouped(account.prints),
            account.convention.word,
            _ratio(explanation, account),
            "\n".join(_account(account)) or "these are the MACs",
        )
    return Page([table, Blank(), Paragraph.of(_summary(explanation)), *_below(explanation)])


def _summary(explanation: Explanation) -> str:
    """Which of the numbers is the MAC count."""
    names = [a.convention.name for a in explanation.accounts if explanation.is_macs(a)]
    where = f"at {numbers.shape(explanation.report.input)}, batch {explanation.report.batch}"
    count = f"The MAC count {where} is {_full(explanation.macs)}"
    return f"{count}: {', '.join(names)}." if names else f"{count}; no tool prints it."


def _full(value: Any) -> str:
    return f"{value:,}" if is_number(value) else numbers.expression(value)


def _below(explanation: Explanation) -> list[Paragraph]:
    lines = [f"- {note}" for note in explanation.notes]
    lines += [
        f"- {account.convention.name} rests on {account.convention.rests_on}."
        for account in explanation.accounts
        if account.convention.rests_on
    ]
    if not explanation.report.complete:
        lines.append(f"- Incomplete: no tool counts {'; '.join(explanation.report.unknown[:5])}.")
    assumed = f"Assumed: {'; '.join(explanation.report.assumed)}."
    return [Paragraph.of(line, "dim", indent=2) for line in (*lines, assumed)]


def _ratio(explanation: Explanation, account: Account) -> str:
    """The tool's number divided by the MACs, if it is a number."""
    prints, macs = account.prints, explanation.macs
    if prints is None or same_size(macs, 0):
        return ""
    quotient = prints / macs
    if not is_number(prints) or not is_number(macs):
        simple = quotient.cancel() if hasattr(quotient, "cancel") else quotient
        return str(simple) if getattr(simple, "is_number", True) else ""
    return str(prints // macs) if prints % macs == 0 else f"{quotient:#.4g}"


def _account(account: Account) -> list[str]:
    """The terms in words."""
    if account.failure:
        return [account.failure]
    return [_in_words(part) for part in account.parts]


def _in_words(part: Part) -> str:
    """`x4: ...` where the reason multiplies, `+ 32,768: ...` where it adds."""
    reason, amount, of, kinds = part
    reason = f"{', '.join(kinds)}: {reason}" if kinds else reason
    factor = _factor(part)
    if factor is not None:
        return f"{'0' if factor == '0' else 'x' + factor}: {reason}"
    if not is_number(amount):
        text = numbers.expression(amount)
        return f"{'- ' + text[1:] if text.startswith('-') else '+ ' + text}: {reason}"
    among = f" (of {_full(of)} MACs)" if of else ""
    return f"{'+' if amount > 0 else '-'} {abs(amount):,}: {reason}{among}"


def _factor(part: Part) -> str | None:
    """The factor that a reason multiplies by, if it is a short number."""
    if same_size(part.of, 0):
        return None
    if same_size(part.amount, -part.of):
        return "0"
    whole = part.of + part.amount
    if is_number(whole) and is_number(part.of):
        if whole % part.of == 0:
            return f"{whole // part.of:,}"
        return f"1/{part.of // whole:,}" if part.of % whole == 0 else None
    quotient: Any = whole / part.of
    quotient = quotient.cancel()
    return str(quotient) if quotient.is_Integer else None


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """The documented JSON."""
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "explain",
        "version": __version__,
        "input": {**shape_dict(explanation.report.input), "batch": explanation.report.batch},
        "assumed": list(explanation.report.assumed),
        "name": explanation.report.name,
        "reading": explanation.report.reading,
        "complete": explanation.report.complete,
        "macs": _raw(explanation.macs),
        "tools": [
            {
                "tool": account.convention.name,
                "prints": _raw(account.prints),
                "word": account.convention.word,
                "is_macs": explanation.is_macs(account),
                "difference": None if account.prints is None else _raw(account.difference),
                "terms": [
                    {
                        "reason": part.reason,
                        "kinds": list(part.kinds),
                        "amount": _raw(part.amount),
                        "factor": _factor(part),
                    }
                    for part in account.parts
                ],
                "failure": account.failure or None,
                "source": account.convention.source or None,
                "rests_on": account.convention.rests_on or None,
            }
            for account in explanation.accounts
        ],
        "notes": list(explanation.notes),
    }


def _raw(value: Any) -> int | str | None:
    return value if value is None or is_number(value) else str(value)
