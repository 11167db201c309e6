"""What the site's search finds first: the walkthroughs, before the reference. A hook of the site's build."""

from typing import Any

_BOOSTS = {"walkthroughs/": 5, "reference/": 0.2, "speed.md": 0.2, "slides.md": 0.2}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Weigh a page by its folder, unless its front matter says ``search: {boost: ...}`` itself."""
    for start, boost in _BOOSTS.items():
        if page.file.src_uri.startswith(start):
            page.meta["search"] = {"boost": boost, **page.meta.get("search", {})}
    return markdown
