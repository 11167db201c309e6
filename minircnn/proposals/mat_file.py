"""MATLAB's files of versions 5 to 7: numbers, text and cells of them, which is what files of boxes hold.

A file is a row of elements, each a type, a length and so many bytes; a matrix is an element of elements.
Every length is held against what is there. (SciPy's reader trusts some: one wrong byte can end the process.)
The layout is that of MathWorks' "MAT-File Format", chapter 1.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import TypeAlias

import numpy as np

from minircnn.array_files import FREE_EXPANSION, MOST_EXPANSION
from minircnn.arrays import HostArray
from minircnn.files import read_bytes

Variable: TypeAlias = HostArray | str | list["Variable"] | None
"""Numbers, a line of text, the contents of cells in MATLAB's order, or None for anything else."""

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "utf-8", 2: "utf-8", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR = 1, 4
_CLASSES = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), start=6))
_COMPLEX = 0x800
_DEEPEST = 16  # cells in cells
_EMPTY = np.zeros((0, 0))  # what an element without a byte stands for


def read_mat(path: Path, names: tuple[str, ...]) -> dict[str, Variable]:
    """Return those of the variables `names` that the file holds.

    Raises
    ------
    ValueError
        If it is no such file, or its lengths contradict each other.
    OSError
        If it cannot be read or is no file.
    """
    payload = read_bytes(path)
    if payload.startswith(b"MATLAB 7.3"):
        raise ValueError("is a MATLAB 7.3 file; save it with the option -v7")
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(payload[124:128])
    if order is None:
        raise ValueError("does not begin like a MATLAB file of version 5 to 7")
    most = max(FREE_EXPANSION, MOST_EXPANSION * len(payload))
    elements = _Elements(memoryview(payload)[128:], order)
    found: dict[str, Variable] = {}
    while elements.left:
        kind, data = elements.next()
        if kind == _COMPRESSED:
            kind, data = _Elements(_decompressed(data, most), order).next()
            most -= len(data)
        if kind == _MATRIX and len(data):
            name, value = _Matrix(data, order).variable(names)
            if name in found:
                raise ValueError(f"the variable {name!r} is there twice")
            if name in names:
                found[name] = value
    return found


def _decompressed(data: memoryview, most: int) -> memoryview:
    machine = zlib.decompressobj()
    plain = machine.decompress(data, most)
    if machine.unconsumed_tail:
        raise ValueError("would unpack to a size out of all proportion")
    if not machine.eof:
        raise ValueError("is cut short")
    return memoryview(plain)


class _Elements:
    """Elements one after the other."""

    def __init__(self, data: memoryview, order: str) -> None:
        self.data, self.order, self.place = data, order, 0

    @property
    def left(self) -> bool:
        return self.place < len(self.data)

    def next(self) -> tuple[int, memoryview]:
        """Return the type and the bytes of the next element."""
        if len(self.data) - self.place < 8:
            raise ValueError("is cut short")
        kind, length = struct.unpack_from(f"{self.order}II", self.data, self.place)
        start = self.place + 8
        if small := kind >> 16:  # up to four bytes share the eight of the tag
            kind, length, start = kind & 0xFFFF, small, self.place + 4
        if length > (4 if small else len(self.data) - start):
            raise ValueError(f"promises {length} bytes of an element, more than there are")
        end = start + length
        self.place = end if kind == _COMPRESSED else -(-end // 8) * 8
        return kind, self.data[start:end]


class _Matrix:
    """The elements of one matrix: class, dimensions, name, contents."""

    def __init__(self, data: memoryview, order: str, depth: int = 0) -> None:
        self.elements, self.order, self.depth = _Elements(data, order), order, depth
        if depth > _DEEPEST:
            raise ValueError("has cells in cells without end")

    def variable(self, wanted: tuple[str, ...] | None = None) -> tuple[str, Variable]:
        """Return the name and the value, None for a name that is not wanted."""
        flags, shape = self.numbers(), self.numbers()
        name = bytes(self.elements.next()[1]).decode("latin-1")
        if not len(flags) or len(shape) < 2 or shape.min() < 0:
            raise ValueError("has a matrix without a class or a size")
        if wanted is not None and name not in wanted:
            return name, None
        return name, self.value(int(flags[0]), [int(n) for n in shape])

    def value(self, flags: int, shape: list[int]) -> Variable:
        kind, count = flags & 0xFF, math.prod(shape)
        if kind == _CELL:
            return [self.cell() for _ in range(count)]  # ends with the bytes, however large the count
        if kind == _CHAR and shape[:-1] in ([1], [0]):
            return self.text()
        if kind not in _CLASSES or flags & _COMPLEX:
            return None
        values = self.numbers()
        if len(values) != count:
            raise ValueError(f"has {len(values)} numbers in a matrix of {count}")
        return values.astype(_CLASSES[kind]).reshape(shape, order="F")

    def cell(self) -> Variable:
        kind, data = self.elements.next()
        if kind != _MATRIX:
            raise ValueError("has a cell that is no matrix")
        return _Matrix(data, self.order, self.depth + 1).variable()[1] if len(data) else _EMPTY

    def numbers(self) -> HostArray:
        kind, data = self.elements.next()
        if kind not in _NUMBERS:
            raise ValueError(f"has elements of type {kind} where numbers belong")
        return np.frombuffer(data, f"{self.order}{_NUMBERS[kind]}")

    def text(self) -> str:
        kind, data = self.elements.next()
        if kind not in _TEXTS:
            raise ValueError(f"has elements of type {kind} where text belongs")
        order = "" if _TEXTS[kind] == "utf-8" else {"<": "-le", ">": "-be"}[self.order]
        return bytes(data).decode(_TEXTS[kind] + order)
