"""How the executed pages show a figure: ``from docs.figures import picture``."""

import base64
import io
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

_PIXELS = 1200  # width of a page's pictures
_CSS_PIXEL = 1 / 96  # inches


def picture(figure: Figure, text: str) -> str:
    """Return `figure` as an HTML image inside the page, `text` below it: PNG if it shows pixels, else SVG.

    A picture without photos is transparent and has the class ``plot``, so that a dark page can invert it.
    The image lies in the page itself, whatever builds the site; ``docs/pictures.py`` moves it into a file.
    """
    is_photo = any(ax.images for ax in figure.axes)
    kind, mime = ("png", "image/png") if is_photo else ("svg", "image/svg+xml")
    metadata: dict[str, Any] = {"Software": None} if is_photo else {"Date": None}
    width, height = (float(side) for side in figure.get_size_inches())
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "minircnn"}):
        figure.savefig(
            buffer, format=kind, dpi=min(110, _PIXELS / width), metadata=metadata, transparent=not is_photo
        )
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    size = f'width="{width / _CSS_PIXEL:.0f}" height="{height / _CSS_PIXEL:.0f}"'
    image = f'<img src="data:{mime};base64,{data}" {size} alt="{escape(text)}" loading="lazy">'
    style = "photo" if is_photo else "plot"
    return f'<figure class="{style}">{image}<figcaption>{escape(text)}</figcaption></figure>\n'
