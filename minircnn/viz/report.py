"""One HTML page with text, tables and pictures, in a single file that opens anywhere.

Pictures are embedded; no script, font or style sheet is fetched, so the page works without a network.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from minircnn.files import write_bytes
from minircnn.viz.style import SOFTWARE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Header and rows; every row has as many cells as the header. None is shown as a dash."""

_MAX_PIXELS = 1600  # width of an embedded picture: sharp on a projector, yet the page stays small
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Picture:
    source: str  # a data: address
    caption: str
    wide: bool


@dataclass(frozen=True)
class _Section:
    anchor: str
    title: str
    paragraphs: list[str]
    pictures: list[_Picture]
    header: list[str]
    numeric: list[bool]  # per column: set flush right
    rows: list[list[str]]


@dataclass
class Report:
    """A page of sections, each with text, pictures and a table.

    Parameters
    ----------
    title : str
    intro : str
        Text under the title; an empty line starts a new paragraph.

    Examples
    --------
    >>> from minircnn.viz import Report
    >>> report = Report("Two detectors", "Trained on the built-in scenes.")
    >>> _ = report.section("Result", table=(["detector", "mAP"], [["R-CNN", 0.81], ["Fast R-CNN", 0.88]]))
    >>> "Fast R-CNN" in report.html()
    True
    """

    title: str
    intro: str = ""
    _sections: list[_Section] = field(default_factory=list, init=False, repr=False)

    def section(
        self,
        title: str,
        text: str = "",
        figures: Sequence[tuple[Figure, str]] = (),
        table: Table | None = None,
    ) -> Report:
        """Append a section: heading, text, table, pictures.

        Parameters
        ----------
        title : str
        text : str
            An empty line starts a new paragraph. Shown as it is: no markup.
        figures : sequence of (matplotlib Figure, caption)
            Figures with a photo are embedded as PNG, drawings as SVG.
        table : (header, rows), optional
            Cells may be text, numbers or None; fractions are shown with three decimals.

        Returns
        -------
        Report
            Itself, so that calls can be chained.

        Raises
        ------
        ValueError
            If a row of the table is longer or shorter than its header.
        """
        header, rows = ([], []) if table is None else (list(table[0]), table[1])
        for number, row in enumerate(rows):
            if len(row) != len(header):
                raise ValueError(
                    f"table {title!r}: row {number} has {len(row)} cells, the header {len(header)}"
                )
        self._sections.append(
            _Section(
                anchor=f"section-{len(self._sections) + 1}",
                title=title,
                paragraphs=_paragraphs(text),
                pictures=[_embed(figure, caption) for figure, caption in figures],
                header=header,
                numeric=[all(_is_number(row[c]) for row in rows) for c in range(len(header))],
                rows=[[_cell(value) for value in row] for row in rows],
            )
        )
        return self

    def html(self) -> str:
        """Return the page.

        Raises
        ------
        ImportError
            If Jinja2 is not installed.
        """
        try:
            import jinja2
        except ImportError as error:
            raise ImportError("the report needs Jinja2: pip install 'minircnn[viz]'") from error
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,  # all text is data, whatever its source
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template("report.html.j2").render(
            software=SOFTWARE, title=self.title, intro=_paragraphs(self.intro), sections=self._sections
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to `path` (UTF-8), creating missing folders, and return the path."""
        # a photo's name may hold bytes that are no text: they become question marks
        return write_bytes(path, self.html().encode("utf-8", "replace"))


def _paragraphs(text: str) -> list[str]:
    """Split text at empty lines."""
    return [part.strip() for part in text.split("\n\n") if part.strip()]


def _is_number(value: Any) -> bool:
    """Tell whether a cell holds a number, or nothing."""
    return value is None or (isinstance(value, Real) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    """Format one value of a table."""
    if value is None:
        return "–"
    if isinstance(value, Integral) and not isinstance(value, bool):
        return f"{int(value):,}"
    return f"{float(value):,.3f}" if _is_number(value) else str(value)


def _embed(figure: Figure, caption: str) -> _Picture:
    """Return `figure` as a data: address, PNG if it shows pixels, else SVG."""
    import matplotlib

    has_pixels = any(ax.images for ax in figure.axes)
    kind, mime = ("png", "image/png") if has_pixels else ("svg", "image/svg+xml")
    metadata: dict[str, Any] = {"Software": None} if has_pixels else {"Date": None}
    buffer = io.BytesIO()
    width = float(figure.get_size_inches()[0])
    with matplotlib.rc_context({"svg.hashsalt": "minircnn"}):
        figure.savefig(buffer, format=kind, dpi=min(150, _MAX_PIXELS / width), metadata=metadata)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return _Picture(f"data:{mime};base64,{data}", caption, wide=width > 10)
