"""Is the double true to CuPy? Evaluate the same expressions and write what came out.

PYTHONPATH=site python conformance.py > double.json     (anywhere)
python conformance.py > real.json                       (on a machine with a GPU)
python conformance.py --compare double.json real.json
"""

import json
import sys
import warnings

if "--compare" in sys.argv:
    a, b = (json.load(open(p)) for p in sys.argv[2:4])
    bad = [k for k in a if a[k] != b.get(k)]
    for k in bad:
        print(f"{k}\n   double {a[k]}\n   real   {b.get(k)}")
    print(f"{len(bad)} of {len(a)} differ")
    sys.exit(bool(bad))
import cupy as cp
import cupyx
import numpy as np
from array_api_compat import array_namespace

warnings.simplefilter("ignore")


def env():
    r = np.random.default_rng(0)
    e = dict(np=np, cp=cp, cupyx=cupyx)
    e["h"] = np.arange(12, dtype=np.float32).reshape(3, 4)
    e["a"] = cp.asarray(e["h"])
    e["i"] = cp.asarray(np.array([2, 0, 1]))
    e["m"] = e["a"] > 5
    e["cl"] = cp.asarray(r.random((2, 5, 6, 4), dtype=np.float32)).transpose(
        0, 3, 1, 2
    )  # channels last under (N, C, H, W)
    e["u"] = cp.asarray(np.arange(6, dtype=np.uint8))
    e["q"] = cp.asarray(np.arange(6))
    e["z"] = e["a"][:0]
    e["s"] = e["a"][0, 0]
    e["xp"] = array_namespace(e["a"])
    return e


E = """np.asarray(a) | a + h | h + a | a + h[0, 0] | a * 2.0 | a * np.float64(2) | a * np.float32(2) | 1 << q | u * np.uint8(255) | u + 300 | u + 1 | ~m | -u | q // 4 | -(-(q + 1) * 3 // 2)
np.maximum(a, a) | np.matmul(a, a.T) | np.concatenate([a, a]) | np.concatenate([a, h]) | np.add.at(a, (i, i), 1.0) | np.result_type(h, a) | np.array_equal(a, a) | np.empty((3, 4)) + a | np.float32(a[0, 0]) | np.sum(a)
xp.maximum(a, h) | xp.maximum(a, 0) | xp.maximum(a, 0, out=a) | xp.maximum(a, 0, where=m) | xp.maximum(cl, 0) | cl + cl | cl > 0 | cl.astype('f8') | xp.zeros_like(cl) | xp.empty_like(cl) | cl.copy() | xp.asarray(cl, copy=True) | xp.astype(cl > 0, cl.dtype) | cl ** 2 | xp.sqrt(cl)
a[h > 5] | a[np.array([0, 1])] | a[[0, 1]] | a[i] | a[m] | a[i, 1:3] | a[:, i] | a[i, i] | a[7] | a[cp.asarray(np.array([7]))] | a[s] | a[0:s] | a[q[1]] | list(range(q[2])) | a[..., None] | a[m[:, 0]] | a[True]
a.__setitem__(0, h[0]) | a.__setitem__(slice(None), h) | a.__setitem__(i, h) | a.__setitem__(0, [1, 2, 3, 4]) | a.__setitem__(m, 0) | a.__setitem__(0, h[0, 0]) | a.__setitem__((0, 0), a[1, 1]) | h.__setitem__(0, a[0]) | a.__iadd__(h) | h.__iadd__(a) | a.__iadd__(a) | u.__iadd__(a[0, :3]) | u.__imul__(3) | u.__iadd__(-1)
bool(s) | int(s) | float(s) | bool(a) | len(a) | len(s) | [float(v) for v in a[0]] | q[2].__index__() | s.item() | a.tolist() | hash(a) | a.flags.c_contiguous | cl.flags.c_contiguous | cl.flags.f_contiguous | a.ctypes | a.__array_interface__ | a.device
xp.argsort(a, axis=1, descending=True, stable=True) | xp.argsort(q, stable=True) | cp.argsort(q, kind='quicksort') | xp.sort(a, axis=0) | xp.unique_values(q) | xp.unique(q, return_inverse=True) | xp.nonzero(m) | xp.nonzero(s) | xp.take(a, i, axis=0) | xp.take(a, cp.asarray(np.array([9])), axis=0) | xp.searchsorted(q, q) | xp.diff(q, append=q[:1]) | xp.repeat(q, 2) | xp.repeat(q, np.array([2])) | xp.cumsum(m[0]) | xp.cumsum(u) | xp.triu(u.reshape(2, 3), k=1)
xp.sum(u) | xp.sum(m) | xp.sum(a, dtype=xp.float64) | xp.mean(u) | xp.mean(cl, axis=(2, 3)) | xp.max(a, axis=1, keepdims=True) | xp.argmax(a, axis=1) | xp.any(z, axis=0) | xp.all(z) | xp.max(z) | xp.any(m[:0, :], axis=0) | xp.sum(a, where=m) | xp.clip(a, None, 5) | xp.clip(q, 0, 3) | xp.clip(a, h, 5) | xp.sign(a) | xp.where(m, a, 0) | xp.where(m, a, h) | xp.full((2,), 3, dtype=xp.int64)
a @ a.T | a @ h.T | xp.matmul(a, a.T, out=cp.empty((3, 3), 'f')) | xp.matmul(a, a.T, out=cp.empty((3, 6), 'f')[:, ::2]) | xp.matmul(a, a.T, out=cp.empty((3, 3), 'f8')) | xp.matmul(a, a.T, out=np.empty((3, 3), 'f')) | xp.matmul(a, a.T, out=cp.empty((4, 4), 'f')) | xp.matmul(u.reshape(2, 3), u.reshape(3, 2)) | xp.concat([a, a], axis=-1) | xp.concat([a, h]) | xp.concat([a, z]) | xp.stack([a[0], a[1]], axis=1) | xp.permute_dims(cl, (0, 2, 3, 1)) | xp.reshape(cl, (2, -1)) | cl.reshape(2, 4, 30) | xp.broadcast_to(a[0], (3, 4)) | xp.result_type(a, q) | xp.isdtype(a.dtype, 'real floating')
cp.asarray(h.T) | cp.asarray(np.zeros((2, 3, 4)).transpose(0, 2, 1)) | cp.asarray([a[0, 0], a[0, 1]]) | cp.asarray([1, 2]) | cp.asarray(h, dtype='f8') | xp.asarray(h, dtype=None, device=a.device) | cp.ascontiguousarray(cl) | cp.ascontiguousarray(h) | a.view('i4') | a.T.view('i2') | (a > 1).view('u1') | cupyx.scatter_add(a[0], i, a[1, :3]) | cupyx.scatter_add(u, i, u[:3]) | cp.lib.stride_tricks.sliding_window_view(a, (2, 2), axis=(0, 1)) | cp.lib.stride_tricks.as_strided(a, (2, 2), (4, 4)) | xp.exp(q) | xp.log(u) | xp.floor(q) | xp.isnan(q) | xp.abs(u) | xp.less(a, 5, out=cp.empty((3, 4), '?')) | xp.add(u, a[0, 0], out=u) | xp.subtract(5, q, out=q) | xp.divide(1, a, out=a) | xp.empty((0, 3)).max(axis=1)"""


def describe(v):
    if isinstance(v, cp.ndarray):
        return [
            "device",
            str(v.dtype),
            list(v.shape),
            [s // v.itemsize for s in v.strides] if v.size > 1 else None,
            [round(float(x), 4) if np.isfinite(float(x)) else str(float(x)) for x in v.get().ravel()[:8]],
        ]
    if isinstance(v, np.ndarray):
        return ["host", str(v.dtype), list(v.shape)]
    if isinstance(v, (tuple, list)):
        return [describe(x) for x in v]
    if v is NotImplemented or v is None or isinstance(v, (int, float, bool, str)):
        return repr(v)
    return type(v).__name__


out = {}
for line in E.splitlines():
    for text in (t.strip() for t in line.split(" | ")):
        e = env()
        try:
            r = describe(eval(text, e))
        except Exception as err:
            r = ["raises", type(err).__name__]
        if "__setitem__" in text or "__i" in text or "scatter_add" in text or "add.at" in text:
            r = [r, describe(e["a"]), describe(e["u"])]
        if (
            "empty" in text
            and isinstance(r, list)
            and len(r) == 5
            and "max" not in text
            and "less" not in text
        ):
            r = r[:4]
        out[text] = r
json.dump(out, sys.stdout, indent=1)
