"""A file system that is cut off at one operation, as by a kill: before it, or in the middle of it."""

import errno
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from minircnn import files
from minircnn.training import feature_files


class Killed(BaseException):
    """The process ends here; what it would still do to files does not happen."""


class FaultLayer:
    """Counts the operations on files, and kills the process at number `at`.

    Parameters
    ----------
    at : int or None
        None only counts.
    middle : bool
        Do half of the operation first.
    full : bool
        The disk is full from there on, in the place of a kill.
    """

    def __init__(self, at=None, *, middle=False, full=False):
        self.at, self.middle, self.full, self.dead = at, middle, full, False
        self.operations = []

    def run(self, name, whole, half=lambda: None):
        """Do the `whole` operation; at the kill, perhaps `half` of it, and from then on nothing."""
        if self.dead:
            raise Killed
        self.operations.append(name)
        reached = self.at is not None and len(self.operations) > self.at
        if reached and self.full:
            if name in ("write", "open"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some.partial")
        elif reached:
            self.dead = True
            if self.middle:
                half()
            raise Killed(f"{name}, operation {self.at}")
        return whole()

    @contextmanager
    def in_place(self):
        """Put the layer under everything the package writes."""
        setitem, flush = np.ndarray.__setitem__, np.memmap.flush
        reserve, unlink = feature_files._reserve, Path.unlink

        def assign(array, key, value):
            part = array[key]
            rows = len(part) // 2

            def half():
                setitem(part, slice(0, rows), np.asarray(value)[:rows])

            return self.run("map", lambda: setitem(array, key, value), half)

        def create(path, *shape_and_dtype):
            def half():
                reserve(path, *shape_and_dtype)
                os.truncate(path, os.path.getsize(path) // 2)

            return self.run("create", lambda: reserve(path, *shape_and_dtype), half)

        def remove(path, **how):
            return self.run("remove", lambda: unlink(path, **how))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "os", _System(self))
            patch.setattr(np.memmap, "__setitem__", assign, raising=False)
            patch.setattr(np.memmap, "flush", lambda array: self.run("flush", lambda: flush(array)))
            patch.setattr(feature_files, "_reserve", create)
            patch.setattr(Path, "unlink", remove)
            yield self


class _System:
    """The module ``os`` as :mod:`minircnn.files` sees it."""

    def __init__(self, layer):
        self._layer = layer

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, *arguments):
        return self._layer.run("open", lambda: os.open(*arguments), lambda: os.close(os.open(*arguments)))

    def write(self, handle, data):
        half = len(data) // 2
        return self._layer.run(
            "write", lambda: os.write(handle, data), lambda: os.write(handle, bytes(data[:half]))
        )

    def fsync(self, handle):
        return self._layer.run("fsync", lambda: os.fsync(handle))

    def replace(self, *arguments):
        return self._layer.run("replace", lambda: os.replace(*arguments))

    def unlink(self, *arguments):
        return self._layer.run("unlink", lambda: os.unlink(*arguments))
