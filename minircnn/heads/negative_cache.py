"""The examples that mining keeps: a pool of rows shared by all classes, each of which uses some of them."""

from __future__ import annotations

import numpy as np

from minircnn.kernels.block_descent import CHUNK
from minircnn.kernels.split import split
from minircnn.structures import FloatArray, IntArray


class ExamplePool:
    """Features, labels and dual variables of n examples, in memory that is reused and grows now and then.

    A row that no class uses any more stays where it is until room is needed: copying the features of the
    others each time would cost more than training does.

    Parameters
    ----------
    dim, num_classes : int
        D and K.
    room : int
        Rows to have memory for at once.

    Attributes
    ----------
    features : (n, D) float32 array
    labels : (n, K) int8 array
        +1, -1, or 0 where the class does not use the row.
    beta : (n, K) float32 array
        Signed dual variables, where the next training starts.
    source : (n,) int array
        Where the features came from, for whoever has to find them again.
    """

    def __init__(self, dim: int, num_classes: int, room: int = 0) -> None:
        self._room: FloatArray = np.empty((room, dim), np.float32)  # what `features` is the beginning of
        self.features: FloatArray = self._room[:0]
        self.labels: IntArray = np.zeros((0, num_classes), np.int8)
        self.beta: FloatArray = np.zeros((0, num_classes), np.float32)
        self.source: IntArray = np.zeros(0, np.int64)

    @property
    def room(self) -> int:
        """Rows there is memory for."""
        return len(self._room)

    def append(self, features: FloatArray, labels: IntArray, source: IntArray) -> None:
        """Add rows, their dual variables zero."""
        if len(self.features) + len(features) > len(self._room):
            self._make_room(len(features))
        size = len(self.features)
        self.features = self._room[: size + len(features)]
        self.features[size:] = features
        self.labels = np.concatenate([self.labels, labels.astype(np.int8)])
        self.beta = np.concatenate([self.beta, np.zeros(labels.shape, np.float32)])
        self.source = np.concatenate([self.source, source])

    def rows_of(self, classes: IntArray) -> IntArray:
        """Return the rows that any of `classes` uses."""
        return np.flatnonzero(self.labels[:, classes].any(axis=1))

    def features_of(self, rows: IntArray) -> FloatArray:
        """Return the features of `rows`, ascending; a view if they are all."""
        return self.features if len(rows) == len(self.features) else self.features[rows]

    def _make_room(self, extra: int) -> None:
        """Drop the rows that no class uses; if that leaves little room, move to twice as much."""
        kept = np.flatnonzero(self.labels.any(axis=1))
        needed = len(kept) + extra
        room = self._room
        if needed > 0.8 * len(room):
            room = np.empty((2 * needed, room.shape[1]), np.float32)
        for part in split(len(kept), size=CHUNK):  # in place too: rows only move to the front
            room[part] = self.features[kept[part]]
        self._room, self.features = room, room[: len(kept)]
        self.labels, self.beta, self.source = self.labels[kept], self.beta[kept], self.source[kept]
