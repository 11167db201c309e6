"""One pass of hard negative mining: SVM training on more negatives than fit in memory.

R-CNN's negatives are all proposals of all photos that overlap no object of the class by 0.3 or more. Most
are easy, and an SVM depends only on the hard ones, so each class keeps a cache: photos are visited once,
proposals that the present SVM does not push below -1 are added, the SVM is trained again now and then, and
negatives that have become easy are dropped (R-CNN, section 2.3 and its released code).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from minircnn.arrays import HostArray, as_plain
from minircnn.checks import real, require, require_order, whole
from minircnn.heads.dual_descent import SVMProblem
from minircnn.heads.linear_svm import LinearSVMs
from minircnn.heads.miner import Miner
from minircnn.heads.mining_state import MiningRound, MiningState
from minircnn.structures import BoolArray


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

    def __post_init__(self) -> None:
        require(self, "svm", C=real(0, above=True), positive_weight=real(0, above=True), bias_feature=real(0))
        require(self, "svm", hard_above=real(None, 1), evict_below=real(None, 1), tol=real(0, 1, below=True))
        # or what is dropped for being easy would be added again as hard
        require_order("svm.evict_below", self.evict_below, "svm.hard_above", self.hard_above)
        require(self, "svm", retrain_after=whole(0), max_epochs=whole(1), score_rows=whole(1))


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
    between: Callable[[Callable[[], MiningState]], None] | None = None,
    start: tuple[MiningState, HostArray] | None = None,
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
    between : callable, optional
        Called after each batch of photos with a function that returns the state, which may be kept.
    start : (MiningState, (T, D) array), optional
        Go on from a state: `photos` then begins with the first that was not visited, and the array joins the
        features of those that were (more may follow; only the pool's rows are read).

    Returns
    -------
    MinedSVMs

    Raises
    ------
    ValueError
        If there is no class, shapes disagree or a feature is not finite.

    Notes
    -----
    Before the first training every score is 0, above `hard_above`: the first photo gives all its
    negatives, and the classes are trained right after it. Memory is at most twice that of the caches, in
    which a proposal counts once for all classes; each training starts from the last one's solution.

    Examples
    --------
    >>> from minircnn.heads import mine_and_train
    >>> positives = [np.full((4, 1), 2.0)]  # of one class
    >>> photos = [(np.linspace(-3, -1, 50)[:, None], np.ones((50, 1), bool))]
    >>> mined = mine_and_train(positives, photos, scale=10, rng=np.random.default_rng(0))
    >>> mined.svms.decision_function(np.array([[2.0], [-1.0], [-3.0]])).ravel() > 0
    array([ True, False, False])
    """
    miner = Miner(positives, settings or MiningSettings(), scale, rng, progress)
    if start is not None:
        miner.restore(*start)
    batch: list[tuple[HostArray, BoolArray]] = []
    rows = 0
    for features, eligible in photos:
        features, eligible = as_plain(features, "a photo's features"), as_plain(eligible, "a photo's mask")
        if features.shape[1:] != (miner.dim,) or eligible.shape != (len(features), miner.num_classes):
            raise ValueError(
                f"a photo's features must be (R, {miner.dim}) and its mask (R, {miner.num_classes}), "
                f"got {features.shape} and {eligible.shape}"
            )
        if features.dtype.kind not in "biuf" or eligible.dtype != bool:
            raise ValueError(
                "a photo's features must be numbers and its mask true or false, "
                f"got {features.dtype} and {eligible.dtype}"
            )
        batch.append((features, eligible))
        rows += len(features)
        if rows >= miner.settings.score_rows or not miner.trace:
            miner.visit(batch)
            batch, rows = [], 0
            if between is not None:
                between(miner.state)
    miner.visit(batch)
    miner.train(np.arange(miner.num_classes))
    weight = (miner.weights * np.float32(scale)).astype(np.float32).T  # (K, D)
    return MinedSVMs(LinearSVMs.from_weights(weight, miner.intercepts.astype(np.float32)), tuple(miner.trace))
