"""The SVMs of a mining pass on their way: visit photos, add hard negatives, train, drop easy ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minircnn.arrays import HostArray, as_plain
from minircnn.checks import checked, real
from minircnn.heads.dual_descent import fit_one_vs_rest
from minircnn.heads.features import require_finite
from minircnn.heads.mining_state import MiningRound, MiningState
from minircnn.heads.negative_cache import ExamplePool
from minircnn.structures import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from minircnn.heads.mining import MiningSettings

logger = logging.getLogger("minircnn")


class Miner:
    """The SVMs on their way, and the pool that holds the caches of all classes."""

    def __init__(
        self,
        positives: Sequence[HostArray],
        settings: MiningSettings,
        scale: float,
        rng: np.random.Generator,
        progress: Callable[[MiningRound], None] | None,
    ) -> None:
        positives = [as_plain(p, "each of the positives") for p in positives]
        dims = {p.shape[1] for p in positives if p.ndim == 2}
        if len(dims) != 1 or any(p.ndim != 2 for p in positives):
            raise ValueError(f"positives: K arrays (P, D) needed, got {[p.shape for p in positives]}")
        checked("scale", scale, real(0, above=True))
        for k, own in enumerate(positives):
            require_finite(own, f"the features of the objects of column {k}")
        self.settings, self.scale, self.rng, self.progress = settings, np.float32(scale), rng, progress
        self.dim, self.num_classes = dims.pop(), len(positives)
        owner = np.repeat(np.arange(self.num_classes), [len(p) for p in positives])
        self.pool = ExamplePool(self.dim, self.num_classes)
        self.pool.append(
            self._scaled(positives),
            (owner[:, None] == np.arange(self.num_classes)).astype(np.int8),
            -1 - np.arange(len(owner)),
        )
        self.weights = np.zeros((self.dim, self.num_classes), np.float32)  # transposed, as products want it
        self.intercepts = np.zeros(self.num_classes, np.float32)
        self.added: IntArray = np.zeros(self.num_classes, np.int64)
        self.photo = self.row = 0
        self.trace: list[MiningRound] = []

    def state(self) -> MiningState:
        """Return where the pass stands, between two batches."""
        return MiningState(
            self.photo,
            self.row,
            self.pool.source.copy(),
            self.pool.labels.copy(),
            self.pool.beta.copy(),
            self.pool.room,
            self.weights.copy(),
            self.intercepts.copy(),
            self.added.copy(),
            tuple(self.trace),
            dict(self.rng.bit_generator.state),
        )

    def restore(self, state: MiningState, visited: HostArray) -> None:
        """Go on from `state`, given the features of the photos visited until then."""
        mined = state.source >= 0
        features = np.empty((len(state.source), self.dim), np.float32)
        features[~mined] = self.pool.features[-1 - state.source[~mined]]  # which holds all positives yet
        features[mined] = self._scaled([visited[state.source[mined]]])
        self.pool = ExamplePool(self.dim, self.num_classes, state.room)
        self.pool.append(features, state.labels, state.source)
        self.pool.beta[...] = state.beta
        self.weights, self.intercepts = state.weights.copy(), state.intercepts.copy()
        self.added, self.photo, self.row = state.added.copy(), state.photo, state.row
        self.trace = list(state.trace)
        self.rng.bit_generator.state = dict(state.rng)

    def _scaled(self, parts: Sequence[HostArray]) -> FloatArray:
        """Return the parts joined (n, D), in single precision and scaled."""
        ends = np.cumsum([0, *map(len, parts)])
        joined = np.empty((ends[-1], self.dim), np.float32)
        for part, start in zip(parts, ends, strict=False):
            np.multiply(part, self.scale, out=joined[start : start + len(part)], dtype=np.float32)
        return joined

    def visit(self, batch: list[tuple[HostArray, BoolArray]]) -> None:
        """Add the hard negatives of each photo in turn; train the classes with enough new ones."""
        with np.errstate(over="ignore", invalid="ignore"):
            features = self._scaled([f for f, _ in batch])
            scores = features @ self.weights + self.intercepts
        if not np.isfinite(scores).all():  # as soon as a feature is not: 0 · inf is NaN
            raise ValueError(f"features of photos from number {self.photo} on are not finite, or too large")
        start = 0
        for photo, eligible in batch:
            rows = slice(start, start + len(photo))
            start += len(photo)
            self._add(features[rows], (scores[rows] > self.settings.hard_above) & eligible)
            due = self._due()
            if len(due):
                self.train(due)  # which changes the scores of what is left of the batch
                scores[start:, due] = features[start:] @ self.weights[:, due] + self.intercepts[due]

    def _due(self) -> IntArray:
        """Return the classes to train now: all as soon as there are negatives, then each in its turn."""
        if not self.trace:
            return np.arange(self.num_classes if self.added.any() else 0)
        return np.flatnonzero(self.added > self.settings.retrain_after)

    def _add(self, features: FloatArray, hard: BoolArray) -> None:
        self.photo += 1
        used = np.flatnonzero(hard.any(axis=1))
        self.pool.append(features[used], -hard[used].astype(np.int8), self.row + used)
        self.row += len(hard)
        self.added += hard.sum(axis=0)

    def train(self, classes: IntArray) -> None:
        """Train `classes` on their caches and drop the negatives that have become easy."""
        rows = self.pool.rows_of(classes)
        place = np.ix_(rows, classes)
        labels = self.pool.labels[place]
        solution = fit_one_vs_rest(
            self.pool.features_of(rows),
            labels,
            self.settings,
            tol=self.settings.tol,
            max_epochs=self.settings.max_epochs,
            rng=self.rng,
            beta=self.pool.beta[place],
        )
        if not solution.converged.all():
            logger.warning(
                "SVMs of columns %s: stopped after %d passes, objective up to %.2g of itself above the least",
                classes[~solution.converged].tolist(),
                solution.epochs,
                np.max(solution.gap / solution.objective),
            )
        self.weights[:, classes], self.intercepts[classes] = solution.weights.T, solution.intercepts
        negative = labels < 0
        easy = negative & (solution.scores < self.settings.evict_below)
        self.pool.labels[place] = np.where(easy, 0, labels)
        self.pool.beta[place] = np.where(easy, 0, solution.beta)
        self.added[classes] = 0
        self.trace.append(
            MiningRound(
                self.photo,
                classes,
                solution.objective,
                negative.sum(axis=0),
                easy.sum(axis=0),
                solution.epochs,
            )
        )
        if self.progress is not None:
            self.progress(self.trace[-1])
