"""Indexing: what is a view, what is gathered, where a mask waits, which indices are legal.

Unlike NumPy: whole-number indices beyond the end wrap around instead of raising; of several values for one
place any may be stored (here the first, where NumPy stores the last); sums are scattered in no fixed order.
"""

from dataclasses import dataclass

import numpy as np

from cupy._api import NotModelled
from cupy._array import c_order, method, ndarray, quiet, wrap
from cupy._ledger import ledger


@dataclass
class Index:
    """An index as NumPy takes it."""

    items: tuple
    gathers: bool = False
    """Arrays are among the items: the result is a new array, not a view."""
    mask_size: int | None = None
    """Values of the boolean array among them; how many are true is read from the device."""


def read_index(values, index):
    """Read an index of `values` as CuPy does."""
    items = list(index) if isinstance(index, tuple) else [index]
    items = [item if item is None or _is_basic(item) else _index_array(item) for item in items]
    taken = sum(_axes_taken(item) for item in items)
    if taken > values.ndim:
        raise IndexError(
            f"too many indices for array: array is {values.ndim}-dimensional, but {taken} were indexed"
        )
    read = Index(())
    axis = 0
    for place, item in enumerate(items):
        if isinstance(item, slice):
            items[place] = slice(_bound(item.start), _bound(item.stop), _bound(item.step))
        elif isinstance(item, np.ndarray):
            read.gathers = True
            if item.dtype.kind == "b":
                read.mask_size = item.size
            elif values.shape[axis]:
                items[place] = item % values.shape[axis]
        axis += values.ndim - taken if item is Ellipsis else _axes_taken(item)
    read.items = tuple(items)
    return read


def _is_basic(item):
    whole = isinstance(item, int | np.integer) and not isinstance(item, bool)
    return item is Ellipsis or isinstance(item, slice) or whole


def _index_array(item):
    """The values of an array used as an index. One of the host is accepted, and goes up to the device."""
    if isinstance(item, ndarray):
        array = item._values
    elif isinstance(item, np.ndarray | list | tuple | bool | np.bool_):
        if isinstance(item, list | tuple) and any(isinstance(x, ndarray) for x in item):
            raise NotModelled("a list of device arrays as an index")
        array = np.asarray(item)
        array = array.astype(np.int32) if isinstance(item, list | tuple) and not array.size else array
        ledger.upload(array.nbytes)
    else:
        raise IndexError(
            f"{item!r} is no index: integers, slices, ..., None and integer or boolean arrays are"
        )
    if array.dtype.kind not in "biu":
        raise IndexError(f"arrays used as indices must be of integer or boolean type, got {array.dtype}")
    return array


def _axes_taken(item):
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype.kind == "b" else 1


def _bound(bound):
    """A device array may bound a slice: it is read, and waited for."""
    if isinstance(bound, ndarray):
        return int(bound)
    if bound is None or hasattr(bound, "__index__"):
        return bound
    raise TypeError("slice indices must be integers or None or have an __index__ method")


def _count_mask(index, what):
    """A mask is scanned on the device; how many of its values are true is read on the host."""
    if index.mask_size:
        ledger.launch(f"{what} mask: scan", scan_launches(index.mask_size))
        ledger.download(4)


def scan_launches(size):
    return 1 if size <= 512 else 3


@method
def __getitem__(self, index):
    index = read_index(self._values, index)
    values = self._values[index.items]
    if not index.gathers:
        return wrap(values)
    values = c_order(np.asarray(values))
    _count_mask(index, "getitem")
    if values.size:
        ledger.launch("getitem array", nbytes=2 * values.nbytes)
    return wrap(values)


@method
def __setitem__(self, index, value):
    index = read_index(self._values, index)
    if index.gathers:
        _set_gathered(self, index, value)
        return
    items = index.items if Ellipsis in index.items else (*index.items, Ellipsis)
    target = self._values[items]  # a view, of one number as well
    if not isinstance(value, ndarray):
        _fill(target, value)
        return
    source = _without_leading_ones(value._values)
    if _is_same(source, target):  # what a += b assigns after the addition
        return
    with quiet():
        target[...] = source.copy()  # they may overlap
    if target.size:
        ledger.launch("setitem copy", nbytes=2 * target.nbytes)


def _fill(target, value):
    value = np.asarray(value, dtype=target.dtype)
    if value.shape != ():
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    target[...] = value
    if target.size:
        ledger.launch("setitem fill", nbytes=target.nbytes)


def _without_leading_ones(values):
    leading = 0
    while leading < values.ndim and values.shape[leading] == 1:
        leading += 1
    return values.reshape(values.shape[leading:])


def _is_same(a, b):
    return a.__array_interface__ == b.__array_interface__


def _set_gathered(self, index, value):
    if isinstance(value, ndarray):
        values = _without_leading_ones(value._values)
    else:
        values = np.asarray(value, dtype=self.dtype)
        ledger.upload(values.nbytes)
    _count_mask(index, "setitem")
    with quiet():
        if index.mask_size is not None:
            self._values[index.items] = values.copy()
        else:
            _set_first(self._values, index.items, values)
    ledger.launch("setitem array", nbytes=2 * values.nbytes)


def _set_first(target, items, values):
    """Assign so that of several values for one place the first is stored: NumPy, backwards."""
    places = np.arange(target.size).reshape(target.shape)[items]
    backwards = np.broadcast_to(values, places.shape).reshape(-1)[::-1].astype(target.dtype)
    target.flat[places.reshape(-1)[::-1]] = backwards


@method
def scatter_add(self, slices, value):
    if self.dtype.char not in "ilqILQefd":
        raise TypeError(f"cupy.add.at does not support {self.dtype}")
    _scatter(np.add, self, slices, value)


@method
def scatter_max(self, slices, value):
    _scatter(np.maximum, self, slices, value)


@method
def scatter_min(self, slices, value):
    _scatter(np.minimum, self, slices, value)


def _scatter(ufunc, self, slices, value):
    if not isinstance(slices, ndarray) or slices.dtype.kind not in "iu":
        raise NotModelled("scattering by anything but one whole-number array")
    rows = (slices._values % self.shape[0]).reshape(-1)
    values = value._values if isinstance(value, ndarray) else np.asarray(value)
    values = np.broadcast_to(values, slices.shape + self.shape[1:]).astype(self.dtype)
    shuffled = np.random.default_rng(rows.size).permutation(rows.size)
    ufunc.at(self._values, rows[shuffled], values.reshape(-1, *self.shape[1:])[shuffled])
    ledger.launch(f"scatter {ufunc.__name__}", nbytes=3 * values.nbytes)


@method
def take(self, indices, axis=None, out=None):
    if out is not None:
        raise NotModelled("cupy.take(out=)")
    if not isinstance(indices, ndarray | int | np.integer):
        indices = np.asarray(indices)
        ledger.upload(indices.nbytes)
    where = np.asarray(indices._values if isinstance(indices, ndarray) else indices)
    if where.dtype.kind not in "iu":
        raise TypeError("take: indices must be integers")
    length = self.size if axis is None else self.shape[axis]
    if length == 0 and where.size:
        raise IndexError("cannot do a non-empty take from an empty axes.")
    values = np.take(self._values, where % length if length else where, axis=axis)
    if values.size:
        ledger.launch("take", nbytes=2 * values.nbytes)
    return wrap(c_order(np.asarray(values)))


@method
def repeat(self, repeats, axis=None):
    if isinstance(repeats, np.ndarray):
        raise TypeError("'repeats' does not accept numpy.ndarray; convert with cupy.array() first")
    if isinstance(repeats, ndarray):
        ledger.launch("repeat: scan", 3)
        ledger.wait()
        repeats = repeats._values
    ledger.launch("repeat")
    return wrap(np.repeat(self._values, repeats, axis))


@method
def nonzero(self):
    if self.ndim == 0:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use cp.atleast_1d(x).nonzero()")
    if self.size:
        ledger.launch("nonzero", scan_launches(self.size) + 1)
        ledger.download(4)
    return tuple(wrap(i) for i in np.nonzero(self._values))
