"""Results that show themselves: the one arrow of the package that points up."""

from __future__ import annotations

from typing import Any


class Renderable:
    """Renders itself by handing itself to `convcalc.render`: the one import that points up, made
    only when something is shown, so that a report is as handy in a notebook as in a terminal."""

    def _render(self, form: str, **options: Any) -> str:
        from convcalc.render import render

        return render(self, form, **options)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON form as plain dicts and lists."""
        from convcalc.render import to_dict

        return to_dict(self)

    def to_json(self) -> str:
        """The documented JSON form as text."""
        return self._render("json")

    def to_markdown(self) -> str:
        """A Markdown table."""
        return self._render("markdown")

    def to_rows(self) -> list[dict[str, Any]]:
        """The rows of the CSV form, numbers as numbers: what `pandas.DataFrame` and
        `polars.DataFrame` take."""
        from convcalc.render import to_rows

        return to_rows(self)

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame. Needs pandas.

        Raises:
            OptionError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError:
            from convcalc.errors import OptionError

            raise OptionError("to_pandas() needs pandas", hint="pip install pandas") from None
        return pandas.DataFrame(self.to_rows())

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw it on matplotlib axes (new ones if none are given) and return them; `theme="dark"`
        for a dark ground. Needs convcalc[plot]."""
        from convcalc.render.plots import plot

        return plot(self, ax, **options)

    def __str__(self) -> str:
        return self._render("table").rstrip("\n")

    def __repr__(self) -> str:
        from convcalc.render import headline

        return f"<{type(self).__name__} {headline(self)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self._render("notebook")
