from numpy.linalg import LinAlgError as LinAlgError

from cupy._api import missing, names
from cupy._products import matmul as matmul

__all__ = sorted(names("cupy.linalg") - {"annotations"})


def __getattr__(name):
    return missing("cupy.linalg", name)
