"""Read the arrays in Caffe's ``.caffemodel`` files: protocol buffers of the message NetParameter.

Of their definition (https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto) only these fields
matter here: the layers of a network, old (V1LayerParameter) and new (LayerParameter), their names, types and
blobs; and of a blob its numbers and its shape. All others, such as the gradients, are passed over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minircnn.arrays import HostArray
from minircnn.files import read_bytes
from minircnn.weights.wire_format import Value, WireReader

FIRST_BYTES = (b"\x0a", b"\x12", b"\x1a", b"\x22", b"\x28", b"\xa2\x06")
"""With what such a file begins: the network's name, an old layer, an input or its size, a switch, a layer."""

_BLOB_NAMES = ("weight", "bias")
_MOST_AXES = 32  # as in Caffe


@dataclass(frozen=True)
class _LayerFields:
    """Numbers of the fields of a layer, and how the type of a fully connected one is written."""

    name: int
    type: int
    blobs: int
    inner_product: int | bytes


_LAYERS = {
    2: _LayerFields(name=4, type=5, blobs=6, inner_product=14),
    100: _LayerFields(name=1, type=2, blobs=7, inner_product=b"InnerProduct"),
}


def read_caffe_file(path: Path) -> dict[str, HostArray]:
    """Return the blobs of a ``.caffemodel``: ``layer.weight``, ``layer.bias`` (then ``layer.blob2``, ...).

    Weights of fully connected layers are (out, in) and biases (out,), also where an old file has them as
    (1, 1, out, in) and (1, 1, 1, out).

    Raises
    ------
    ValueError, OSError
        If the file is damaged, holds something else or cannot be read.
    """
    reader = WireReader()
    arrays: dict[str, HostArray] = {}
    for number, value in reader.fields(memoryview(read_bytes(path))):
        if number not in _LAYERS:
            continue
        name, blobs = _read_layer(reader, _bytes(value), _LAYERS[number])
        for index, blob in enumerate(blobs):
            key = f"{name}.{_BLOB_NAMES[index] if index < 2 else f'blob{index}'}"
            if key in arrays:
                raise ValueError(f"two layers {name!r} have weights")
            arrays[key] = blob
    return arrays


def _read_layer(reader: WireReader, message: memoryview, known: _LayerFields) -> tuple[str, list[HostArray]]:
    """Return the name of a layer and its arrays."""
    name, kind = "", b"" if isinstance(known.inner_product, bytes) else 0
    blobs: list[HostArray] = []
    for number, value in reader.fields(message):
        if number == known.name:
            name = bytes(_bytes(value)).decode("utf-8")
        elif number == known.type:
            kind = bytes(value) if isinstance(value, memoryview) else _whole(value)
        elif number == known.blobs:
            blobs.append(_read_blob(reader, _bytes(value)))
        elif number == 1:  # of an old layer: a still older one inside
            raise ValueError("is of Caffe's first format; Caffe's upgrade_net_proto_binary makes a new file")
    if blobs and not name:
        raise ValueError("a layer with weights has no name")
    is_inner_product = kind == known.inner_product
    return name, [_without_old_axes(blob, is_inner_product, i > 0) for i, blob in enumerate(blobs)]


def _without_old_axes(blob: HostArray, is_inner_product: bool, is_bias: bool) -> HostArray:
    """Return a blob without the axes of length 1 that all blobs once had to have."""
    axes = 1 if is_bias else 2 if is_inner_product else blob.ndim
    unneeded = blob.ndim - axes
    return blob.reshape(blob.shape[unneeded:]) if blob.shape[:unneeded] == (1,) * unneeded else blob


def _read_blob(reader: WireReader, message: memoryview) -> HostArray:
    """Return the numbers of a blob in their shape."""
    old_shape, shape = [0, 0, 0, 0], None
    pieces: dict[str, list[HostArray]] = {"<f4": [], "<f8": []}
    for number, value in reader.fields(message):
        if 1 <= number <= 4:
            old_shape[number - 1] = _whole(value)
        elif number in (5, 8):
            dtype = "<f4" if number == 5 else "<f8"
            pieces[dtype].append(_numbers(value, dtype))
        elif number == 7:
            shape = _read_shape(reader, _bytes(value))
    if all(pieces.values()):
        raise ValueError("a blob has numbers of single and of double precision")
    parts = pieces["<f4"] or pieces["<f8"] or [np.empty(0, "<f4")]
    numbers = parts[0] if len(parts) == 1 else np.concatenate(parts)
    shape = old_shape if shape is None else shape
    if math.prod(shape) != len(numbers):
        raise ValueError(f"a blob of shape {tuple(shape)} has {len(numbers)} numbers")
    return numbers.reshape(shape)


def _read_shape(reader: WireReader, message: memoryview) -> list[int]:
    """Return the lengths of the axes, packed or one by one."""
    shape: list[int] = []
    for number, value in reader.fields(message):
        if number == 1 and isinstance(value, memoryview):
            shape += reader.whole_numbers(value[: 10 * _MOST_AXES])
        elif number == 1:
            shape.append(_whole(value))
    if len(shape) >= _MOST_AXES:
        raise ValueError(f"a blob has {_MOST_AXES} axes or more")
    return shape


def _numbers(value: Value, dtype: str) -> HostArray:
    """Return the numbers of a field, packed or not."""
    if isinstance(value, memoryview):
        return np.frombuffer(value, dtype)
    if isinstance(value, int) or value.shape[1] != np.dtype(dtype).itemsize:
        raise ValueError("a blob's numbers are of another kind")
    return value.view(dtype)[:, 0]


def _bytes(value: Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise ValueError("a number stands where a layer, a blob or a name belongs")
    return value


def _whole(value: Value) -> int:
    if not isinstance(value, int) or value >= 1 << 63:  # the upper half are the negative ones
        raise ValueError("something else stands where a whole number belongs")
    return value
