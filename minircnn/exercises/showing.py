"""Values as a student reads them: short, and as Python that can be pasted."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

MOST_SHOWN = 64
"""Arrays of more numbers are shown by their shape."""


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
    if isinstance(value, list):
        return f"[{', '.join(as_code(part) for part in value)}]"
    return repr(value) if len(repr(value)) < 2000 else reprlib.repr(value)


def as_call(function: str, arguments: tuple[Any, ...]) -> str:
    """Return the call of `function` as Python code, an argument a line if it is long."""
    words = [_exact(value) for value in arguments]
    line = f"{function}({', '.join(words)})"
    if len(line) <= 90 and "\n" not in line:
        return line
    inner = ",\n".join(words).replace("\n", "\n    ")
    return f"{function}(\n    {inner},\n)"


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
        return f"{begin}{', '.join(map(_exact, value))}{end}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _array(value: np.ndarray[Any, Any], *, exact: bool = False) -> str:
    if value.size > MOST_SHOWN and not exact:
        return f"<{kind_of(value)}>"
    if value.size == 0:
        return f"np.zeros({value.shape}{'' if value.dtype == float else f', dtype={value.dtype}'})"
    inner = np.array2string(
        value if exact or value.dtype.kind != "f" else value.round(6),
        separator=", ", threshold=value.size + 1, max_line_width=90, prefix="np.array(", floatmode="unique",
    )  # fmt: skip
    return f"np.array({inner})"
