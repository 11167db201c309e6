"""Caffe's ``.caffemodel`` written by hand: old and new layers, packed and single numbers, both shapes."""

import struct

import numpy as np


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, payload):
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def singles(field, values, kind="f"):
    tag = varint(field << 3 | {"f": 5, "d": 1}[kind])
    return b"".join(tag + struct.pack(f"<{kind}", v) for v in values)


def blob(array, *, old_shape=False, packed=True, double=False):
    """A BlobProto; `old_shape` fills the four axes of old, as (1, 1, out, in)."""
    values = np.asarray(array)
    if packed:
        data = chunk(8 if double else 5, values.astype("<f8" if double else "<f4").tobytes())
    else:
        data = singles(8 if double else 5, values.ravel(), "d" if double else "f")
    if not old_shape:
        return data + chunk(7, chunk(1, b"".join(map(varint, values.shape))))
    axes = (1,) * (4 - values.ndim) + values.shape
    return b"".join(number(field, axis) for field, axis in enumerate(axes, start=1)) + data


def layer(name, kind, blobs):
    blobs = b"".join(chunk(7, b) for b in blobs)
    return chunk(100, chunk(1, name.encode()) + chunk(2, kind.encode()) + number(10, 1) + blobs)


def old_layer(name, kind, blobs):
    blobs = b"".join(chunk(6, b) for b in blobs)
    return chunk(2, chunk(2, b"data") + chunk(4, name.encode()) + number(5, kind) + blobs)


KINDS = {"Convolution": 4, "InnerProduct": 14}


def caffemodel(arrays, *, old=False, packed=True, double=False):
    """Arrays by name, ``conv1.weight`` and ``conv1.bias``, as the bytes of a file."""
    out = chunk(1, b"net")
    for name in dict.fromkeys(key.rpartition(".")[0] for key in arrays):
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        kind = "InnerProduct" if np.ndim(weight) == 2 else "Convolution"
        blobs = [blob(a, old_shape=old, packed=packed, double=double) for a in (weight, bias)]
        out += old_layer(name, KINDS[kind], blobs) if old else layer(name, kind, blobs)
    return out
