"""Write cupy_api.json: what the installed CuPy offers, by introspection alone (no GPU, no driver needed).

Run:  python record_cupy_api.py > cupy_api.json
"""

import importlib
import inspect
import json
import re
import sys
import warnings

warnings.simplefilter("ignore")
import cupy
import numpy

MODULES = [
    "cupy",
    "cupy.linalg",
    "cupy.fft",
    "cupy.random",
    "cupy.lib.stride_tricks",
    "cupyx",
    "cupy.exceptions",
]


def params(signature):
    return [
        [p.name, p.kind.name, p.default is not inspect.Parameter.empty] for p in signature.parameters.values()
    ]


def from_doc(f):
    """Cython methods carry their signature in the first line of the docstring."""
    first = (f.__doc__ or "").strip().splitlines()[0] if f.__doc__ else ""
    m = re.match(r"^[\w.]+\((.*)\)", first)
    if not m:
        return None
    text = m.group(1)
    text = re.sub(
        r"\b(?:int|Py_ssize_t|_ndarray_base|ndarray|bint|tuple|list|str|dict|object|bytes)\s+(?=\w)", "", text
    )
    try:
        ns = {}
        exec(f"def f({text}): pass", {}, ns)
        return params(inspect.signature(ns["f"]))
    except Exception:
        return None


def describe(name, obj):
    kind = type(obj).__name__
    if kind == "ufunc" and type(obj).__module__.startswith("cupy"):
        return {
            "kind": "ufunc",
            "nin": obj.nin,
            "nout": obj.nout,
            "types": obj.types,
            "casting": re.search(r"casting='(\w+)'", obj.__doc__ or "casting='same_kind'").group(1)
            if "casting=" in (obj.__doc__ or "")
            else "same_kind",
            "internal_name": obj.name,
        }
    if kind == "_GUFunc":
        return {"kind": "gufunc", "signature": obj._signature}
    if isinstance(obj, type):
        return {"kind": "class", "numpy": obj is getattr(numpy, name, None), "module": obj.__module__}
    if inspect.ismodule(obj):
        return {"kind": "module"}
    if callable(obj):
        try:
            p = params(inspect.signature(obj))
        except (ValueError, TypeError):
            p = from_doc(obj)
        return {"kind": "function", "params": p, "numpy": obj is getattr(numpy, name, None)}
    return {"kind": "value", "repr": repr(obj)}


out = {"cupy": cupy.__version__, "numpy": numpy.__version__, "modules": {}, "methods": {}, "attributes": []}
for m in MODULES:
    try:
        mod = importlib.import_module(m)
    except Exception as e:
        out["modules"][m] = {"__error__": str(e)}
        continue
    out["modules"][m] = {n: describe(n, getattr(mod, n)) for n in sorted(dir(mod)) if not n.startswith("_")}
for n in sorted(dir(cupy.ndarray)):
    a = inspect.getattr_static(cupy.ndarray, n)
    if callable(getattr(cupy.ndarray, n)) and type(a).__name__ != "getset_descriptor":
        f = getattr(cupy.ndarray, n)
        try:
            p = params(inspect.signature(f))
        except (ValueError, TypeError):
            p = from_doc(f)
        out["methods"][n] = p
    else:
        out["attributes"].append(n)
json.dump(out, sys.stdout, indent=0, sort_keys=True)
