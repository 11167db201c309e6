"""What CuPy offers, recorded from the real library: names, signatures, types of the ufuncs' loops."""

import functools
import inspect
import json
from pathlib import Path

API = json.loads((Path(__file__).parent / "api.json").read_text())
"""Written by ``record_cupy_api.py``."""


class NotModelled(NotImplementedError):
    """CuPy has this and the double does not: a gap of the double, not of the code under test."""


@functools.cache
def names(module):
    """The public names of a module of CuPy, or of its array."""
    return frozenset(API["names"][module].split())


@functools.cache
def signature(name):
    """The signature of ``"cupy.sum"`` or ``"cupy.ndarray.sum"``: which arguments CuPy takes."""
    return inspect.signature(eval(f"lambda {API['signatures'][name]}: None"))


def bind(name, args, kwargs):
    """Bind arguments as CuPy's function of that name would, or raise what it raises."""
    try:
        return signature(name).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}{signature(name)}: {error}") from None


def missing(module, name):
    """What a module answers for a name that it does not define."""
    if name not in names(module):
        raise AttributeError(f"CuPy {API['cupy']} has no {module}.{name}")
    return absent(f"{module}.{name}")


def absent(name):
    """A function of CuPy that says at its call that the double has none."""

    def refuse(*args, **kwargs):
        raise NotModelled(name)

    refuse.__name__ = name.rpartition(".")[2]
    return refuse
