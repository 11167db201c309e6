"""Gather the pictures of all walkthroughs on the page of slides, one a sheet. A hook of the site's build."""

import posixpath
import re
from html import escape
from typing import Any

_PAGE = "slides.md"
_FOLDER = "walkthroughs/"
_PLACE = '<div class="slides"></div>'
_FIGURE = re.compile(r'<figure class="(?:photo|plot)">.*?</figure>', re.DOTALL)  # of docs.figures

_LAZY = ' loading="lazy"'  # pictures out of sight are printed, too


def on_page_context(context: Any, page: Any, nav: Any, **_: Any) -> Any:
    """Fill the page of slides: by now every page has its content, and the menu has their order."""
    if page.file.src_uri == _PAGE:
        start = posixpath.dirname(page.url) or "."
        shown = [other for other in nav.pages if other.file.src_uri.startswith(_FOLDER)]
        slides = "".join(_slides(other, posixpath.relpath(other.url, start)) for other in shown)
        page.content = page.content.replace(_PLACE, f'<div class="slides">\n{slides}</div>')
    return context


def _slides(page: Any, url: str) -> str:
    """Return a page's figures as slides, each with its title, which is HTML, and address."""
    source = escape(page.canonical_url or page.url)
    return "".join(
        f'<section class="slide"><h2>{page.title}</h2>{figure.replace(_LAZY, "")}'
        f'<p class="source">minircnn, <a href="{url}">{source}</a></p></section>\n'
        for figure in _FIGURE.findall(page.content or "")
    )
