"""What a built page holds, as far as tests ask: its ids, links, pictures and what it loads."""

import re
from html.parser import HTMLParser

# What a browser fetches by itself: in a style sheet, and in a script inside of a page.
FETCHED_BY_STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?\s*((?:https?:)?//[^"')\s]+)""")
FETCHED_BY_SCRIPT = re.compile(
    r"""(?:\bfetch|\bimport|\bimportScripts|\bWorker|\bWebSocket)\s*\(\s*["'`]((?:https?:|wss?:)?//[^"'`]+)"""
)
_LOADING = {"src", "srcset", "poster", "data"}
_UNFETCHED = {"canonical", "next", "prev", "author", "license"}


class SitePage(HTMLParser):
    """A page of the built site, read."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.images, self.figures = set(), [], [], [], []
        self.embedded = ""  # styles and scripts
        self.text = ""
        self._inside, self._open = "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        elif tag == "link" and not set(attributes.get("rel", "").split()) & _UNFETCHED:
            self.loads.append(attributes["href"])
        self.loads += [attributes[key] for key in _LOADING & attributes.keys() if attributes[key]]
        self.embedded += FETCHED_BY_STYLE.sub(r"url(\1)", attributes.get("style") or "")
        if tag == "figure":
            self._open.append({"pictures": 0, "caption": ""})
        elif tag in ("img", "svg") and self._open:
            self._open[-1]["pictures"] += 1
        if tag == "img":
            self.images.append(attributes)
        if tag in ("style", "script", "figcaption"):
            self._inside = tag

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = ""
        if tag == "figure" and self._open:
            self.figures.append(self._open.pop())

    def handle_data(self, data):
        if self._inside in ("style", "script"):
            self.embedded += data
            return
        self.text += data
        if self._inside == "figcaption" and self._open:
            self._open[-1]["caption"] += data.strip()
