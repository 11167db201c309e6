"""Matrix products: cuBLAS, with copies of operands and results whose layout it cannot take.

With the environment variable ``FAKECUPY_NOGEMM=1`` products are zeros but for those of a few numbers:
launches and waits of a large network are then counted in seconds.
"""

import os

import numpy as np

from cupy._api import NotModelled
from cupy._array import method, ndarray, quiet, unwrap, wrap
from cupy._ledger import ledger

__all__ = ["matmul"]

COUNT_ONLY = os.environ.get("FAKECUPY_NOGEMM", "0") != "0"
_FEW = 100


def matmul(a, b, /, out=None, **others):
    if others:
        raise NotModelled(f"cupy.matmul({', '.join(others)})")
    x, y = unwrap(a), unwrap(b)
    if out is not None and not isinstance(out, ndarray):
        raise TypeError("`out` must be a tuple or `cupy.ndarray`")
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError("Scalar operands are not allowed, use '*' instead")
    product = _zeros(x, y) if COUNT_ONLY and x.size + y.size > _FEW else _product(x, y)
    for values in (x, y):
        if not _taken_as_it_lies(values, batched=max(x.ndim, y.ndim) > 2):
            ledger.launch("matmul: operand copied", nbytes=2 * values.nbytes)
    if product.dtype.kind not in "fc":
        ledger.launch("matmul: integer kernel")
    flops = 2 * product.size * x.shape[-1]
    ledger.launch("matmul", nbytes=x.nbytes + y.nbytes + product.nbytes, flops=flops)
    return wrap(product) if out is None else _into(out, product)


def _product(x, y):
    with quiet():
        return np.asarray(np.matmul(x, y), order="C")


def _zeros(x, y):
    """Zeros of the product's shape; NumPy finds it, and what does not fit, on arrays without memory."""
    ghosts = (np.broadcast_to(np.zeros((), v.dtype), v.shape) for v in (x, y))
    if min(x.ndim, y.ndim) < 2:
        return np.asarray(np.matmul(*ghosts))
    if x.shape[-1] != y.shape[-2]:
        raise ValueError(f"matmul: {x.shape} and {y.shape} do not fit")
    shape = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return np.zeros((*shape, x.shape[-2], y.shape[-1]), np.result_type(x, y))


def _taken_as_it_lies(values, batched):
    """BLAS takes a matrix by rows or by columns, a batch of matrices only in C order."""
    if batched:
        return values.flags.c_contiguous
    return values.ndim != 2 or values.flags.forc


def _into(out, product):
    if out.shape != product.shape:
        raise ValueError(f"Output operand 0 has invalid shape {out.shape} expected {product.shape}")
    if not np.can_cast(product.dtype, out.dtype, "same_kind"):
        raise TypeError(f"cannot cast the product from {product.dtype} to {out.dtype}")
    if not out.flags.c_contiguous or out.dtype != product.dtype:
        ledger.launch("matmul: result copied to out", nbytes=2 * out.nbytes)
    out._values[...] = product
    return out


@method
def __matmul__(self, other):
    return matmul(self, other) if isinstance(other, ndarray) else np.matmul(self, other)


@method
def __rmatmul__(self, other):
    return np.matmul(other, self)
