"""One HTML page with text, tables and pictures, in a single file that opens anywhere.

Pictures are embedded; no script, font or style sheet is fetched, so the page works without a network.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Header and rows; every row has as many cells as the header. None is shown as a dash."""

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Picture:
    source: str  # a data: address
    caption: str
    wide: bool


@dataclass(frozen=True)
class _Cell:
    text: str
    numeric: bool


@dataclass(frozen=True)
class _Section:
    anchor: str
    title: str
    paragraphs: list[str]
    pictures: list[_Picture]
    header: list[str]
    rows: list[list[_Cell]]


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
            title=self.title, intro=_paragraphs(self.intro), sections=self._sections
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to `path` (UTF-8), creating missing folders, and return the path."""
        path = Path(path)
        page = self.html()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        return path


def _paragraphs(text: str) -> list[str]:
    """Split text at empty lines."""
    return [part.strip() for part in text.split("\n\n") if part.strip()]


def _cell(value: Any) -> _Cell:
    """Format one value of a table; numbers are set flush right."""
    if value is None:
        return _Cell("–", True)
    if isinstance(value, bool) or not isinstance(value, Real):
        return _Cell(str(value), False)
    number = float(value)
    return _Cell(f"{number:,.0f}" if number.is_integer() and not _is_float(value) else f"{number:,.3f}", True)


def _is_float(value: Any) -> bool:
    """Tell whether `value` is a Python or NumPy floating-point number, e.g. 1.0 rather than 1."""
    from numpy import floating

    return isinstance(value, (float, floating))


def _embed(figure: Figure, caption: str) -> _Picture:
    """Return `figure` as a data: address, PNG if it shows pixels, else SVG."""
    import matplotlib

    has_pixels = any(ax.images for ax in figure.axes)
    kind, mime = ("png", "image/png") if has_pixels else ("svg", "image/svg+xml")
    metadata: dict[str, Any] = {"Software": None} if has_pixels else {"Date": None}
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "minircnn"}):
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    width, _ = figure.get_size_inches()
    return _Picture(f"data:{mime};base64,{data}", caption, wide=bool(width > 10))
