"""The gate: entries are analysed and checked against their budgets and their baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from convcalc.api.arguments import check_flags, check_texts, texts
from convcalc.checking.budgets import OUTPUTS, Budget
from convcalc.checking.child import Answer, analysed, answers
from convcalc.checking.config import MAX_NAME, Entry, check_options
from convcalc.checking.entry import latency_of
from convcalc.checking.findings import ERROR, NOTE, Verdict
from convcalc.checking.judge import judge
from convcalc.checking.plan import Plan, Reference, entries_of, find_reference, make_plan
from convcalc.checking.records import other_outputs
from convcalc.checking.tolerances import Tolerance, read_tolerances
from convcalc.checking.verdicts import Check, Checked
from convcalc.checking.wording import counted
from convcalc.collector import uncollected
from convcalc.errors import ConvcalcError, OptionError, ProblemsError, option, shorten
from convcalc.networks.sources import Network, is_model

Progress = Callable[[str, float | None], None]


def check(
    *networks: Network,
    require: str | Iterable[str] = (),
    config: str | Path | None = None,
    baseline: str | Path | Network | None = None,
    against: str | None = None,
    fail_on: str | Iterable[str] = (),
    lenient: bool = False,
    accept: bool = True,
    allow_empty: bool = False,
    profile: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    **options: Any,
) -> Check:
    """Check networks against budgets and a baseline.

    Args:
        networks: networks, or names of entries of the configuration; by default all of its
            entries.
        require: budgets of every network, one or several, such as "params<=10M",
            "receptive_field>=7x7" or "macs<=0.5*baseline".
        config: a configuration; by default convcalc.toml or pyproject.toml, here or in a folder
            above.
        baseline: a baseline file (.json), or a network to compare with; by default that of the
            configuration, or convcalc-baseline.json beside it, if it exists.
        against: a git revision whose baseline file is compared with.
        fail_on: growth that is allowed, such as "macs:2%", "flops:0" or "output:off"; by default
            no growth of params or MACs, and no change of the receptive field or the output shape.
        lenient: entries that are missing on one side are notes.
        accept: with `against`, growth recorded in the working tree's baseline file is a note.
        allow_empty: it is no error if nothing was checked.
        profile: measure latencies, for "latency:20%".
        options: as for `convcalc.analyze`, of networks that are not entries.

    Raises:
        ConvcalcError: a bad configuration, baseline, network or option; one error has all
            problems of a file.

    Examples:
        >>> check("7x1+1x7", input="64x56x56", require=["macs<=200M"]).passed
        True
    """
    check_flags(lenient=lenient, accept=accept, allow_empty=allow_empty, profile=profile)
    check_texts(against=against, device=device)
    if not isinstance(config, (str, Path, type(None))):
        raise OptionError("expected a file", option="config", value=config)
    check_options(options)
    changes = read_tolerances(texts(fail_on, "fail_on"))
    with uncollected():
        plan = make_plan(networks, config, options, texts(require, "require"))
        reference = find_reference(plan, baseline, against, accept)
        found = run(plan, reference, changes, lenient, device if profile else None, progress)
    if not allow_empty:
        check_judged(found, plan, of_each=bool(networks))
    return found


def check_judged(check: Check, plan: Plan, of_each: bool) -> None:
    """Raises OptionError if nothing was checked; with `of_each`, nothing of one of the entries."""
    if not check.passed:
        return
    judged = {verdict.entry for verdict in check.verdicts if verdict.is_judged}
    idle = [entry.name for entry in plan.entries if entry.name not in judged]
    if idle and (of_each or not judged):
        names = ", ".join(shorten(name, 60) for name in idle[:3]) + (", ..." if idle[3:] else "")
        hint = "give budgets or a baseline, for example " + option("require", "params<=10M")
        raise OptionError(f"nothing was checked for {names}", hint=hint)


def run(
    plan: Plan,
    reference: Reference | None,
    changes: Mapping[str, Tolerance | None],
    lenient: bool = False,
    device: str | None = None,
    progress: Progress | None = None,
    isolate: bool = False,
) -> Check:
    """Analyse every entry and judge it.

    Args:
        changes: tolerances that go before those of the entries.
        device: where latencies are measured; None if they are not.
        isolate: torch models that are named are imported in a process of their own.
    """
    if reference is None:
        _check_absolute(plan)
    checked = []
    for entry, found in _answers(plan, progress or (lambda _text, _share: None), isolate):
        record = found.record
        if device is not None:
            record = replace(record, latency=latency_of(entry, plan.folder, device))
        network = found.name if isinstance(entry.network, str) else ""
        options = {**entry.options, "model_args": entry.model_args}
        checked.append(Checked(entry.name, network, record, found.unknown, entry.place, options,
                               found.layers))  # fmt: skip
    verdicts: list[Verdict] = []
    for entry, result in zip(plan.entries, checked, strict=True):
        verdicts += judge(entry, result, reference, changes, lenient)
    if reference is not None and reference.sides == "both":
        names = {entry.name for entry in plan.entries}
        level = NOTE if lenient else ERROR
        accepted = reference.accepted
        for name in sorted({*reference.records, *(accepted or {})} - names):
            shown = shorten(name, MAX_NAME)  # a file may hold any text
            detail = f"in {reference.name} but not checked"
            gone = Verdict(shown, level, "entry", "CC004", detail=detail)
            if accepted is not None and name not in accepted:
                gone = gone._replace(
                    code="CC009", level=reference.accepted_level, detail="no longer checked"
                )
            verdicts.append(gone)
    if reference is not None:
        verdicts += _unknown_figures(reference)
    return Check(
        tuple(checked),
        tuple(verdicts),
        plan.config,
        reference.name if reference else "",
        reference is not None and reference.is_file,
    )


def _unknown_figures(reference: Reference) -> Iterator[Verdict]:
    """A note of what the baseline has and this version does not know."""
    having = [record for record in reference.records.values() if record.unknown]
    if having:
        names = sorted({name for record in having for name in record.unknown})
        listed = ", ".join(shorten(name, 30) for name in names[:5])
        detail = f"{counted(len(having), 'entry')} with unknown figures, not compared: {listed}"
        yield Verdict(shorten(reference.name, MAX_NAME), NOTE, "baseline", "CC010", detail=detail)


def _check_absolute(plan: Plan) -> None:
    """Raises ProblemsError for budgets that are relative to a baseline if there is no baseline."""
    errors = [
        OptionError(
            (f"{budget.place}: " if budget.place else "") + f"{shorten(entry.name, 60)}: "
            f"{budget.name} {bound}: no baseline to compare with",
            hint="create one with convcalc check --save-baseline, or give "
            f"{option('baseline', 'FILE.json')} or {option('baseline', 'NETWORK')}",
        )
        for entry in plan.entries
        for budget in entry.budgets
        for bound in budget.bounds
        if bound.times is not None and budget.level != "off"
    ]
    if errors:
        raise ProblemsError.of(errors, plan.config or "the networks")


def _answers(plan: Plan, progress: Progress, isolate: bool) -> Iterator[tuple[Entry, Answer]]:
    """Every entry with its analysis; then one error for all that cannot be analysed."""
    errors: list[ConvcalcError] = []
    models = [entry for entry in plan.entries if isolate and _is_imported(entry)]
    apart = answers(models, plan.folder) if models else iter(())
    for number, entry in enumerate(plan.entries):
        if number % 50 == 0:
            progress(entry.name, number / len(plan.entries))
        try:
            found = next(apart) if isolate and _is_imported(entry) else analysed(entry, plan.folder)
            if isinstance(found, ConvcalcError):
                raise found
            _check_outputs(entry, found.outputs)
        except ConvcalcError as error:
            errors.append(entry.located(error))
        else:
            yield entry, found
    if errors:
        raise ProblemsError.of(errors, plan.config or "the networks")


def _check_outputs(entry: Entry, known: Sequence[str]) -> None:
    """Raises OptionError for a budget of an output that is not there."""
    for name in (budget.output_of for budget in entry.budgets if budget.output_of):
        key = f"{OUTPUTS}.{name}"
        if name not in known:
            raise OptionError(
                f"{key}: no such output",
                span=entry.written.get(key),
                hint=other_outputs(name, list(known)),
            )
        if entry.at and len(known) == 1:
            raise OptionError(f"at cannot be used with {key}", span=entry.written.get(key))


def _is_imported(entry: Entry) -> bool:
    """Does analysing it run the project's code?"""
    return isinstance(entry.network, str) and is_model(entry.network.strip())


def failed(error: ConvcalcError) -> Check:
    """The check that ended with an error, for reports."""
    errors = error.errors if isinstance(error, ProblemsError) else (error,)
    return Check((), (), errors=tuple(errors))


def judge_network(
    network: Network, options: Mapping[str, Any], budgets: tuple[Budget, ...]
) -> Check:
    """One network against budgets, and nothing else."""
    (entry,) = entries_of([network], options)
    plan = Plan((replace(entry, budgets=budgets),), Path())
    found = run(plan, None, {})
    check_judged(found, plan, of_each=True)
    return found
