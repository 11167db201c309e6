"""PyTorch's two formats written by hand, byte for byte: valid ones, and whatever a test wants to be wrong."""

import io
import pickle
import struct
import zipfile

import numpy as np

KINDS = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage"}


def value(v):
    """Numbers, and tuples of them, as instructions of protocol 2."""
    if isinstance(v, tuple):
        return b"(" + b"".join(map(value, v)) + b"t"
    return pickle.dumps(v, 2)[2:-1]


def text(v):
    encoded = v.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def tensor(key, kind, count, offset, shape, strides, view=b""):
    """A call of torch's function that makes a tensor of a storage; `view` is there in old files only."""
    storage = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu")
    storage += value(count) + view + b"tQ"
    arguments = storage + value(offset) + value(shape) + value(strides) + b"\x89}"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def dictionary(entries):
    return b"\x80\x02}(" + b"".join(text(k) + v for k, v in entries.items()) + b"u."


def archive(instructions, storages, compression=zipfile.ZIP_STORED, root="w/"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr(f"{root}data.pkl", instructions)
        for key, raw in storages.items():
            file.writestr(f"{root}data/{key}", raw)
    return buffer.getvalue()


def legacy(instructions, storages):
    """`storages`: key -> (claimed number of elements, bytes)."""
    plain = [pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    numbers = [struct.pack("<q", count) + raw for count, raw in storages.values()]
    return b"".join([*plain, instructions, pickle.dumps(list(storages), 2), *numbers])


def both_formats(arrays):
    """Yield `arrays`, by name, as a file of either format."""
    raw = {str(i): np.ascontiguousarray(a).tobytes() for i, a in enumerate(arrays.values())}
    for view, write in ((b"", archive), (b"N", legacy)):
        entries = {}
        for key, (name, a) in zip(raw, arrays.items(), strict=True):
            strides = tuple(s // a.itemsize for s in np.ascontiguousarray(a).strides)
            entries[name] = tensor(key, KINDS[a.dtype.str[1:]], a.size, 0, a.shape, strides, view)
        sizes = {key: (a.size, raw[key]) for key, a in zip(raw, arrays.values(), strict=True)}
        yield write(dictionary(entries), raw if write is archive else sizes)
