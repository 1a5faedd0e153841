"""Pictures for a paper or a slide, drawn by matplotlib (the extra `plot`): svg, png or pdf.

`draw` writes the file of a command; `plot` draws on given axes.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from convcalc.errors import OptionError, nearest, shorten
from convcalc.render.plots.style import THEMES, Theme, need_matplotlib, styled


def draw(
    result: Any,
    form: str,
    *,
    theme: str = "light",
    x: str | None = None,
    y: str | None = None,
    image: Path | None = None,
) -> bytes:
    """The picture of a result.

    Args:
        theme: light or dark.
        x, y: the figures of a comparison.
        image: the picture under a field.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OptionError: no such theme or figure, or there is nothing to draw.
        SourceError: the image cannot be read.
    """
    look = theme_of(theme)
    need_matplotlib(f"drawing {form.upper()}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with styled(look):
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        fill(figure, result, look, x, y, image)
        out = io.BytesIO()
        metadata: Any = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
        figure.savefig(out, format=form, metadata=metadata)
        return out.getvalue()


def fill(
    figure: Any,
    result: Any,
    theme: Theme,
    x: str | None = None,
    y: str | None = None,
    image: Path | None = None,
) -> None:
    """Draw a result on an empty figure."""
    kind = type(result).__name__
    if kind == "FieldView":
        from convcalc.render.plots.fields import field_figure

        field_figure(figure, result, theme, image)
        return
    from convcalc.render.plots import costs

    if kind == "Comparison":
        costs.comparison_figure(figure, result, theme, x, y)
    elif kind == "Report":
        costs.report_figure(figure, result, theme)
    elif kind == "SearchResult":
        costs.front_figure(figure, result, theme)
    elif kind == "Profile":
        costs.times_figure(figure, result, theme)
    else:
        raise _no_picture(kind)


def plot(result: Any, ax: Any = None, *, theme: str = "light", **options: Any) -> Any:
    """Draw a result on matplotlib axes, new ones if none are given, and return them.

    Args:
        options: `x` and `y`, the figures of a comparison; `image`, the picture under a field.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OptionError: no such theme or figure, or there is nothing to draw.
    """
    look = theme_of(theme)
    need_matplotlib("plot()")
    from convcalc.render.plots import costs, fields

    painters: dict[str, Any] = {
        "FieldView": fields.field_axes,
        "Comparison": costs.points_axes,
        "Report": costs.stages_axes,
    }
    kind = type(result).__name__
    if kind not in painters:
        raise _no_picture(kind)
    with styled(look):
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(layout="constrained")
        painters[kind](ax, result, look, **options)
    return ax


def _no_picture(kind: str) -> OptionError:
    article = "an" if kind[0] in "AEIOU" else "a"
    return OptionError(f"there is no picture of {article} {kind.lower()}")


def theme_of(name: str) -> Theme:
    """The theme of that name.

    Raises:
        OptionError: there is none.
    """
    if name not in THEMES:
        found = nearest(str(name), list(THEMES))
        raise OptionError(
            f"expected {' or '.join(THEMES)}",
            option="theme",
            value=shorten(str(name), 20),
            hint=f"did you mean {found}?" if found else None,
        )
    return THEMES[name]
