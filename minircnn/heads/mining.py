"""One pass of hard negative mining: SVM training on more negatives than fit in memory.

R-CNN's negatives are all proposals of all photos that overlap no object of the class by 0.3 or more. Most
are easy, and an SVM depends only on the hard ones, so each class keeps a cache: photos are visited once,
proposals that the present SVM does not push below -1 are added, the SVM is trained again now and then, and
negatives that have become easy are dropped (R-CNN, section 2.3 and its released code).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from minircnn.arrays import HostArray
from minircnn.heads.dual_descent import SVMProblem, fit_one_vs_rest
from minircnn.heads.linear_svm import LinearSVMs
from minircnn.heads.negative_cache import ExamplePool
from minircnn.structures import BoolArray, FloatArray, IntArray

logger = logging.getLogger("minircnn")


@dataclass(frozen=True)
class MiningSettings(SVMProblem):
    """Settings of :func:`mine_and_train`; defaults are those of R-CNN's released code."""

    hard_above: float = -1.0001
    """A negative is added when its score is above this: on the margin or inside it."""
    evict_below: float = -1.2
    """After training, cached negatives with a score below this are dropped."""
    retrain_after: int = 2000
    """A class is trained again when more negatives than this were added."""
    tol: float = 1e-3
    """Accepted duality gap, as a fraction of the objective."""
    max_epochs: int = 1000
    """Most passes of the solver in one training."""
    score_rows: int = 8192
    """Photos are gathered until they hold so many proposals, and scored in one product."""


@dataclass(frozen=True)
class MiningRound:
    """One training of some classes during the pass.

    Parameters
    ----------
    photo : int
        Photos visited so far.
    classes : (k,) int array
        SVM columns (0..K-1) trained in this round.
    objective : (k,) float array
        Their primal objective on their positives and cached negatives.
    num_negatives, num_evicted : (k,) int array
        Negatives trained on, and how many of them were dropped afterwards.
    epochs : int
        Passes of the solver. Where they were not enough, a warning is logged.
    """

    photo: int
    classes: IntArray
    objective: FloatArray
    num_negatives: IntArray
    num_evicted: IntArray
    epochs: int


@dataclass(frozen=True)
class MinedSVMs:
    """K one-vs-rest SVMs and how they came about.

    Parameters
    ----------
    svms : LinearSVMs
        Their scores are ``features @ coef_.T + intercept_``.
    trace : tuple of MiningRound
    """

    svms: LinearSVMs
    trace: tuple[MiningRound, ...] = field(repr=False)


def mine_and_train(
    positives: Sequence[HostArray],
    photos: Iterable[tuple[HostArray, BoolArray]],
    *,
    settings: MiningSettings | None = None,
    scale: float = 1.0,
    rng: np.random.Generator,
    progress: Callable[[MiningRound], None] | None = None,
) -> MinedSVMs:
    """Train K one-vs-rest SVMs in one pass over the photos' negatives.

    Parameters
    ----------
    positives : K arrays (P_k, D) float
        Features of each class's objects. A class may have none; its SVM is then learnt from negatives
        alone and scores everything low.
    photos : iterable of ((R, D) float array, (R, K) bool array)
        Per photo the features of its proposals and whether each may be a negative of each class. Read
        once, in order; the features may be memory maps of float16 or float32.
    settings : MiningSettings, optional
    scale : float
        Factor on all features, positives too (:func:`minircnn.heads.feature_scale`). The returned
        SVMs include it: they are applied to features as they were given.
    rng : numpy.random.Generator
    progress : callable, optional
        Called with each round when it is done.

    Returns
    -------
    MinedSVMs

    Raises
    ------
    ValueError
        If there is no class or shapes disagree.

    Notes
    -----
    Before the first training every score is 0, above `hard_above`: the first photo gives all its
    negatives, and the classes are trained right after it. Memory is at most twice that of the caches, in
    which a proposal counts once for all classes; each training starts from the last one's solution.
    """
    miner = _Miner(positives, settings or MiningSettings(), scale, rng, progress)
    batch: list[tuple[HostArray, BoolArray]] = []
    rows = 0
    for features, eligible in photos:
        if features.ndim != 2 or eligible.shape != (len(features), miner.num_classes):
            raise ValueError(
                f"a photo's features must be (R, {miner.dim}) and its mask (R, {miner.num_classes}), "
                f"got {features.shape} and {eligible.shape}"
            )
        batch.append((features, eligible))
        rows += len(features)
        if rows >= miner.settings.score_rows or not miner.trace:
            miner.visit(batch)
            batch, rows = [], 0
    miner.visit(batch)
    miner.train(np.arange(miner.num_classes))
    weight = (miner.weights * np.float32(scale)).astype(np.float32).T  # (K, D)
    return MinedSVMs(LinearSVMs.from_weights(weight, miner.intercepts.astype(np.float32)), tuple(miner.trace))


class _Miner:
    """The SVMs on their way, and the pool that holds the caches of all classes."""

    def __init__(
        self,
        positives: Sequence[HostArray],
        settings: MiningSettings,
        scale: float,
        rng: np.random.Generator,
        progress: Callable[[MiningRound], None] | None,
    ) -> None:
        dims = {p.shape[1] for p in positives if p.ndim == 2}
        if len(dims) != 1 or any(p.ndim != 2 for p in positives):
            raise ValueError(f"positives: K arrays (P, D) needed, got {[p.shape for p in positives]}")
        self.settings, self.scale, self.rng, self.progress = settings, np.float32(scale), rng, progress
        self.dim, self.num_classes = dims.pop(), len(positives)
        owner = np.repeat(np.arange(self.num_classes), [len(p) for p in positives])
        self.pool = ExamplePool(self.dim, self.num_classes)
        self.pool.append(
            self._scaled(positives), (owner[:, None] == np.arange(self.num_classes)).astype(np.int8)
        )
        self.weights = np.zeros((self.dim, self.num_classes), np.float32)  # transposed, as products want it
        self.intercepts = np.zeros(self.num_classes, np.float32)
        self.added = np.zeros(self.num_classes, np.int64)
        self.photo = 0
        self.trace: list[MiningRound] = []

    def _scaled(self, parts: Sequence[HostArray]) -> FloatArray:
        """Return the parts joined (n, D), in single precision and scaled."""
        ends = np.cumsum([0, *map(len, parts)])
        joined = np.empty((ends[-1], self.dim), np.float32)
        for part, start in zip(parts, ends, strict=False):
            np.multiply(part, self.scale, out=joined[start : start + len(part)], dtype=np.float32)
        return joined

    def visit(self, batch: list[tuple[HostArray, BoolArray]]) -> None:
        """Add the hard negatives of each photo in turn; train the classes with enough new ones."""
        features = self._scaled([f for f, _ in batch])
        scores = features @ self.weights + self.intercepts
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
        used = hard.any(axis=1)
        self.pool.append(features[used], -hard[used].astype(np.int8))
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
