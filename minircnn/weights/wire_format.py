"""The wire format of protocol buffers: numbered fields, one after the other.

A message is a run of fields. Each begins with a tag, number · 8 + type, and the type tells how long the value
is: a number in 7-bit pieces (0), eight bytes (1), a length and so many bytes (2), four bytes (5). What the
bytes mean, text or numbers or another message, only the reader of the field knows. No length is believed
before it was compared with what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from minircnn.arrays import HostArray

MOST_FIELDS = 2_000_000
"""Of a file. The largest networks have some ten thousand."""

Value: TypeAlias = int | memoryview | HostArray
"""A whole number; the bytes behind a length; or numbers of 4 or 8 bytes, their bytes in rows (n, 4 or 8)."""

_BYTES = 2
_FIXED = {1: 8, 5: 4}
_FEW = 64


class WireReader:
    """Reads the messages of one file, which together have at most :data:`MOST_FIELDS` fields."""

    def __init__(self) -> None:
        self.left = MOST_FIELDS

    def fields(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        """Yield number and value of every field of `message`.

        Fields of 4 or 8 bytes that follow each other under one number (repeated numbers that are not packed)
        are one field here.

        Raises
        ------
        ValueError
            If a field is of an unknown type or reaches beyond the message, or there are too many.
        """
        at = 0
        while at < len(message):
            self._count()
            start = at
            tag, at = _whole_number(message, at)
            number, kind = tag >> 3, tag & 7
            value: Value
            if kind == 0:
                value, at = _whole_number(message, at)
            elif kind == _BYTES:
                length, at = _whole_number(message, at)
                _require_left(message, at, length)
                value, at = message[at : at + length], at + length
            elif kind in _FIXED:
                _require_left(message, at, _FIXED[kind])
                value = _repeated(message[start:], at - start, _FIXED[kind])
                at = start + len(value) * (at - start + _FIXED[kind])
            else:
                raise ValueError(f"a field is of the unknown type {kind}")
            yield number, value

    def whole_numbers(self, packed: memoryview) -> list[int]:
        """Return the whole numbers of a packed field; each counts as a field.

        Raises
        ------
        ValueError
            If the last one is cut short, or there are too many.
        """
        numbers, at = [], 0
        while at < len(packed):
            self._count()
            number, at = _whole_number(packed, at)
            numbers.append(number)
        return numbers

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"it has more than {MOST_FIELDS} fields")


def _whole_number(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at `at` in pieces of 7 bits, the lowest first, and where it ends."""
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, at + place + 1
    raise ValueError("it ends within a number, or a number is too long")


def _require_left(message: memoryview, at: int, length: int) -> None:
    if length > len(message) - at:
        raise ValueError(f"a field promises {length} bytes, {len(message) - at} are left")


def _repeated(message: memoryview, tag_size: int, width: int) -> HostArray:
    """Return the values (n, width) of the fields at the beginning of `message` that have its first tag."""
    size = tag_size + width
    rows = np.frombuffer(message, np.uint8, len(message) // size * size).reshape(-1, size)
    tag = rows[0, :tag_size]
    count, more = 0, _FEW
    while True:  # in steps that grow, or many short runs would each look through all that follows
        same = (rows[count : count + more, :tag_size] == tag).all(axis=1)
        found = len(same) if same.all() else int(same.argmin())
        count += found
        if found < more:
            return np.ascontiguousarray(rows[:count, tag_size:])
        more *= 4
