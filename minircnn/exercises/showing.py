"""Values as a student reads them: short, and as Python that can be pasted."""

from __future__ import annotations

import reprlib
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

WIDTH = 88
"""Characters of a line."""

MOST_SHOWN = 64
"""Arrays and lists of more entries are shown by their shape."""

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 400


def as_code(value: Any) -> str:
    """Return `value` as Python code: arrays as ``np.array(...)``, numbers without needless digits."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return as_code(value.item())
    if isinstance(value, float):
        return repr(round(value, 6)) if 1e-3 <= abs(value) < 1e6 else repr(value)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"({', '.join(as_code(part) for part in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, list) and len(value) <= MOST_SHOWN:
        return f"[{', '.join(as_code(part) for part in value)}]"
    return f"<{kind_of(value)}>" if isinstance(value, list) else _SHORT.repr(value)


def as_call(function: str, arguments: tuple[Any, ...], names: Sequence[str]) -> str:
    """Return the call of `function` as Python; of more than two arguments each has a line with its name."""
    words = [_exact(value) for value in arguments]
    line = f"{function}({', '.join(words)})"
    if len(line) <= WIDTH and "\n" not in line and len(words) <= 2:
        return line
    rows = [_argument(word, name) for word, name in zip(words, names, strict=True)]
    return "\n".join([f"{function}(", *rows, ")"])


def _argument(words: str, name: str) -> str:
    first, *rest = words.split("\n")
    lines = [f"{first}  # {name}" if rest else f"{first},  # {name}", *rest]
    return textwrap.indent("\n".join(lines) + ("," if rest else ""), "    ")


def kind_of(value: Any) -> str:
    """Return what `value` is, in words: "an array (2, 3) of float64"."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {value.dtype}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _exact(value: Any) -> str:
    """Return code that makes the same numbers again."""
    if isinstance(value, np.ndarray):
        return _array(value, exact=True)
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        begin, end = "[]" if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        words = [_exact(entry) for entry in value]
        records = all(hasattr(entry, "_fields") for entry in value)
        between = ",\n " if records and sum(map(len, words)) > WIDTH else ", "
        return f"{begin}{between.join(words)}{end}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _array(value: np.ndarray[Any, Any], *, exact: bool = False) -> str:
    if value.size > MOST_SHOWN and not exact:
        return f"<{kind_of(value)}>"
    if value.size == 0:
        return f"np.zeros({value.shape}{'' if value.dtype == float else f', dtype={value.dtype}'})"
    shown = value if exact or value.dtype.kind != "f" else value.round(6)
    code = np.array2string(
        shown, separator=", ", threshold=value.size + 1, max_line_width=WIDTH, prefix="np.array(",
        floatmode="unique",
    )  # fmt: skip
    line = " ".join(code.split())
    if len(line) > WIDTH:
        line = "\n".join(row for row in code.splitlines() if row.strip())
    return f"np.array({line})"
