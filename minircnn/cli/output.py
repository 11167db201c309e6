"""What the commands print: JSON for scripts, aligned tables for people, notes on standard error."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

typed: ContextVar[tuple[str, ...]] = ContextVar("minircnn_typed", default=())
"""The words of this call, without the command's own name."""


def how_to_go_on() -> str:
    """Return the call that continues this one where it stopped, as it would be typed in a shell."""
    return f"go on with: {this_call('--resume')}"


def this_call(*options: str) -> str:
    """Return this call as it would be typed in a shell, with these options in the place of those like them.

    ``--resume`` and ``--overwrite`` exclude each other; ``--min-score=0.3`` stands for any other score.
    """
    names = {"--resume", "--overwrite", *(option.partition("=")[0] for option in options)}
    words: list[str] = []
    valued = False  # the word before was an option whose value follows
    for word in typed.get():
        name, equals, _ = word.partition("=")
        if not valued and name not in names:
            words.append(word)
        valued = not valued and name in names and not equals and name not in ("--resume", "--overwrite")
    # not at the end: a "--" may stand before
    return shlex.join(["minircnn", *words[:1], *options, *words[1:]])


def print_json(payload: Any) -> None:
    """Print `payload` as JSON on standard output; NaN and infinities become null, which JSON lacks."""
    print(json.dumps(_plain(payload), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    """Return `value` built of dict, list, str, int, float, bool and None alone."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def note(text: str) -> None:
    """Say something on standard error, which is for people even where the result is JSON."""
    print(visible(text, keep="\n"), file=sys.stderr)


def visible(text: str, *, keep: str = "") -> str:
    """Return `text` with control characters written out: names of files may hold line ends and worse."""
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out a table in plain text: words to the left, numbers to the right, None as a dash."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(header), *cells]) for i in range(len(header))]
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(header))]
    lines = []
    for line in [list(header), ["-" * width for width in widths], *cells]:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    return (
        f"{value:,}"
        if isinstance(value, int | np.integer) and not isinstance(value, bool)
        else visible(str(value))
    )
