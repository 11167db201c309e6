"""A stand-in for CuPy on machines without a GPU: ``README.md`` in the folder above tells what it models.

The names are CuPy's own, recorded: what the double lacks raises `NotModelled` when it is called, what CuPy
lacks is an AttributeError.
"""

# ruff: noqa: F401, F403  (what is imported here is what the package offers)
import numpy as _np

from cupy import _functions, _indexing, _reductions, cuda, exceptions, fft, lib, linalg, random
from cupy._api import API as _API
from cupy._api import missing as _missing
from cupy._api import names as _names
from cupy._array import ndarray
from cupy._creation import *
from cupy._functions import *
from cupy._kernels import ElementwiseKernel
from cupy._products import *
from cupy._reductions import *
from cupy._ufuncs import UFUNCS as _UFUNCS
from cupy._ufuncs import ufunc

__version__ = f"{_API['cupy']}+double"
__all__ = sorted(_names("cupy"))

globals().update({name: getattr(_np, name) for name in _API["numpys"].split()})
globals().update(_UFUNCS | _functions.FUNCTIONS | _reductions.FUNCTIONS)


def get_default_memory_pool():
    return cuda.MemoryPool()


def is_available():
    return True


def __getattr__(name):
    return _missing("cupy", name)
