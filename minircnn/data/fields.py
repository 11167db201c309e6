"""One reader for each type of field, the same for VOC's XML and COCO's JSON.

What has one meaning only is read, in whatever type a tool wrote it: ``480``, ``480.0`` and ``"480"`` are the
same height, ``0``, ``false`` and ``"0"`` the same flag. Everything else raises :class:`FieldError`, which
says what stands there.
"""

from __future__ import annotations

import math
import re
import reprlib
import unicodedata
from typing import Any, Final

from minircnn.data.problems import Box

MISSING: Final = object()
"""What is read where there is no such field."""

Identity = int | str

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_FLAGS = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}
_NOT_SAID = ("", "unspecified")  # what labelImg and others write for a flag that nobody set
_EXACT = 2**53  # whole numbers beyond are not kept by floating point
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 40
_JSON_WORDS = {None: "null", True: "true", False: "false"}


class FieldError(ValueError):
    """A field cannot be used; the message names the field and what stands there."""


def shown(value: Any) -> str:
    """Return `value` as an error message quotes it: shortened, in JSON's words."""
    if value is None or isinstance(value, bool):
        return _JSON_WORDS[value]
    return _SHORT.repr(value)


def _refuse(value: Any, field: str, wanted: str) -> FieldError:
    if value is MISSING:
        return FieldError(f"there is no {field}")
    return FieldError(f"{field} is {shown(value)}, not {wanted}")


def number(value: Any, field: str) -> float:
    """Return a number, which may be NaN or infinite: what that means depends on the field."""
    if type(value) is float:  # nearly all are
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # JSON has whole numbers of any length
            return math.inf if value > 0 else -math.inf
    raise _refuse(value, field, "a number")


def whole(value: Any, field: str) -> int:
    """Return a whole number."""
    found = number(value, field)
    if not found.is_integer():
        raise _refuse(value, field, "a whole number")
    return value if isinstance(value, int) else int(found)


def pixels(value: Any, field: str) -> int | None:
    """Return a side of a photo; None where it is missing, 0 or -1, as tools write that do not know it."""
    if value is MISSING or value is None or value == "":
        return None
    found = whole(value, field)
    if found < -1:
        raise _refuse(value, field, "a number of pixels")
    return found if found > 0 else None


def area(value: Any, field: str = "area") -> float | None:
    """Return an area in square pixels, None where there is none."""
    if value is MISSING or value is None:
        return None
    found = number(value, field)
    if not (math.isfinite(found) and found >= 0):
        raise _refuse(value, field, "an area in pixels")
    return found


def flag(value: Any, field: str) -> bool:
    """Return a yes or no; no where it is missing."""
    if value is MISSING or value is None:
        return False
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _FLAGS or word in _NOT_SAID:
            return _FLAGS.get(word, False)
    raise _refuse(value, field, "0 or 1")


def text(value: Any, field: str) -> str:
    """Return a name, without the blanks around it."""
    if isinstance(value, str) and value.strip():
        # control characters, and halves of characters ("\ud800" alone), which no file can be written with
        if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value.strip()):
            raise _refuse(value, field, "plain text")
        return value.strip()
    raise _refuse(value, field, "a name")


def class_name(value: Any, field: str = "name") -> str:
    """Return the name of a class; classes that are numbers (digits) are named by them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value, field)


def identity(value: Any, field: str) -> Identity:
    """Return an id by which two fields can be compared: 1, 1.0 and ``"1"`` are one, ``"01"`` is another."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, str) and value.strip():
        word = text(value, field)
        return int(word) if re.fullmatch(r"0|-?[1-9]\d{0,18}", word, re.ASCII) else word
    raise _refuse(value, field, "a number or a text")


def box(value: Any, field: str = "bbox") -> Box:
    """Return four numbers."""
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise _refuse(value, field, "[x, y, width, height]")
    x, y, width, height = value
    if not type(x) is type(y) is type(width) is type(height) is float:  # else there is nothing to convert
        x, y, width, height = (number(part, f"{field}[{place}]") for place, part in enumerate(value))
    return x, y, width, height
