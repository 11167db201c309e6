import numpy as _np
from ._core import API, NotModelled
from numpy.linalg import LinAlgError


def _absent(name):
    def function(*a, **k):
        raise NotModelled(f"cupy.linalg.{name}")

    return function


for _n in API["modules"]["cupy.linalg"]:
    if _n not in ("LinAlgError", "annotations"):
        globals()[_n] = _absent(_n)
__all__ = [n for n in API["modules"]["cupy.linalg"] if n != "annotations"]
