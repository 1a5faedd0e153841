"""The style of the pictures, light and dark: colours that colour-blind readers can tell apart, also
in greyscale, and direct labels that do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from convcalc.errors import MissingExtraError
from convcalc.foreign import printable


@dataclass(frozen=True)
class Theme:
    """Colours for one background."""

    ground: str
    ink: str
    faint: str
    """Of frames and guides."""
    lines: tuple[str, ...]
    """Of networks, in turn: each lighter than the one before."""
    weight: str
    """Of the position that counts most; the ground is that of none."""
    accent: str
    """Of outlines upon the weights."""

    def line(self, number: int) -> str:
        """The colour of a network, by its place among those compared: the same in all panels."""
        return self.lines[number % len(self.lines)]


THEMES = {
    "light": Theme(
        ground="#ffffff",
        ink="#1a1a1a",
        faint="#b8b8b8",
        lines=("#102a5c", "#9c2f1d", "#2b7ab8", "#d97f0e", "#66c8ad"),
        weight="#102a5c",
        accent="#d3541b",
    ),
    "dark": Theme(
        ground="#14171c",
        ink="#ececec",
        faint="#5c6370",
        lines=("#f6f0da", "#7cc8f2", "#f0983a", "#d0709f", "#3a6cb0"),
        weight="#f6e7a0",
        accent="#ff8a4d",
    ),
}

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)))


def need_matplotlib(what: str) -> None:
    """Raises MissingExtraError where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError(what, "plot") from None


@contextmanager
def styled(theme: Theme) -> Iterator[None]:
    """Apply the style to figures made and drawn meanwhile. Text stays text in an SVG, and the same
    network always gives the same bytes."""
    from matplotlib import rc_context

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "convcalc",
        "text.parse_math": False,  # names with $ in them are no formulas
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "axes.facecolor": theme.ground,
        "figure.facecolor": theme.ground,
        "text.color": theme.ink,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "xtick.direction": "out",
        "savefig.facecolor": theme.ground,
        "savefig.bbox": "tight",
        "savefig.dpi": 200,
    }
    with rc_context(settings):
        yield


def weights_map(theme: Theme) -> Any:
    """A colour map from the background (zero) to the strongest colour."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("weights", [theme.ground, theme.weight])


def shown(text: str) -> str:
    """Users' text in a figure: matplotlib hides labels that begin with _."""
    return f" {printable(text)}" if text.startswith("_") else printable(text)


def si(value: float, _position: int = 0) -> str:
    """1.5 M"""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def few_ticks(axis: Any, integer: bool = False) -> None:
    """At most five ticks, so that none touch."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, integer=integer, min_n_ticks=1))


_PLACES = (
    (6, 0, "left", "center"),
    (-6, 0, "right", "center"),
    (0, 7, "center", "bottom"),
    (0, -7, "center", "top"),
    (6, 8, "left", "bottom"),
    (6, -8, "left", "top"),
    (-6, 8, "right", "bottom"),
    (-6, -8, "right", "top"),
    *((14, 12 * n, "left", "center") for n in (2, -2, 3, -3, 4, -4, 5, -5)),
)
"""Where a label may stand about its point: offset in points, alignment."""

NEAR = 10
"""Points up to which a label needs no line to what it names."""


def label_points(
    axes: Any,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    colours: Sequence[str],
    avoided: Sequence[tuple[float, float]] = (),
) -> None:
    """Label each point where the text covers no point and no other text, within the axes; a label
    without room is left out.

    Args:
        avoided: other points not to be covered.
    """
    axes.figure.draw_without_rendering()
    frame = axes.get_window_extent()
    taken = [_around(axes.transData.transform(point)) for point in (*points, *avoided)]
    taken += [text.get_window_extent() for text in axes.texts]
    for point, text, colour in zip(points, texts, colours, strict=True):
        for x, y, horizontal, vertical in _PLACES:
            style = {
                "text": text, "xy": point, "xytext": (x, y), "textcoords": "offset points",
                "ha": horizontal, "va": vertical, "color": colour, "fontsize": 8,
            }  # fmt: skip
            label = axes.annotate(**style)
            box = label.get_window_extent()
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 + 20 and frame.y0 <= box.y0
            if inside and box.y1 <= frame.y1 + 12 and not any(map(box.overlaps, taken)):
                taken.append(box)
                if abs(y) > NEAR:
                    label.remove()
                    axes.annotate(**style, arrowprops={"color": colour, **_LEADER})
                break
            label.remove()


_LEADER = {"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3, "relpos": (0, 0.5)}


def _around(centre: Any, radius: float = 3.0) -> Any:
    from matplotlib.transforms import Bbox

    x, y = centre
    return Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The values moved apart as little as needed, so that neighbours differ by `gap`; their order
    is kept."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    placed = [0.0] * len(values)
    floor = low
    for number, index in enumerate(order):
        room = high - gap * (len(order) - 1 - number)
        placed[index] = floor = max(floor, min(values[index], room))
        floor += gap
    return placed


def luminance(colour: str) -> float:
    """How light a colour prints in grey: 0 black, 1 white (ITU-R BT.709, gamma kept)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
