"""`convcalc check`: the gate for CI."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli import completion, options
from convcalc.errors import ConvcalcError, OptionError, shorten
from convcalc.foreign import guarded, on_github, printable
from convcalc.render.formats import CHECK_FORMATS, HISTORY_FORMATS

if TYPE_CHECKING:
    from convcalc.checking.plan import Plan
    from convcalc.checking.verdicts import Check

EPILOG = """Examples:

  convcalc check 7x1+1x7 --require 'params<=1M' --require 'receptive_field>=7x7'

  convcalc check 7x1+1x7 --baseline 7x7 --require 'macs<=0.5*baseline'

  convcalc check --init 7x1+1x7 --headroom 10% --output budgets.toml

  convcalc check --config budgets.toml --save-baseline budgets.json

  convcalc check --config budgets.toml --baseline budgets.json --fail-on macs:2%

  convcalc check --config budgets.toml --format junit --output report.xml

  convcalc check --explain CC002
"""

BUDGETS, BASELINE, REPORT = "Budgets", "Baseline", "Report"
"""Panels of the help."""

NamesOrNetworks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME|NETWORK",
        help="Entries of the configuration, or networks: specifications, files, zoo:NAME, torch "
        "models package.module:attribute (imports your code). Default: every entry.",
        autocompletion=completion.entries,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        rich_help_panel=BUDGETS,
        metavar="FILE",
        help="Entries and budgets. Default: convcalc.toml, or \\[tool.convcalc] of pyproject.toml, "
        "here or above.",
    ),
]
Require = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        rich_help_panel=BUDGETS,
        metavar="BUDGET",
        help="params<=10M, receptive_field>=7x7, output==64x56x56, macs<=0.5*baseline; of params, "
        "macs, flops, activations, memory, depth, receptive_field, output.",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        rich_help_panel=BASELINE,
        metavar="FILE|NETWORK",
        help="A baseline file (.json), or a network, to compare with. Default: the "
        "configuration's, or convcalc-baseline.json beside it, if there is one.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        rich_help_panel=BASELINE,
        metavar="GITREF",
        help="Read the baseline file from this git revision.",
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        rich_help_panel=BASELINE,
        metavar="FIGURE:GROWTH",
        help="What may differ from the baseline: macs:2%, params:0, flops:1M, output:off. "
        "Default: no growth of params or macs, no change of receptive_field or output.",
    ),
]
Lenient = Annotated[
    bool,
    typer.Option(
        "--baseline-lenient",
        rich_help_panel=BASELINE,
        metavar="",
        show_default=False,
        help="Entries that only one side has are notes, not failures.",
    ),
]
NoAccept = Annotated[
    bool,
    typer.Option(
        "--no-accept",
        rich_help_panel=BASELINE,
        metavar="",
        show_default=False,
        help="With --against: growth fails even if the baseline file here has been updated.",
    ),
]
AllowEmpty = Annotated[
    bool,
    typer.Option(
        "--allow-empty",
        rich_help_panel=REPORT,
        metavar="",
        show_default=False,
        help="Pass even if nothing was checked.",
    ),
]
SaveBaseline = Annotated[
    str | None,
    typer.Option(
        "--save-baseline",
        rich_help_panel=BASELINE,
        metavar="FILE",
        help="Write the figures of all entries to the baseline file.",
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update",
        rich_help_panel=BASELINE,
        metavar="",
        show_default=False,
        help="Write the figures of the named entries, or of all, to the baseline file.",
    ),
]
Budgets = Annotated[
    bool,
    typer.Option(
        "--budgets",
        rich_help_panel=BUDGETS,
        metavar="",
        show_default=False,
        help="With --update: also rewrite limits that present figures break.",
    ),
]
Headroom = Annotated[
    str | None,
    typer.Option(
        "--headroom",
        rich_help_panel=BUDGETS,
        metavar="SHARE",
        help="Of --init and --update --budgets: the room of limits above present figures, as 10%.",
    ),
]
ChangedSince = Annotated[
    str | None,
    typer.Option(
        "--changed-since",
        rich_help_panel=BASELINE,
        metavar="GITREF",
        help="Check only entries whose files changed since this git revision.",
    ),
]
History = Annotated[
    int | None,
    typer.Option(
        "--history",
        rich_help_panel=BASELINE,
        metavar="N",
        help="Show the figures of the last N revisions of the baseline file; also as svg.",
    ),
]
Init = Annotated[
    bool,
    typer.Option(
        "--init",
        rich_help_panel=BUDGETS,
        metavar="",
        show_default=False,
        help="Write a configuration for the networks, with their present figures.",
    ),
]
Explain = Annotated[
    str | None,
    typer.Option(
        "--explain", rich_help_panel=REPORT, metavar="CODE", help="Explain a code such as CC002."
    ),
]
Profiled = Annotated[
    bool,
    typer.Option(
        "--profile",
        rich_help_panel=BASELINE,
        metavar="",
        show_default=False,
        help="Measure latencies as well, for --fail-on latency:20%.",
    ),
]
HidePassed = Annotated[
    bool,
    typer.Option(
        "--hide-passed",
        rich_help_panel=REPORT,
        metavar="",
        show_default=False,
        help="Show findings only (junit: everything).",
    ),
]
ExitZero = Annotated[
    bool,
    typer.Option(
        "--exit-zero",
        rich_help_panel=REPORT,
        metavar="",
        show_default=False,
        help="Exit with 0 whatever is found.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        rich_help_panel=REPORT,
        metavar="",
        show_default=False,
        help="Treat warnings as failures.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        rich_help_panel=REPORT,
        metavar="FORMAT",
        help=f"One of {', '.join(CHECK_FORMATS)}. Default: table.",
    ),
]


def check(
    ctx: typer.Context,
    networks: NamesOrNetworks = None,
    config: Config = None,
    require: Require = None,
    baseline: Baseline = None,
    against: Against = None,
    fail_on: FailOn = None,
    baseline_lenient: Lenient = False,
    no_accept: NoAccept = False,
    allow_empty: AllowEmpty = False,
    save_baseline: SaveBaseline = None,
    update: Update = False,
    budgets: Budgets = False,
    headroom: Headroom = None,
    changed_since: ChangedSince = None,
    history: History = None,
    init: Init = False,
    explain: Explain = None,
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
    profile: Profiled = False,
    device: options.Device = "cpu",
    hide_passed: HidePassed = False,
    strict: Strict = False,
    exit_zero: ExitZero = False,
    form: Format = None,
    output: options.Output = None,
) -> None:
    """Fail if a figure is outside its budget or regressed from a baseline.

    Exit codes: 0 all passed, 1 a budget or the baseline failed, 2 a bad network, file or option.
    """
    from convcalc.checking import changed, recording
    from convcalc.checking.config import FILE
    from convcalc.checking.gate import check_judged, failed, run
    from convcalc.checking.plan import find_reference, make_plan
    from convcalc.checking.tolerances import read_tolerances
    from convcalc.cli.output import progress_bar
    from convcalc.networks.arguments import read_arguments
    from convcalc.render import check_format

    if explain is not None:
        from convcalc.checking.findings import explain as explain_code

        sys.stdout.write(explain_code(explain))
        return
    if form is not None:
        check_format(form, CHECK_FORMATS if history is None else HISTORY_FORMATS)
    _exclude({"--init": init, "--save-baseline": save_baseline is not None, "--update": update})
    writes = save_baseline is not None or update
    _exclude({"--against": against is not None, "--save-baseline or --update": writes})
    if budgets and not update:
        raise OptionError("--budgets goes with --update")
    if headroom is not None and not (init or budgets):
        raise OptionError("--headroom goes with --init or --update --budgets")
    size = input[0] if input and len(input) == 1 else input
    of_networks = {
        "input": size, "batch": batch, "padding": padding, "bias": bias, "after_conv": after_conv,
        "convention": convention, "element_size": element_size, "local": local,
        "machine": str(machine),
    }  # fmt: skip
    given = {name: value for name, value in of_networks.items() if _is_given(ctx, name)}
    if init:
        if model_arg:
            raise OptionError("--init takes no --model-arg", hint="set model_args in the file")
        path = output or config or Path(FILE)
        note = recording.init(networks or [], path, given, headroom)
        print(guarded(printable(note)), file=sys.stderr)
        return
    if history is not None:
        _show_history(make_plan([], config, {}), baseline, history, form or "table", output)
        return
    on = device if profile else None
    try:
        plan = make_plan(
            networks or [], config, given, require or [], read_arguments(model_arg or [])
        )
        if given and all(entry.place for entry in plan.entries):
            name = next(iter(given)).replace("_", "-")
            raise OptionError(
                f"--{name} applies to networks; entries of {plan.config} set their own"
            )
        if changed_since is not None:
            plan = changed.only_changed(plan, changed_since)
            if not plan.entries:
                print(f"no entry changed since {shorten(changed_since, 60)}", file=sys.stderr)
                return
        changes = read_tolerances(fail_on or [])
        notes = []
        with progress_bar() as progress:
            if writes:
                target = save_baseline or baseline
                result, note = recording.record(plan, target, update, on, progress)
                notes = [note]
            else:
                reference = find_reference(plan, baseline, against, not no_accept)
                result = run(plan, reference, changes, baseline_lenient, on, progress, isolate=True)
        if budgets:
            notes.append(recording.update_budgets(plan, result, headroom))
        if strict:
            result = result.strictly()
        if not (writes or allow_empty or changed_since is not None):
            check_judged(result, plan)
    except ConvcalcError as error:
        if form is not None or output is not None or on_github():
            _report(failed(error), form, output, hide_passed)
        raise
    for note in notes:
        print(guarded(printable(note)), file=sys.stderr)
    _report(result, form, output, hide_passed)
    if not result.passed and not exit_zero:
        raise typer.Exit(1)


def _show_history(
    plan: Plan, baseline: str | None, count: int, form: str, output: Path | None
) -> None:
    """The figures of the last revisions of the baseline file."""
    from convcalc.checking.history import read_history
    from convcalc.checking.plan import baseline_path
    from convcalc.cli.output import console, emit
    from convcalc.render import plain_text
    from convcalc.render.history import to_table, to_text

    history = read_history(baseline_path(plan, baseline), count)
    if form == "table" and output is None:
        console().print(to_table(history))
        return
    emit(plain_text(to_table(history)) if form == "table" else to_text(history, form), output)


def _exclude(given: dict[str, bool]) -> None:
    """Raises OptionError for options that were given together and exclude each other."""
    both = [name for name, is_given in given.items() if is_given]
    if len(both) > 1:
        raise OptionError(f"{' and '.join(both)} exclude each other")


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def with_default_file(arguments: list[str]) -> list[str]:
    """`--save-baseline` alone means the default file: typer has no options whose value may be
    left out. A word after it is its value if it ends in .json."""
    found = []
    for index, argument in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        bare = argument == "--save-baseline" and not following.endswith(".json")
        found.append("--save-baseline=" if bare else argument)
    return found


def _report(result: Check, form: str | None, output: Path | None, hide_passed: bool) -> None:
    """Show the result; on GitHub Actions, unless a format was given, in GitHub's own forms too."""
    from convcalc.cli.output import emit, print_page
    from convcalc.render import renderable
    from convcalc.render.ci import WRITERS

    if hide_passed and form != "junit":  # which is about what was tested
        shown = tuple(verdict for verdict in result.verdicts if verdict.code)
        visible = replace(result, verdicts=shown)
    else:
        visible = result
    if form is None and on_github():
        _tell_github(result)
    if result.errors and form is None and output is None:
        return  # whoever called says them
    if form in (None, "table") and output is None:
        print_page(renderable(visible))
        return
    emit(WRITERS[form or "table"](visible), output, is_guarded=form != "github")


def _tell_github(result: Check) -> None:
    """Annotations, on stderr so that the output stays what it is, and the step's summary."""
    from convcalc.render.ci import MAX_SUMMARY, github, summary_markdown

    sys.stderr.write(github(result))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    path = Path(summary)
    try:
        room = MAX_SUMMARY - (path.stat().st_size if path.exists() else 0)
        text = summary_markdown(result, max(room, 0))
        if len(text.encode()) <= room:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        print(f"warning: cannot write the step summary: {error.strerror}", file=sys.stderr)
