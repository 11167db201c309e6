"""The pickles in PyTorch's files, followed one instruction at a time.

A pickle is a program for a small machine with a stack. Python's own machine calls any function that a
pickle names, sets attributes and hashes whatever it is told to, which a file can abuse without end. This one
knows the instructions that dictionaries of tensors consist of, and builds nothing but lists, tuples,
dictionaries with plain keys, and :class:`Tensor`.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from minircnn.arrays import HostArray

DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # the upper half of a float32
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}

MOST_INSTRUCTIONS = 2_000_000
"""A tensor takes about fifty, so this is enough for 40,000."""

_LARGEST_KEY = 1 << 32  # numbers that are keys; of larger ones many can have one hash

_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_WITH_ARGUMENT = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass
class Storage:
    """A run of raw numbers, filled once the file has been read that far."""

    kind: str
    values: HostArray | None = None

    def fill(self, raw: bytes | memoryview) -> None:
        """Take the numbers from the bytes that hold them."""
        values = np.frombuffer(raw, DTYPES[self.kind])
        if self.kind == "BFloat16Storage":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        self.values = values


@dataclass
class Tensor:
    """A view of a storage: where it starts, its shape and its strides, in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> HostArray:
        """Return the numbers, a read-only view of the storage's."""
        values = self.storage.values
        if values is None:
            raise ValueError("a tensor refers to numbers that are not in the file")
        if min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError("a tensor reaches beyond its numbers")
        if 0 in self.shape:
            return np.zeros(self.shape, values.dtype)
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if last >= len(values) or math.prod(self.shape) > len(values):
            raise ValueError("a tensor reaches beyond its numbers")
        return np.lib.stride_tricks.as_strided(
            values[self.offset :], self.shape, [s * values.itemsize for s in self.strides], writeable=False
        )


class _Name(str):
    """What may be called: a dictionary, or a tensor made of a storage."""


def load_pickle(file: IO[bytes], storage: Callable[[str, str, int], Storage]) -> Any:
    """Return what the pickle at the beginning of `file` builds; the file is read up to its end.

    Parameters
    ----------
    file : binary file
        In memory, so that an instruction cannot ask for more than there is.
    storage : callable
        Returns the storage of a kind, a name and a number of elements.

    Raises
    ------
    ValueError
        If it is no pickle, or asks for anything that weights do not need.
    """
    return _Machine(storage).run(file)


class _Machine:
    """The stack, the marks in it, and what was put aside."""

    def __init__(self, storage: Callable[[str, str, int], Storage]) -> None:
        self.storage = storage
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: IO[bytes]) -> Any:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if number > MOST_INSTRUCTIONS:
                raise ValueError(f"its pickle has more than {MOST_INSTRUCTIONS} instructions")
            try:
                self.step(opcode.name, argument)
            except (IndexError, KeyError) as error:
                raise ValueError(f"its pickle is damaged at instruction {number}, {opcode.name}") from error
        return self.stack.pop()

    def step(self, name: str, argument: Any) -> None:
        """Follow one instruction."""
        stack = self.stack
        if name in _WITH_ARGUMENT:
            stack.append(argument)
        elif name in _VALUES:
            stack.append(_VALUES[name])
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if argument is None else argument] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name == "BINPERSID":
            stack.append(self.find_storage(*_expect(stack.pop(), tuple)))
        elif name == "BUILD":  # PyTorch's dictionaries carry version numbers of layers
            stack.pop()
            _expect(stack[-1], dict)
        elif name not in ("PROTO", "FRAME", "STOP"):
            self.combine(name, argument)

    def combine(self, name: str, argument: Any) -> None:
        """Follow an instruction that makes one value of several; raise ValueError at any other."""
        stack = self.stack
        if name in _TUPLES:
            stack.append(tuple(self.pop(_TUPLES[name])))
        elif name in ("TUPLE", "LIST", "DICT"):
            self.make(name, self.pop_to_mark())
        elif name in ("APPEND", "APPENDS"):
            items = self.pop(1) if name == "APPEND" else self.pop_to_mark()
            _expect(stack[-1], list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self.pop(2) if name == "SETITEM" else self.pop_to_mark()
            _set(_expect(stack[-1], dict), items)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            module, called = argument.split(" ", 1) if name == "GLOBAL" else self.pop(2)
            stack.append(_named(_expect(module, str), _expect(called, str)))
        elif name == "REDUCE":
            function, arguments = self.pop(2)
            stack.append(_call(_expect(function, _Name), _expect(arguments, tuple)))
        else:
            raise ValueError(f"the file uses the instruction {name}, which no weights need; not run")

    def make(self, name: str, items: list[Any]) -> None:
        """Put a tuple, list or dictionary of `items` on the stack."""
        made: Any = {} if name == "DICT" else tuple(items) if name == "TUPLE" else items
        if name == "DICT":
            _set(made, items)
        self.stack.append(made)

    def pop(self, count: int) -> list[Any]:
        """Take the last `count` values off the stack, not beyond the last mark."""
        if len(self.stack) - count < (self.marks[-1] if self.marks else 0):
            raise IndexError
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def pop_to_mark(self) -> list[Any]:
        """Take the values since the last mark off the stack."""
        return self.pop(len(self.stack) - start) if (start := self.marks.pop()) < len(self.stack) else []

    def find_storage(self, *reference: Any) -> Storage:
        """Return the storage that (word, kind, name, device, number of elements, ...) refers to."""
        if len(reference) not in (5, 6) or reference[0] != "storage" or reference[5:] not in ((), (None,)):
            raise ValueError("an unknown kind of reference to numbers")
        _, kind, key, _, count = reference[:5]
        if _expect(kind, str) not in DTYPES:
            raise ValueError(f"numbers of the unknown kind {kind}")
        return self.storage(str(kind), _expect(key, str), _expect(count, int))


def _expect(value: Any, kind: type) -> Any:
    """Return `value`; raise ValueError unless it is of `kind`."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"its pickle has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _set(target: dict[Any, Any], items: list[Any]) -> None:
    """Add keys and values, one after the other, to `target`."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str) and not (isinstance(key, int) and abs(key) < _LARGEST_KEY):
            raise ValueError(f"a dictionary has a {type(key).__name__} as a key")
        if key in target:
            raise ValueError(f"a dictionary has the key {str(key)[:80]!r} twice")
        target[key] = value


def _named(module: str, name: str) -> str:
    """Return what stands for a function or class that the file names."""
    if (module, name) in (
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_parameter"),
    ):
        return _Name(name)
    if module in ("torch", "torch.storage") and name in DTYPES:
        return name
    raise ValueError(f"the file asks for {module[:80]}.{name[:80]}, which no weights need; not run")


def _call(function: _Name, arguments: tuple[Any, ...]) -> Any:
    """Return what calling `function` would make."""
    if function == "OrderedDict":
        if arguments not in ((), ([],)):
            raise ValueError("its pickle makes a dictionary in an unknown way")
        return {}
    if function == "_rebuild_parameter":
        return _expect(arguments[0], Tensor)
    storage, offset, shape, strides = arguments[:4]
    for sizes in (shape, strides):
        for size in _expect(sizes, tuple):
            _expect(size, int)
    if len(shape) != len(strides):
        raise ValueError("a tensor has another number of strides than of axes")
    return Tensor(_expect(storage, Storage), _expect(offset, int), shape, strides)
