"""`convcalc check`: the gate for CI."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from convcalc.cli import check_options as own
from convcalc.cli import options
from convcalc.errors import ConvcalcError, OptionError, option, shorten
from convcalc.foreign import on_github
from convcalc.render.formats import CHECK_FORMATS, CHECK_SUFFIXES, HISTORY_FORMATS, SUFFIXES

EPILOG = """Examples:

  convcalc check 7x1+1x7 --require 'params<=1M' --require 'depth<=4'

  convcalc check 7x1+1x7 --baseline 7x7 --require 'macs<=0.5*baseline'

  convcalc check --init 7x1+1x7 --headroom 10% --output budgets.toml

  convcalc check --config budgets.toml --save-baseline budgets.json

  convcalc check --config budgets.toml --baseline budgets.json --fail-on macs:2%

  convcalc check --config budgets.toml --format junit --output report.xml

  convcalc check --explain CC002
"""


def check(
    ctx: typer.Context,
    networks: own.NamesOrNetworks = None,
    config: own.Config = None,
    require: own.Require = None,
    baseline: own.Baseline = None,
    against: own.Against = None,
    fail_on: own.FailOn = None,
    baseline_lenient: own.Lenient = False,
    no_accept: own.NoAccept = False,
    allow_empty: own.AllowEmpty = False,
    save_baseline: own.SaveBaseline = None,
    update: own.Update = False,
    budgets: own.Budgets = False,
    headroom: own.Headroom = None,
    changed_since: own.ChangedSince = None,
    history: own.History = None,
    init: own.Init = False,
    explain: own.Explain = None,
    input: options.Input = None,  # noqa: A002
    batch: options.Batch = 1,
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    convention: options.Convention = "convcalc",
    element_size: options.ElementSize = 4,
    local: options.Local = False,
    machine: options.MachineCard = None,
    model_arg: options.ModelArg = None,
    profile: own.Profiled = False,
    device: options.Device = "cpu",
    verbose: own.Verbose = False,
    hide_passed: own.HidePassed = False,
    strict: own.Strict = False,
    exit_zero: own.ExitZero = False,
    form: own.Format = None,
    raw: options.Raw = False,
    output: options.Output = None,
) -> None:
    """Fail if a figure is outside its budget or regressed from a baseline.

    Exit codes: 0 all passed, 1 a budget or the baseline failed, 2 a bad network, file or option.
    """
    from convcalc.checking.gate import check_judged, failed, run
    from convcalc.checking.plan import find_reference, make_plan
    from convcalc.checking.tolerances import read_tolerances
    from convcalc.cli.check_output import print_note, show_check, show_history
    from convcalc.cli.output import check_raw, progress_bar
    from convcalc.collector import uncollected
    from convcalc.networks.arguments import read_arguments

    if explain is not None:
        from convcalc.checking.findings import explain as explain_code

        sys.stdout.write(explain_code(explain))
        return
    form = _format(form, output, history)
    check_raw(raw, form or "table")
    writes = save_baseline is not None or update
    _check_combination(ctx.params, writes)
    analysis = {
        "input": input, "batch": batch, "padding": padding, "bias": bias, "after_conv": after_conv,
        "convention": convention, "element_size": element_size, "local": local, "machine": machine,
    }  # fmt: skip
    given = {name: value for name, value in analysis.items() if _is_given(ctx, name)}
    if "machine" in given:
        given["machine"] = str(machine)
    if input and len(input) == 1:
        given["input"] = input[0]
    if init:
        print_note(_init(networks or [], output or config, given, headroom))
        return
    if history is not None:
        show_history(make_plan([], config, {}), baseline, history, form or "table", output, raw)
        return
    notes: list[str] = []
    on = device if profile else None
    try:
        arguments = read_arguments(model_arg or [])
        changes = read_tolerances(fail_on or [])
        with uncollected(), progress_bar() as progress:
            plan = make_plan(networks or [], config, given, require or [], arguments)
            if given and any(entry.place for entry in plan.entries):
                raise OptionError(
                    f"{option(next(iter(given)))} applies to networks; entries of {plan.config} "
                    "have options of their own"
                )
            if changed_since is not None:
                from convcalc.checking.changed import only_changed

                plan = only_changed(plan, changed_since, baseline)
                if not plan.entries:
                    print_note(f"no entry changed since {shorten(changed_since, 60)}")
                    return
            if writes:
                from convcalc.checking import recording

                target = save_baseline or baseline
                result, note = recording.record(plan, target, update, on, progress)
                notes.append(note)
                if budgets:
                    result, note = recording.update_budgets(plan, result, headroom)
                    notes.append(note)
            else:
                reference = find_reference(plan, baseline, against, not no_accept)
                result = run(plan, reference, changes, baseline_lenient, on, progress, isolate=True)
        if strict:
            result = result.strictly()
        if not (writes or allow_empty):
            check_judged(result, plan, of_each=bool(networks))
    except ConvcalcError as error:
        if form is not None or output is not None or on_github():
            show_check(failed(error), form, output, verbose, hide_passed, raw)
        raise
    for note in notes:
        print_note(note)
    show_check(result, form, output, verbose, hide_passed, raw)
    if not result.passed and not exit_zero:
        raise typer.Exit(1)


def _format(form: str | None, output: Path | None, history: int | None) -> str | None:
    """The format that was asked for; of a history without one, that of the file's suffix.

    Raises:
        OptionError: an unknown format, or a suffix of one that `check` does not write.
    """
    from convcalc.cli.output import chosen_format
    from convcalc.render import check_format

    if history is not None:
        return chosen_format(form, output, HISTORY_FORMATS)
    suffix = "" if output is None else output.suffix.lower()
    if form is not None:
        check_format(form, CHECK_FORMATS)
    elif suffix in SUFFIXES and suffix not in CHECK_SUFFIXES:
        check_format(SUFFIXES[suffix], CHECK_FORMATS)
    return form


def _check_combination(given: Mapping[str, Any], writes: bool) -> None:
    """Raises OptionError for options that do not go together."""
    kinds = ("init", "save_baseline", "update", "history")
    both = [name for name in kinds if given[name] not in (None, False)]
    if len(both) > 1:
        raise OptionError(f"{option(both[0])} cannot be used with {option(both[1])}")
    for name in ("against", "no_accept"):
        if writes and given[name]:
            raise OptionError(f"{option(name)} cannot be used with {option(both[0])}")
    for name, needed, is_there in (
        ("budgets", option("update"), given["update"]),
        ("no_accept", option("against"), given["against"] is not None),
        ("headroom", f"{option('init')} or {option('budgets')}", given["init"] or given["budgets"]),
    ):
        if given[name] and not is_there:
            raise OptionError(f"{option(name)} needs {needed}")
    if given["init"] and given["model_arg"]:
        raise OptionError(
            f"{option('init')} cannot be used with {option('model_arg')}",
            hint="set model_args in the file",
        )


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _init(
    networks: list[str], path: Path | None, given: Mapping[str, Any], headroom: str | None
) -> str:
    from convcalc.checking import recording
    from convcalc.checking.config import FILE

    return recording.init(networks, path or Path(FILE), given, headroom)
