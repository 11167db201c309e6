"""Move the pictures that executed blocks put into a page into files beside it, and link each to its file.

A hook of the site's build. Without it the pages show the same pictures, only carried in their own HTML.
"""

import base64
import hashlib
import posixpath
import re
from pathlib import Path
from typing import Any

_FOLDER = "assets/pictures"
_EMBEDDED = re.compile(r'<img src="data:image/(png|svg\+xml);base64,([A-Za-z0-9+/=]+)"([^>]*)>')


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Write each embedded picture under the hash of its content; a click or tap opens it at full size."""
    start = posixpath.dirname(page.url) or "."

    def moved(match: re.Match[str]) -> str:
        data = base64.b64decode(match[2])
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{match[1].partition('+')[0]}"
        path = Path(config.site_dir, _FOLDER, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        url = posixpath.relpath(f"{_FOLDER}/{name}", start)
        return f'<a class="enlarge" href="{url}"><img src="{url}"{match[3]}></a>'

    return _EMBEDDED.sub(moved, output)
