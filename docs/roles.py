"""Show the reStructuredText in docstrings, which Markdown does not know, as what it means."""

import re
from typing import Any

_ROLE = re.compile(r":(?:func|class|meth|attr|mod|data):<code>(~?)([\w.]+)</code>")
_LINK = re.compile(r"<code>([^<]+?)\s*&lt;(https?:[^<]+?)&gt;</code>_+")


def on_page_content(html: str, **_: Any) -> str:
    """Turn roles into code, ``~a.b.c`` into its last part, and named links into links."""
    html = _ROLE.sub(lambda m: f"<code>{m[2].rpartition('.')[2] if m[1] else m[2]}</code>", html)
    return _LINK.sub(r'<a href="\2">\1</a>', html)
