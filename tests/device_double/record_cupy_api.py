"""Write down what the installed CuPy offers: names, signatures, types of the ufuncs' loops.

CuPy tells all of it without a GPU and without a driver::

    python record_cupy_api.py          # writes cupy/api.json beside this file
"""

import importlib
import inspect
import json
import re
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path = [folder for folder in sys.path if Path(folder).resolve() != HERE]  # CuPy, not the double of it

import cupy  # noqa: E402
import numpy  # noqa: E402

MODULES = [
    "cupy", "cupy.cuda", "cupy.exceptions", "cupy.fft", "cupy.lib.stride_tricks", "cupy.linalg",
    "cupy.random", "cupyx",
]  # fmt: skip


def main():
    modules = {name: importlib.import_module(name) for name in MODULES}
    names = {name: [n for n in dir(module) if not n.startswith("_")] for name, module in modules.items()}
    names["cupy.ndarray"] = dir(cupy.ndarray)
    own = [name for name in names["cupy"] if getattr(cupy, name) is not getattr(numpy, name, None)]
    functions = {f"cupy.{name}": getattr(cupy, name) for name in own if is_function(getattr(cupy, name))}
    methods = [name for name in names["cupy.ndarray"] if not name.startswith("_")]
    functions |= {f"cupy.ndarray.{name}": getattr(cupy.ndarray, name) for name in methods}
    signatures = {name: parameters(function) for name, function in functions.items() if callable(function)}
    api = {
        "cupy": cupy.__version__,
        "numpy": numpy.__version__,
        "names": {name: " ".join(sorted(found)) for name, found in names.items()},
        "numpys": " ".join(sorted(set(names["cupy"]) - set(own))),
        "signatures": {name: text for name, text in sorted(signatures.items()) if text is not None},
        "ufuncs": ufuncs(names["cupy"]),
    }
    (HERE / "cupy" / "api.json").write_text(json.dumps(api, indent=1) + "\n")


def is_function(value):
    """Tell functions from classes, ufuncs and everything else."""
    return callable(value) and not isinstance(value, type | cupy.ufunc)


def parameters(function):
    """The parameters as one would write them after ``lambda``; None where CuPy does not tell."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return from_docstring(function)
    return text_of(found)


def text_of(found):
    """Without annotations; a default that is no plain value becomes None."""
    plain = (bool, int, float, str, type(None))
    bare = [
        p.replace(
            annotation=p.empty,
            default=p.default if p.default is p.empty or isinstance(p.default, plain) else None,
        )
        for p in found
    ]
    return str(inspect.Signature(bare))[1:-1]


def from_docstring(function):
    """Compiled methods carry their signature in the first line of the docstring, with types of C."""
    first = (function.__doc__ or "").strip().partition("\n")[0]
    written = re.match(r"[\w.]+\((.*)\)", first)
    if written is None:
        return None
    untyped = re.sub(r"\b(?:int|Py_ssize_t|_ndarray_base|bint|str)\s+(?=\w)", "", written.group(1))
    try:
        return text_of(inspect.signature(eval(f"lambda {untyped}: None")).parameters.values())
    except SyntaxError:
        return None


def ufuncs(names):
    """``{name inside CuPy: {"names": its public names, "loops": their types}}``."""
    found = {}
    for name in names:
        value = getattr(cupy, name)
        if isinstance(value, cupy.ufunc):
            entry = found.setdefault(value.name, {"names": [], "loops": " ".join(value.types)})
            entry["names"].append(name)
    return {name: entry | {"names": " ".join(entry["names"])} for name, entry in sorted(found.items())}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
