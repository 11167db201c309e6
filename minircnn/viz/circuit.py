"""A computation as a circuit: gates and wires, what flows forward above each wire, what flows back below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from minircnn.arrays import Array, to_host
from minircnn.viz.style import FAINT, INK, POINT, TITLE_SIZE, line_colour, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Shown: TypeAlias = str | float | Array
"""A text, a number, or an array (n,) or (H, W) whose numbers are written out."""

VALUE, GRADIENT, FROZEN = line_colour(0), line_colour(1), "#808080"

_CELL = (1.5, 0.75)  # inches from one column, and one row, to the next
_SIZE, _GATE_SIZE = 11.0, 12.0  # points
_GAP = 0.06  # inches between a wire and what is written at it
_MARGIN = 0.08


class Gate(NamedTuple):
    """What computes, at a column and a row, counted from the top left; without a label, where a wire forks.

    A gate without wires into it, or without wires out of it, is an input or an output and has no frame. What
    is frozen is grey.
    """

    label: str
    column: float
    row: float
    frozen: bool = False


class Wire(NamedTuple):
    """From one gate to another, by their names; without a gradient it is grey: nothing flows back."""

    begin: str
    end: str
    value: Shown = ""
    gradient: Shown | None = None


def draw_circuit(gates: Mapping[str, Gate], wires: Sequence[Wire], title: str = "") -> Figure:
    """Draw gates and the wires between them: values above a wire, gradients below it.

    Of a wire that goes up or down the value stands on its left. The figure is as large as it needs to be.

    Parameters
    ----------
    gates : mapping of str to Gate
    wires : sequence of Wire
    title : str

    Raises
    ------
    ValueError
        If there is no gate, a wire begins or ends at none or does not leave its place, or a value is an array
        of more than two axes.
    """
    if not gates:
        raise ValueError("a circuit needs at least one gate")
    unknown = sorted({name for wire in wires for name in wire[:2]} - set(gates))
    if unknown:
        raise ValueError(f"the gates are {', '.join(gates)}: there is none called {', '.join(unknown)}")
    for wire in wires:
        begin, end = gates[wire.begin], gates[wire.end]
        if (begin.column, begin.row) == (end.column, end.row):
            raise ValueError(f"the wire from {wire.begin} to {wire.end} begins and ends at the same place")
    figure = new_figure(1.0, 1.0)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(1, 0))  # one unit is one inch, downwards
    ax.set_axis_off()
    inner = {wire.begin for wire in wires} & {wire.end for wire in wires}
    boxes = {name: _draw_gate(ax, gate, framed=name in inner) for name, gate in gates.items()}
    for wire in wires:
        _draw_wire(ax, boxes[wire.begin], boxes[wire.end], wire)
    _fit(figure, ax, list(boxes.values()), title)
    return figure


class _Box(NamedTuple):
    """The middle of a gate and half its width and height, inches."""

    x: float
    y: float
    half_width: float
    half_height: float

    def edge(self, dx: float, dy: float) -> float:
        """Return how far from the middle the gate ends in a direction of length 1."""
        return min(
            self.half_width / abs(dx) if dx else math.inf, self.half_height / abs(dy) if dy else math.inf
        )


def _draw_gate(ax: Axes, gate: Gate, *, framed: bool) -> _Box:
    x, y = gate.column * _CELL[0], gate.row * _CELL[1]
    colour = FROZEN if gate.frozen else INK
    if not gate.label:
        ax.plot([x], [y], marker="o", markersize=7, color=colour, gid="fork")
        return _Box(x, y, 0.0, 0.0)
    frame = {
        "boxstyle": "round,pad=0.35",
        "facecolor": "#EEEEEE" if gate.frozen else "#FFFFFF",
        "edgecolor": colour,
        "linewidth": 1.4,
    }
    text = ax.text(
        x, y, literal(gate.label), size=_GATE_SIZE, color=colour, ha="center", va="center", gid="gate",
        linespacing=1.25, bbox=frame if framed else None,
    )  # fmt: skip
    width, height = _inches(text)
    pad = (0.35 * _GATE_SIZE if framed else 3.0) * POINT
    return _Box(x, y, width / 2 + pad, height / 2 + pad)


def _draw_wire(ax: Axes, begin: _Box, end: _Box, wire: Wire) -> None:
    """Draw the arrow from edge to edge, and in its middle what flows on either side of it."""
    length = math.hypot(end.x - begin.x, end.y - begin.y)
    dx, dy = (end.x - begin.x) / length, (end.y - begin.y) / length
    first, last = begin.edge(dx, dy), length - end.edge(dx, dy)
    is_dead = wire.gradient is None
    ax.annotate(
        "", (begin.x + last * dx, begin.y + last * dy), (begin.x + first * dx, begin.y + first * dy),
        arrowprops={
            "arrowstyle": "-|>", "color": FAINT if is_dead else INK, "linewidth": 1.4, "shrinkA": 0,
            "shrinkB": 0, "mutation_scale": 12,
        },
    )  # fmt: skip
    middle = begin.x + (first + last) / 2 * dx, begin.y + (first + last) / 2 * dy
    up = (dy, -dx) if dx > 0 or (dx == 0 and dy < 0) else (-dy, dx)  # to the left where the wire is upright
    _write_beside(ax, middle, up, wire.value, FROZEN if is_dead else VALUE, "value")
    if wire.gradient is not None:
        _write_beside(ax, middle, (-up[0], -up[1]), wire.gradient, GRADIENT, "gradient")


def _write_beside(
    ax: Axes, place: tuple[float, float], side: tuple[float, float], shown: Shown, colour: str, gid: str
) -> None:
    """Write what is shown on one side (a direction of length 1) of a place, as near as it fits."""
    text = ax.text(
        *place, _written(shown), size=_SIZE, color=colour, ha="center", va="center", gid=gid,
        linespacing=1.15, family="monospace" if not isinstance(shown, str) and np.ndim(shown) else None,
    )  # fmt: skip
    width, height = _inches(text)
    away = _GAP + abs(side[0]) * width / 2 + abs(side[1]) * height / 2
    text.set_position((place[0] + side[0] * away, place[1] + side[1] * away))


def _written(shown: Shown) -> str:
    """Return a value as text: three figures of every number, arrays with their columns aligned."""
    if isinstance(shown, str):
        return literal(shown)
    numbers = np.asarray(to_host(shown), dtype=float)
    if numbers.ndim > 2:
        raise ValueError(f"values of a wire are numbers or arrays (n,) or (H, W), got {numbers.shape}")
    rows = [[_short(v) for v in row] for row in np.atleast_2d(numbers)]
    width = max((len(cell) for row in rows for cell in row), default=0)
    return "\n".join(" ".join(cell.rjust(width) for cell in row) for row in rows)


def _short(value: float) -> str:
    """Return `value` in three figures, with a true minus and without a zero's sign."""
    return f"{value + 0.0:.3g}".replace("-", "−")


def _inches(text: Text) -> tuple[float, float]:
    """Return width and height of a text, without its frame."""
    figure = text.get_figure(root=True)
    assert figure is not None
    extent = text.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    return extent.width / figure.dpi, extent.height / figure.dpi


def _fit(figure: Figure, ax: Axes, boxes: Sequence[_Box], title: str) -> None:
    """Make the figure as large as what was drawn, one unit still being one inch, and write the title."""
    from matplotlib.transforms import Bbox

    written = [text for text in ax.texts if text.get_text()]  # wires lie between what they join
    shown = [artist.get_window_extent() for artist in (*written, *ax.lines)]
    frames = [
        Bbox.from_extents(x - half_width, y - half_height, x + half_width, y + half_height)
        for x, y, half_width, half_height in boxes
    ]
    extent = Bbox.union([*frames, *(box.transformed(ax.transData.inverted()) for box in shown)])
    left, top, right, bottom = extent.padded(_MARGIN).extents
    if title:
        heading = ax.text(
            (left + right) / 2, top, literal(title), size=TITLE_SIZE, weight="bold", color=INK, ha="center",
            va="bottom", gid="title",
        )  # fmt: skip
        width, height = _inches(heading)
        top -= height + _MARGIN
        spare = max(width + 2 * _MARGIN - (right - left), 0.0) / 2
        left, right = left - spare, right + spare
    figure.set_size_inches(right - left, bottom - top)
    ax.set(xlim=(left, right), ylim=(bottom, top))
