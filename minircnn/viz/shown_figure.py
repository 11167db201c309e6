"""A figure that a notebook shows without ``pyplot``; imports matplotlib, so it is itself imported late."""

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A matplotlib figure that is its own picture as the last line of a notebook's cell."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=90)
        return buffer.getvalue()
