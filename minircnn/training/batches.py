"""The batches of a training, made when they are wanted; for a network on a device, while that is at work."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import numpy as np

from minircnn.arrays import Array, is_host

Batch = TypeVar("Batch")
Make = Callable[[int, np.random.Generator], Batch]


class Batches(Generic[Batch]):
    """Hands out the batches of a training, in the order of its iterations.

    All random numbers of a training come from one generator: those that draw a batch, then those of its step
    (Dropout's, for instance), then those that draw the next batch. A step has drawn its last one when its
    forward pass is queued, and a device is then at work for long. From there on a thread makes the next
    batch.

    It draws from a copy of the generator. The training's own goes on to where the copy is when the batch is
    taken, not before: a checkpoint that is written meanwhile belongs to the step in hand. Should the
    generator have been used otherwise by then, the batch is made again. So the batches are the same with the
    thread and without.

    Batches are made by a ``make(iteration, rng)``, which draws from nothing else and changes nothing that
    others see.

    Parameters
    ----------
    rng : numpy.random.Generator
        The training's.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._last = -1  # batches up to this one may be made ahead
        self._taken = 0
        self._next: _Maker[Batch] | None = None

    def take(self, make: Make[Batch], iteration: int) -> Batch:
        """Return the batch of `iteration`; what went wrong in the thread is raised here."""
        self._taken = iteration
        made = self._wait()
        if made is None or made.iteration != iteration or made.before != _state_of(self._rng):
            return make(iteration, self._rng)
        self._rng.bit_generator.state = made.rng.bit_generator.state
        if made.error is not None:
            raise made.error
        return made.batch

    def begin_next(self, make: Make[Batch]) -> None:
        """Let the batch after the one that was taken be made: its step draws no more random numbers."""
        if self._next is None and self._taken < self._last:
            self._next = _Maker(make, self._taken + 1, self._rng)

    @contextmanager
    def ahead(self, last: int, of: Array) -> Iterator[None]:
        """Make batches ahead inside the block, up to that of iteration `last`, if `of` lives on a device.

        On the CPU a thread would take from the step what it gives to the batch.
        """
        self._last = -1 if is_host(of) else last
        try:
            yield
        finally:
            self._last = -1
            self._wait()

    def _wait(self) -> _Maker[Batch] | None:
        """Return what makes the next batch once it is done, and forget it; None where there is none."""
        made = self._next
        if made is not None:
            made.join()
        self._next = None
        return made


def _state_of(rng: np.random.Generator) -> bytes:
    """Return where a generator stands; some have arrays in their state, which `==` does not compare."""
    return pickle.dumps(rng.bit_generator.state)


class _Maker(threading.Thread, Generic[Batch]):
    """Makes the batch of `iteration`: then there is `batch`, or `error`."""

    batch: Batch

    def __init__(self, make: Make[Batch], iteration: int, rng: np.random.Generator) -> None:
        super().__init__(name=f"batch of iteration {iteration}")
        self.iteration, self.before = iteration, _state_of(rng)
        self.rng = copy.deepcopy(rng)
        self.error: BaseException | None = None
        self._make = make
        self.start()

    def run(self) -> None:
        """Make it."""
        try:
            self.batch = self._make(self.iteration, self.rng)
        except BaseException as error:  # for whoever takes the batch
            self.error = error
