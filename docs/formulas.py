r"""A Markdown extension: ``$…$`` in a line and ``$$…$$`` as a block become MathML when the page is built.

A reader's browser then needs no script, no font and no network. ``\$`` is a dollar.
"""

import xml.etree.ElementTree as etree
from typing import Any

from latex2mathml.converter import convert_to_element
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

# Like Pandoc: no space inside the dollars, no digit after them, so that prices stay prices.
_INLINE = r"(?<![\\$])\$(?![\s$])([^$\n]+?)(?<![\s\\])\$(?![\d$])"
_BLOCK = r"(?<!\\)\$\$\s*([^$]+?)\s*\$\$"


class Formula(InlineProcessor):
    """Turns the LaTeX between dollars into a ``<math>`` element."""

    def __init__(self, pattern: str, display: str) -> None:
        super().__init__(pattern)
        self.display = display

    def handleMatch(self, m: Any, data: str) -> tuple[etree.Element, int, int]:  # type: ignore[override]  # noqa: D102
        element = convert_to_element(m[1], display=self.display)
        element.set("class", "formula")
        if self.display == "block":
            # on a phone its paragraph scrolls, by keys only if something in it can have the focus
            element.set("tabindex", "0")
        return element, m.start(0), m.end(0)


class Formulas(Extension):
    """Both patterns, tried before Markdown's own escapes and emphasis, which would take part of a formula."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: D102
        md.inlinePatterns.register(Formula(_BLOCK, "block"), "formula-block", 186)
        md.inlinePatterns.register(Formula(_INLINE, "inline"), "formula", 185)


def makeExtension(**options: Any) -> Formulas:
    """Return the extension: the name that Markdown asks a module for."""
    return Formulas(**options)
