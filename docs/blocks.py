"""The blocks of code of a page, with what their fences say is done with them."""

import re
import textwrap
from typing import NamedTuple

FENCE = re.compile(r"^( *)(`{3,}|~{3,})(\w*)(.*)\n((?:.*\n)*?)\1\2[ ]*$", re.MULTILINE)
_OPTION = re.compile(r'(\w+)="([^"]*)"')


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int  # of its first line of code, from 1
    language: str
    options: dict[str, str]
    code: str

    @property
    def is_executed(self) -> bool:
        """Whether markdown-exec runs it when the page is built."""
        return self.options.get("exec", "no") not in ("no", "off", "false", "0", "")


def block_of(match: re.Match[str], first_line: int = 1) -> Block:
    """Return what a match of ``FENCE`` holds, in a text that begins at `first_line` of its page."""
    line = first_line + match.string.count("\n", 0, match.start(5))
    return Block(line, match[3], dict(_OPTION.findall(match[4])), textwrap.dedent(match[5]))


def blocks_of(text: str) -> list[Block]:
    """Return all blocks of a page, also those in lists and folds."""
    return [block_of(match) for match in FENCE.finditer(text)]
