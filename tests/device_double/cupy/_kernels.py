"""Kernels of one's own: a C++ compiler of this machine compiles their lines, which run for i = 0, 1, 2, ...

That is good for lines whose threads do not speak to each other. An index of a raw array is checked. Without a
C++ compiler the test that needs one is skipped.
"""

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from cupy._api import NotModelled
from cupy._array import SCALARS, ndarray, operand, wrap
from cupy._ledger import ledger

COMPILED = Path(tempfile.gettempdir()) / f"minircnn-kernels-{os.getuid() if hasattr(os, 'getuid') else 0}"
"""Where compiled kernels are kept, by what they were made of."""
HEAD = """
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
using std::min;
using std::pow;
typedef uint8_t uint8;
typedef int32_t int32;
typedef int64_t int64;
template <class T> struct Raw {
    T *values; ptrdiff_t count;
    T &operator[](ptrdiff_t i) const {
        if (i >= 0 && i < count) return values[i];
        std::fprintf(stderr, "a kernel asks for value %td of %td\\n", i, count);
        std::abort();
    }
};
"""
TYPES = {"float32": "float", "float64": "double", "bool": "bool"} | {
    name: name for name in ("uint8", "int32", "int64")
}


class Parameter:
    """Such as ``"raw T x"`` or ``"int32 height"``."""

    def __init__(self, text):
        *flags, self.type, self.name = text.split()
        if flags not in ([], ["raw"]):
            raise NotModelled(f"cupy.ElementwiseKernel: {text}")
        self.raw = bool(flags)


class ElementwiseKernel:
    def __init__(self, in_params, out_params, operation, name="kernel"):
        self.inputs = [Parameter(text) for text in in_params.split(",")]
        self.outputs = [Parameter(text) for text in out_params.split(",")]
        self.operation, self.name = operation, name

    def __call__(self, *args, size=None):
        parameters = self.inputs + self.outputs
        if len(args) != len(parameters):
            raise NotModelled(f"{self.name}: {len(args)} arguments for {len(parameters)}")
        values = [operand(a) for a in args]
        if not all(isinstance(a, ndarray) for a in args[len(self.inputs) :]):
            raise TypeError("Output arguments type must be cupy.ndarray")
        type_of = self._types(parameters, values)
        shape = self._shape(parameters, values, size)
        buffers = [
            _buffer(p, v, type_of[p.type], shape, output=n >= len(self.inputs))
            for n, (p, v) in enumerate(zip(parameters, values, strict=True))
        ]
        count = int(np.prod(shape))
        if count:
            run = _compiled(self._source(parameters, values, type_of))
            sizes = [ctypes.c_int64(b.size) for b in buffers]
            run(ctypes.c_int64(count), *(ctypes.c_void_p(b.ctypes.data) for b in buffers), *sizes)
            ledger.launch(self.name, nbytes=sum(b.nbytes for b in buffers))
        results = [wrap(b) for b in buffers[len(self.inputs) :]]
        return results[0] if len(results) == 1 else tuple(results)

    def _types(self, parameters, values):
        """Which type each name stands for: T is what the arrays have, of one type all."""
        found = {p.type: np.dtype(p.type) for p in parameters if len(p.type) > 1}
        for parameter, value in zip(parameters, values, strict=True):
            if not isinstance(value, np.ndarray):
                continue
            if found.setdefault(parameter.type, value.dtype) != value.dtype:
                raise TypeError(f"Type is mismatched. {parameter.name} {value.dtype} {found[parameter.type]}")
        return found

    def _shape(self, parameters, values, size):
        looped = [
            v.shape
            for p, v in zip(parameters, values, strict=True)
            if isinstance(v, np.ndarray) and not p.raw
        ]
        if size is not None and looped:
            raise ValueError("Specified 'size' can be used only if all of the ndarray are 'raw'.")
        if size is None and not looped:
            raise ValueError("Loop size is undecided.")
        return (size,) if size is not None else np.broadcast_shapes(*looped)

    def _source(self, parameters, values, type_of):
        arguments, named = [], []
        for n, (parameter, value) in enumerate(zip(parameters, values, strict=True)):
            kind = TYPES[str(type_of[parameter.type])]
            arguments.append(f"{kind} *p{n}")
            constant = "const " if n < len(self.inputs) else ""
            if parameter.raw:
                named.append(f"Raw<{constant}{kind}> {parameter.name} = {{p{n}, n{n}}};")
            elif isinstance(value, np.ndarray):
                named.append(f"{constant}{kind} &{parameter.name} = p{n}[i];")
            else:
                named.append(f"const {kind} {parameter.name} = *p{n};")
        arguments += [f"int64 n{n}" for n in range(len(parameters))]
        lines = "\n".join([*named, self.operation])
        types = f"typedef {TYPES[str(type_of['T'])]} T;\n" if "T" in type_of else ""
        return (
            f'{HEAD}{types}extern "C" void run(int64 count, {", ".join(arguments)}) {{\n'
            f"for (ptrdiff_t i = 0; i < count; ++i) {{\n{lines};\n}}\n}}\n"
        )


def _buffer(parameter, value, dtype, shape, output):
    """Return the memory that a compiled kernel is handed."""
    if isinstance(value, SCALARS):
        return np.array([value], dtype)
    if not parameter.raw and value.shape != shape:
        if output:
            raise ValueError("Out shape is mismatched")
        value = np.broadcast_to(value, shape)
    if output and not value.flags.c_contiguous:
        raise NotModelled("an output of a kernel that is not contiguous")
    return np.ascontiguousarray(value)


@functools.cache
def _compiled(source):
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler, which runs kernels in the place of a GPU")
    COMPILED.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and COMPILED.stat().st_uid != os.getuid():
        raise PermissionError(f"{COMPILED} belongs to somebody else, whose code would run")
    library = COMPILED / f"{hashlib.sha256(source.encode()).hexdigest()[:24]}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=COMPILED) as folder:
            text, result = Path(folder) / "kernel.cpp", Path(folder) / "kernel.so"
            text.write_text(source)
            command = [compiler, "-O2", "-std=c++17", "-shared", "-fPIC", "-o", result, text]
            made = subprocess.run(command, capture_output=True, text=True)
            if made.returncode:
                raise RuntimeError(f"a kernel does not compile:\n{made.stderr[:3000]}\n{source}")
            result.replace(library)
    run = ctypes.CDLL(str(library)).run
    run.restype = None
    return run
