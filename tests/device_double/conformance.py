"""Is the double true to CuPy? The same expressions on both: which type, shape, layout, values, error?

``conformance.json`` holds the outcomes on the double. On a machine with a GPU::

    python conformance.py > real.json
    python conformance.py --compare conformance.json real.json

With CuPy and no GPU, ``python conformance.py --no-gpu`` compares what CuPy answers without one: a fifth of
it, shapes and refusals. After a change of the double: ``python conformance.py --double > conformance.json``.
"""

import importlib
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
from array_api_compat import array_namespace

HERE = Path(__file__).resolve().parent
EXPRESSIONS = {
    "types of operations": [
        "a * 2.0", "a * np.float64(2)", "a * np.float32(2)", "a + h[0, 0]", "a + True", "1 << q", "u + 1",
        "u + 300", "u * np.uint8(255)", "u * 2.5", "u + q", "-u", "~m", "m + 1", "m * 2.0", "m & m[0]",
        "q / 2", "q // 4", "-q % 4", "-(-(q + 1) * 3 // 2)", "a ** 2", "q ** 2", "a ** 0.5", "a ** -1.0",
        "a > 5", "q == 2", "a + q", "xp.exp(q)", "xp.log(u)", "xp.floor(q)", "xp.isnan(q)", "xp.abs(u)",
        "xp.sign(a)", "xp.maximum(a, 0)", "xp.maximum(q, 2.5)", "xp.result_type(a, q)",
        "xp.isdtype(a.dtype, 'real floating')",
    ],
    "arrays of the host": [
        "a + h", "h + a", "np.empty((3, 4)) + a", "xp.maximum(a, h)", "xp.where(m, a, h)",
        "xp.concat([a, h])", "a @ h.T", "xp.clip(a, h, 5)", "cp.ascontiguousarray(h)", "np.asarray(a)",
        "np.float32(a[0, 0])", "a.ctypes", "a.__array_interface__", "xp.repeat(q, np.array([2]))",
        "a[h > 5]", "a[np.array([0, 1])]",
    ],
    "NumPy's functions": [
        "np.maximum(a, a)", "np.matmul(a, a.T)", "np.concatenate([a, a])", "np.concatenate([a, h])",
        "np.sum(a)", "np.result_type(h, a)", "np.array_equal(a, a)",
    ],
    "layout of new arrays": [
        "cl + cl", "cl > 0", "cl ** 2", "xp.sqrt(cl)", "xp.maximum(cl, 0)", "cl.copy()", "a.T.copy()",
        "cl.astype('f8')", "cl.astype('f4', copy=False)", "xp.astype(cl > 0, cl.dtype)",
        "xp.zeros_like(cl)", "cp.ones_like(cl)", "xp.asarray(cl, copy=True)", "xp.reshape(cl, (2, -1))",
        "cl.reshape(2, 4, 30)", "a.T.ravel()", "cp.ascontiguousarray(cl)", "cl.flags.c_contiguous",
        "cl.flags.f_contiguous", "a.flags.c_contiguous", "xp.mean(cl, axis=(2, 3))", "a.T @ a", "a[i].T",
    ],
    "from the host": [
        "cp.asarray(h.T)", "cp.asarray(np.zeros((2, 3, 4)).transpose(0, 2, 1))", "cp.asarray([1, 2])",
        "cp.asarray([a[0, 0], a[0, 1]])", "cp.asarray(h, dtype='f8')", "cp.asarray(np.array(['x']))",
        "xp.asarray(h, dtype=None, device=a.device)", "xp.full((2,), 3, dtype=xp.int64)",
    ],
    "to the host": [
        "bool(s)", "int(s)", "float(s)", "bool(a)", "len(a)", "len(s)", "hash(a)", "s.item()", "a.tolist()",
        "[float(v) for v in a[0]]", "q[2].__index__()", "list(range(q[2]))", "a.get()", "a.T.get()",
        "a.device",
    ],
    "indices": [
        "a[i]", "a[m]", "a[i, 1:3]", "a[:, i]", "a[i, i]", "a[[0, 1]]", "a[[]]", "a[-1]", "a[7]", "a[s]",
        "a[q[1]]", "a[0:s]", "a[1:q[3]]", "a[::2, ::-1]", "a[5:9]", "a[..., None]", "a[m[:, 0]]", "a[True]",
        "a[0, 0, 0]", "a[cp.asarray(np.array([7]))]", "xp.take(a, i, axis=0)",
        "xp.take(a, cp.asarray(np.array([9])), axis=0)", "xp.nonzero(m)", "xp.nonzero(s)",
    ],
    "views": [
        "a.view('i4')", "a.T.view('i2')", "(a > 1).view('u1')", "xp.permute_dims(cl, (0, 2, 3, 1))",
        "xp.broadcast_to(a[0], (3, 4))", "xp.flip(a, axis=1)", "xp.expand_dims(a, axis=0)",
        "cp.lib.stride_tricks.sliding_window_view(a, (2, 2), axis=(0, 1))",
        "cp.lib.stride_tricks.as_strided(a, (2, 2), (4, 4))",
    ],
    "reductions": [
        "xp.sum(u)", "xp.sum(m)", "xp.sum(a, dtype=xp.float64)", "xp.sum(a, where=m)", "xp.mean(u)",
        "xp.max(a, axis=1, keepdims=True)", "xp.max(z)", "xp.empty((0, 3)).max(axis=1)",
        "xp.argmax(a, axis=1)", "a.argmin()", "xp.any(z, axis=0)", "xp.any(m[:0, :], axis=0)", "xp.all(z)",
        "xp.cumsum(m[0])", "xp.cumsum(u)",
    ],
    "order": [
        "xp.argsort(a, axis=1, descending=True, stable=True)", "xp.argsort(q, stable=True)",
        "cp.argsort(q, kind='quicksort')", "xp.sort(a, axis=0)", "xp.unique_values(q)",
        "xp.unique(q, return_inverse=True)", "xp.searchsorted(q, q)", "xp.diff(q, append=q[:1])",
    ],
    "joins and choices": [
        "xp.concat([a, a], axis=-1)", "xp.concat([a, z])", "xp.concat([a, q])",
        "xp.stack([a[0], a[1]], axis=1)", "xp.repeat(q, 2)", "xp.where(m, a, 0)", "xp.clip(a, None, 5)",
        "xp.clip(q, 0, 3)", "xp.triu(u.reshape(2, 3), k=1)",
    ],
    "outputs": [
        "xp.maximum(a, 0, out=a)", "xp.maximum(a, 0, where=m)", "xp.less(a, 5, out=cp.empty((3, 4), '?'))",
        "xp.subtract(5, q, out=q)", "xp.divide(1, a, out=a)", "xp.add(u, a[0, 0], out=u)",
        "xp.add(a, a, out=cp.empty((4, 4), 'f'))", "xp.matmul(a, a.T, out=cp.empty((3, 3), 'f'))",
        "xp.matmul(a, a.T, out=cp.empty((3, 6), 'f')[:, ::2])",
        "xp.matmul(a, a.T, out=cp.empty((3, 3), 'f8'))", "xp.matmul(a, a.T, out=np.empty((3, 3), 'f'))",
        "xp.matmul(a, a.T, out=cp.empty((4, 4), 'f'))", "a @ a.T", "a @ a",
        "xp.matmul(u.reshape(2, 3), u.reshape(3, 2))",
    ],
    "assignments": [
        "a.__setitem__(0, h[0])", "a.__setitem__(slice(None), h)", "a.__setitem__(i, h)",
        "a.__setitem__(0, [1, 2, 3, 4])", "a.__setitem__(0, h[0, 0])", "a.__setitem__(m, 0)",
        "a.__setitem__((i, i), 7)", "a.__setitem__((0, 0), a[1, 1])", "a.__setitem__(0, a[1:2])",
        "a.__setitem__(0, q[:4])", "h.__setitem__(0, a[0])", "a.__iadd__(h)", "h.__iadd__(a)",
        "a.__iadd__(a)", "u.__iadd__(a[0, :3])", "u.__imul__(3)", "u.__iadd__(-1)",
        "np.add.at(a, (i, i), 1.0)", "cupyx.scatter_add(a[0], i, a[1, :3])",
        "cupyx.scatter_add(a[0], i // 2, a[1, :3])", "cupyx.scatter_add(u, i, u[:3])",
    ],
}  # fmt: skip
"""By subject. Each is evaluated on arrays of its own (`environment`)."""


def environment(cupy, asarray):
    """What the expressions talk about: ``h`` on the host, the other arrays on the device."""
    h = np.arange(12, dtype=np.float32).reshape(3, 4)
    a = asarray(h.copy())
    channels_last = np.random.default_rng(0).random((2, 5, 6, 4), dtype=np.float32)
    return {
        "np": np,
        "cp": cupy,
        "cupyx": importlib.import_module("cupyx"),
        "xp": array_namespace(a),
        "h": h,
        "a": a,
        "i": asarray(np.array([2, 0, 1])),
        "m": asarray(h > 5),
        "q": asarray(np.arange(6)),
        "u": asarray(np.arange(6, dtype=np.uint8)),
        "z": a[:0],
        "s": a[0, 0],
        "cl": asarray(channels_last).transpose(0, 3, 1, 2),  # (N, C, H, W), channels last in memory
    }


def outcome(expression, cupy):
    """What comes of an expression: its value, or the name of its error; what it did to ``a`` and ``u``."""
    names = environment(cupy, cupy.asarray)
    found = attempt(expression, names, lambda value: describe(value, cupy))
    if expression in EXPRESSIONS["assignments"]:
        found = {"gives": found, "a": describe(names["a"], cupy), "u": describe(names["u"], cupy)}
    return found


def attempt(expression, names, describe):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return describe(eval(expression, names))
        except Exception as error:
            return {"raises": type(error).__name__}


def describe(value, cupy, values=True):
    """Write a value so that it can be compared: device arrays with layout and first values."""
    if isinstance(value, cupy.ndarray):
        found = {"device": str(value.dtype), "shape": list(value.shape), "steps": _steps(value)}
        return found | {"values": [_number(x) for x in value.get().ravel()[:8]]} if values else found
    if isinstance(value, np.ndarray):
        return {"host": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, tuple | list):
        return [describe(x, cupy, values) for x in value]
    if value is NotImplemented or value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return type(value).__name__


def _steps(array):
    """Strides in values; an axis of one has none that means anything."""
    steps = zip(array.shape, array.strides, strict=True)
    return [step // array.itemsize if side > 1 else None for side, step in steps] if array.size else None


def _number(x):
    return float(f"{float(x):.7g}") if np.isfinite(float(x)) else str(float(x))


def outcomes(cupy, subjects=EXPRESSIONS):
    return {text: outcome(text, cupy) for subject in subjects for text in EXPRESSIONS[subject]}


def differences(expected, found):
    """Return the expressions whose outcomes differ, each with both."""
    return {
        text: (expected.get(text), found.get(text))
        for text in expected | found
        if not _same(expected.get(text), found.get(text))
    }


def _same(a, b):
    """Equal, numbers to five digits: rounding in the last place is not what this compares."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-5)
    return a == b


def outcomes_without_gpu(cupy):
    """What CuPy itself answers on arrays that lie in the host's memory, before it asks for a device."""
    kept = []

    def on_host(values):
        kept.append(values)
        memory = cupy.cuda.UnownedMemory(values.ctypes.data, values.nbytes, values, device_id=0)
        return cupy.ndarray(values.shape, values.dtype, cupy.cuda.MemoryPointer(memory, 0), values.strides)

    found = {}
    for text in (text for texts in EXPRESSIONS.values() for text in texts):
        names = environment(cupy, on_host)
        found[text] = attempt(text, names, lambda value: describe(value, cupy, values=False))
    asked = [{"raises": "CUDARuntimeError"}, {"raises": "ImportError"}]  # no driver, none of CUDA's libraries
    return {text: answer for text, answer in found.items() if answer not in asked}


def without_values(found):
    if isinstance(found, list):
        return [without_values(x) for x in found]
    if not isinstance(found, dict):
        return found
    return (
        without_values(found["gives"])
        if "gives" in found
        else {k: v for k, v in found.items() if k != "values"}
    )


def report(expected, found):
    """Print what differs; return whether something does."""
    unlike = differences(expected, found)
    for text, (one, other) in unlike.items():
        print(f"{text}\n    {one}\n    {other}")
    print(f"{len(unlike)} of {len(expected)} differ")
    return bool(unlike)


def main(command="", *files):
    if command == "--compare":
        return report(*(json.loads(Path(file).read_text()) for file in files))
    if command != "--double":  # python puts the folder of this file first, and the double lies in it
        sys.path = [folder for folder in sys.path if Path(folder).resolve() != HERE]
    cupy = importlib.import_module("cupy")
    if command == "--no-gpu":
        found = outcomes_without_gpu(cupy)
        expected = json.loads((HERE / "conformance.json").read_text())
        return report({text: without_values(expected[text]) for text in found}, found)
    lines = [f"{json.dumps(text)}: {json.dumps(found)}" for text, found in outcomes(cupy).items()]
    print("{\n" + ",\n".join(lines) + "\n}")
    return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
