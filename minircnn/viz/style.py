"""Colours, figure geometry and saving: what all pictures share.

Figures are built through matplotlib's object interface: no ``pyplot``, no global state, no window.
Photos are shown in the coordinates of their boxes: pixel j covers [j, j + 1), the origin is the
top left corner. Matplotlib is an extra and imported when the first figure is asked for.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from PIL import Image

from minircnn.arrays import Array, to_host
from minircnn.files import write_bytes
from minircnn.imaging import as_image
from minircnn.structures import FloatArray, ImageArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LineStyle: TypeAlias = Literal["-", "--", ":"]

# The eight colours of Okabe and Ito, told apart with every common form of colour blindness;
# bright ones first on photos, dark ones first on white paper.
BOX_COLOURS = ("#E69F00", "#56B4E9", "#F0E442", "#CC79A7", "#009E73", "#D55E00", "#0072B2")
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

CORRECT, FALSE, MISSED, TRUTH, FAINT = "#00C08B", "#FF6A13", "#F0E442", "#FFFFFF", "#C8C8C8"
INK, GRID = "#222222", "#DDDDDD"

SOFTWARE = "minircnn"
"""What pictures and pages name as the program that wrote them."""

PANEL_TITLE_SIZE, TITLE_SIZE, LEGEND_SIZE = 11.0, 13.0, 10.0  # points
LINE_HEIGHT = 1.45  # of text, in font sizes
POINT = 1 / 72  # inches
_TALLEST = 0.85  # height of the panels in widths of the figure, so that a tall photo fits a screen
_SHOWN_SIDE = 1536  # pixels of the longer side of a photo that a picture can show, at least
_LEGEND_WIDTH = 7.8  # inches, room for five entries


def class_colours(labels: Iterable[int]) -> dict[int, str]:
    """Return a colour for each class among `labels` (1..K).

    A class keeps its own colour from photo to photo, except that of two classes with the same one the later
    takes the next free; more than seven classes share, and only their names tell them apart.
    """
    colours: dict[int, str] = {}
    for label in sorted(set(labels)):
        own = (label - 1) % len(BOX_COLOURS)
        turns = [*BOX_COLOURS[own:], *BOX_COLOURS[:own]]
        free = [colour for colour in turns if colour not in colours.values()]
        colours[label] = (free or turns)[0]
    return colours


def line_colour(index: int) -> str:
    """Return the colour of curve number `index` on white paper."""
    return LINE_COLOURS[index % len(LINE_COLOURS)]


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0..255, of `colour` (``#RRGGBB``)."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on `colour` (``#RRGGBB``)."""
    red, green, blue = rgb(colour)
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "#FFFFFF"


def literal(text: str) -> str:
    """Return `text` so that matplotlib shows it as it is: names of classes and photos are data, not TeX."""
    # control characters, and bytes of a photo's name that are no text, are written out
    printable = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    return printable.replace("$", r"\$")


def legend_entry(text: str) -> str:
    """Return `text` for a legend, out of which matplotlib keeps what begins with a low line."""
    return literal(f" {text}" if text[:1] == "_" else text)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of `width` × `height` inches that can be measured and saved.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        from minircnn.viz.shown_figure import ShownFigure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'minircnn[viz]'") from error
    figure = ShownFigure(figsize=(width, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def as_photo(image: Array) -> ImageArray:
    """Return `image` as a host array after checking that it is (H, W, 3) uint8.

    Raises
    ------
    ValueError
        If shape or dtype differ.
    """
    return as_image(to_host(image))


def as_boxes(boxes: Array) -> FloatArray:
    """Return `boxes` as a (R, 4) host float array; an empty sequence is no boxes.

    Raises
    ------
    ValueError
        If the shape differs.
    """
    host = np.asarray(to_host(boxes), dtype=np.float64)
    if host.size == 0:
        return host.reshape(0, 4)
    if host.ndim != 2 or host.shape[1] != 4:
        raise ValueError(f"boxes must have shape (R, 4), got {host.shape}")
    return host


def photo_panels(
    shape: tuple[int, int],
    titles: Sequence[str],
    *,
    columns: int = 1,
    width: float = 9.0,
    least_width: float = 0.0,
    title: str = "",
    legend_rows: int = 0,
) -> tuple[Figure, list[Axes]]:
    """Lay out one bare panel per title, each with exactly the aspect of a (H, W) `shape`.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the photo in pixels.
    titles : sequence of str
        Heading of each panel; empty strings take no room when all are empty.
    columns : int
        Panels side by side.
    width : float
        Of the figure, inches. Tall photos get narrower panels, so that the figure fits a screen.
    least_width : float
        To which a narrower figure is filled up with white, so that several in a row are equally wide.
    title : str
        Heading of the figure.
    legend_rows : int
        Lines of room kept below the panels for :func:`add_legend`.

    Returns
    -------
    figure, axes
        The figure and its panels, row by row.
    """
    height_px, width_px = shape
    columns = max(1, min(columns, len(titles)))
    rows = -(-len(titles) // columns)
    gap = 0.08
    tallest = _TALLEST * width / rows
    panel_width = min((width - gap * (columns + 1)) / columns, tallest * width_px / height_px)
    panel_height = panel_width * height_px / width_px
    panel_band = PANEL_TITLE_SIZE * LINE_HEIGHT * POINT if any(titles) else 0.0
    lines = title.split("\n")
    top = len(lines) * TITLE_SIZE * LINE_HEIGHT * POINT + 0.06 if title else 0.0
    bottom = legend_rows * LEGEND_SIZE * 1.7 * POINT + (0.05 if legend_rows else 0.0)
    content = columns * panel_width + gap * (columns + 1)
    title_width = max(map(len, lines)) * 0.66 * TITLE_SIZE * POINT  # bold letters are 0.66 em wide on average
    fig_width = max(content, title_width, least_width, _LEGEND_WIDTH if legend_rows else 0.0)
    fig_height = top + rows * (panel_height + panel_band + gap) + gap + bottom
    figure = new_figure(fig_width, fig_height)
    if title:
        add_heading(figure, title, 1 - 0.04 / fig_height)
    axes = []
    for i, heading in enumerate(titles):
        row, column = divmod(i, columns)
        left = (fig_width - content) / 2 + gap + column * (panel_width + gap)
        upper = top + gap + row * (panel_height + panel_band + gap) + panel_band
        place = (left / fig_width, 1 - (upper + panel_height) / fig_height)
        ax = figure.add_axes((*place, panel_width / fig_width, panel_height / fig_height))
        ax.set(xlim=(0, width_px), ylim=(height_px, 0))
        ax.set_axis_off()
        if heading:
            ax.set_title(literal(heading), size=PANEL_TITLE_SIZE, color=INK, pad=3)
        axes.append(ax)
    return figure, axes


def add_heading(figure: Figure, title: str, top: float) -> None:
    """Write `title` over the middle of `figure`, its upper edge at the height `top`, 1 being the figure's."""
    figure.text(0.5, top, literal(title), size=TITLE_SIZE, weight="bold", color=INK, ha="center", va="top")


def show_image(ax: Axes, image: Array, **options: Any) -> None:
    """Show `image` so that pixel j covers [j, j + 1) of the axes' coordinates.

    Of a photo far larger than any picture the means over squares of pixels are shown: matplotlib takes some
    sixty bytes for each.
    """
    pixels = to_host(image)
    height, width = pixels.shape[:2]
    step = 1
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and max(height, width) >= 2 * _SHOWN_SIDE:
        step = max(height, width) // _SHOWN_SIDE
        pixels = np.asarray(Image.fromarray(pixels).reduce(step))
    below, right = (step * side for side in pixels.shape[:2])
    ax.imshow(pixels, extent=(0, right, below, 0), **options)
    ax.set(xlim=(0, width), ylim=(height, 0))  # the last squares may reach beyond


def add_legend(figure: Figure, entries: Sequence[tuple[str, str, LineStyle]]) -> None:
    """Explain line colours and styles below the panels.

    `entries` are (text, colour, line style); white lines are shown on a dark edge.
    """
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            color=colour,
            linestyle=style,
            linewidth=2.5,
            label=legend_entry(text),
            path_effects=halo(colour, 2.5),
        )
        for text, colour, style in entries
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=LEGEND_SIZE,
        labelcolor=INK,
        handlelength=2.4,
        columnspacing=1.4,
        borderaxespad=0.1,
    )


def halo(colour: str, linewidth: float) -> list[Any]:
    """Return the path effects that keep a line of `colour` visible on any photo."""
    from matplotlib.patheffects import Normal, Stroke

    edge = "#000000" if ink_on(colour) == "#000000" else "#FFFFFF"
    return [Stroke(linewidth=linewidth + 1.6, foreground=edge, alpha=0.65), Normal()]


def save_figure(figure: Figure, path: str | Path, *, dpi: float = 150) -> Path:
    """Write `figure` as PNG or SVG, by the suffix of `path`, creating missing folders.

    The same figure gives the same bytes: no date is stored. PNG files say that minircnn wrote them.

    Parameters
    ----------
    figure : matplotlib Figure
    path : str or Path
        Ends in ``.png`` or ``.svg``.
    dpi : float
        Pixels per inch (of photos inside, for SVG).

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the suffix is neither ``.png`` nor ``.svg``.
    """
    import matplotlib

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".svg"):
        raise ValueError(f"{path}: pictures are saved as .png or .svg, not '{path.suffix}'")
    metadata: dict[str, Any] = {"Date": None} if suffix == ".svg" else {"Software": SOFTWARE}
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "minircnn"}):  # else element ids are drawn at random
        figure.savefig(buffer, format=suffix[1:], dpi=dpi, metadata=metadata)
    return write_bytes(path, buffer.getvalue())
