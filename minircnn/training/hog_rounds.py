"""Rounds of an SVM on windows: train, scan all photos, add what was taken for an object, train again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.checks import real, require, whole
from minircnn.detectors import HogSVM
from minircnn.detectors.windows import Float32
from minircnn.features import HogWindows
from minircnn.files import read_bytes, write_text
from minircnn.heads import LinearSVMs
from minircnn.heads.dual_descent import SVMProblem, fit_one_vs_rest
from minircnn.profiling import stage
from minircnn.progress import watched
from minircnn.training.hog_negatives import (
    Negatives,
    NegativeSettings,
    Photos,
    hard_negatives,
    random_negatives,
)
from minircnn.training.kept_part import KeptPart


@dataclass(frozen=True)
class WindowSVMSettings(SVMProblem):
    """The linear SVMs of a window (section 4)."""

    C: float = 0.01
    """Cost of a unit of hinge loss, on descriptors as they are: blocks of length about one (0.01)."""
    positive_weight: float = 1.0
    """Factor on `C` for the objects."""
    bias_feature: float = 10.0
    """The constant that extends every example; the larger, the less the bias is regularized, and the slower
    the solver (not at all in the paper; with 3 instead of 10, pedestrians lose 0.05 of AP)."""
    tol: float = 1e-3
    """Accepted duality gap, as a fraction of the objective."""
    max_epochs: int = 1000
    """Most passes of the solver in one training."""

    def __post_init__(self) -> None:
        require(self, "svm", C=real(0, above=True), positive_weight=real(0, above=True), bias_feature=real(0))
        require(self, "svm", tol=real(0, 1, below=True), max_epochs=whole(1))


@dataclass
class Standing:
    """Where the rounds stand.

    Parameters
    ----------
    negatives : Negatives
        Of the rounds that are over.
    weight, bias : (K, D) and (K,) float32 arrays
        Of the last round's SVMs.
    round, photo : int
        The next photo to look at, in the round that is being gathered.
    gathered : Negatives
        Of the photos of this round before it.
    trace : list of dict
        A record of each round that is over.
    """

    negatives: Negatives
    weight: Float32
    bias: Float32
    round: int = 0
    photo: int = 0
    gathered: list[Negatives] = field(default_factory=list)
    trace: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def begin(cls, dim: int, classes: int) -> Standing:
        """Return the beginning, at which nothing is known."""
        weight = np.zeros((classes, dim), np.float32)
        return cls(Negatives.none(dim, classes), weight, np.zeros(classes, np.float32))

    def parts(self) -> tuple[dict[str, HostArray], dict[str, Any]]:
        """Return what a file must hold: arrays, and the rest ready for JSON."""
        none = Negatives.none(self.weight.shape[1], len(self.weight))
        new = Negatives.joined([none, *self.gathered])
        self.gathered = [new]
        arrays = {"weight": self.weight, "bias": self.bias}
        for name, some in (("old", self.negatives), ("new", new)):
            arrays |= {f"{name}.features": some.features, f"{name}.scores": some.scores}
            arrays[f"{name}.eligible"] = some.eligible.astype(np.uint8)
        return arrays, {"round": self.round, "photo": self.photo, "trace": self.trace}

    @classmethod
    def from_parts(cls, arrays: dict[str, HostArray], state: dict[str, Any]) -> Standing:
        """Return what `parts` described."""
        old, new = (
            Negatives(
                arrays[f"{name}.features"], arrays[f"{name}.eligible"].astype(bool), arrays[f"{name}.scores"]
            )
            for name in ("old", "new")
        )
        return cls(old, arrays["weight"], arrays["bias"], gathered=[new], **state)


@stage("rounds of hard negatives")
def train_rounds(
    positives: Sequence[Float32],
    photos: Photos,
    windows: HogWindows,
    *,
    rounds: int,
    svm: WindowSVMSettings,
    negatives: NegativeSettings,
    seed: int = 0,
    progress: bool = True,
    keep: KeptPart | None = None,
    trace: Callable[[list[dict[str, float]]], None] = lambda records: None,
) -> LinearSVMs:
    """Train one linear SVM per class on windows, in a first round and `rounds` with hard negatives.

    Parameters
    ----------
    positives : K arrays (P_k, D) float32
        Descriptors of each class's objects. Those of other classes are negatives.
    photos : Photos
        Where negatives are found.
    keep : KeptPart, optional
        Where to go on, and to keep how far the rounds have come.
    trace : callable
        Called with the records of all rounds when one is over.

    Raises
    ------
    ValueError
        If there are no objects, or no photo is large enough for a window without one.
    """
    classes = len(positives)
    if not sum(len(own) for own in positives):
        raise ValueError("there is no object to learn from")
    kept = keep.read() if keep is not None else None
    now = Standing.begin(windows.dim, classes) if kept is None else Standing.from_parts(*kept)
    trace(now.trace)
    while now.round <= rounds:
        _gather(now, photos, windows, negatives, seed, keep, progress, rounds)
        now.negatives = Negatives.joined([now.negatives, *now.gathered])
        hard = sum(len(some) for some in now.gathered) if now.round else 0
        if not len(now.negatives):
            raise ValueError(
                f"no photo has a window of {windows.window[0]}×{windows.window[1]} pixels without an object: "
                "are the photos smaller than that? pyramid.first below 1 enlarges them"
            )
        now.negatives = now.negatives.worst(negatives.most)
        now.weight, now.bias, record = _fit(positives, now.negatives, svm, seed, now.round)
        now.trace.append({"round": now.round, "hard": hard, **record})
        now.round, now.photo, now.gathered = now.round + 1, 0, []
        if keep is not None:
            keep.write(*now.parts())
        trace(now.trace)
    return LinearSVMs.from_weights(now.weight, now.bias)


def _gather(
    now: Standing,
    photos: Photos,
    windows: HogWindows,
    settings: NegativeSettings,
    seed: int,
    keep: KeptPart | None,
    progress: bool,
    rounds: int,
) -> None:
    """Collect the windows of a round from the photos that are left in it."""
    classes = len(now.weight)
    title = "random windows" if now.round == 0 else f"hard negatives, round {now.round} of {rounds}"
    names = tuple(str(k) for k in range(classes))
    detector = HogSVM(names, None, LinearSVMs.from_weights(now.weight, now.bias), windows)

    def found(index: int) -> Negatives:
        if now.round == 0:
            return random_negatives(photos, index, windows, settings, classes, seed)
        return hard_negatives(photos, index, detector, settings)

    left = range(now.photo, len(photos))
    parts = watched(
        map(found, left), title=title, unit="photo", total=len(photos), initial=now.photo, show=progress
    )
    for index, part in zip(left, parts, strict=True):
        now.gathered.append(part)
        now.photo = index + 1
        if sum(len(some) for some in now.gathered) > 2 * settings.most:
            now.gathered = [Negatives.joined(now.gathered).worst(settings.most)]
        if keep is not None and keep.due():
            keep.write(*now.parts())


@stage("SVMs")
def _fit(
    positives: Sequence[Float32], negatives: Negatives, settings: WindowSVMSettings, seed: int, number: int
) -> tuple[Float32, Float32, dict[str, float]]:
    """Train on all examples; return weights, biases and what is worth noting."""
    classes, objects = len(positives), sum(len(own) for own in positives)
    features = np.concatenate([*positives, negatives.features])
    owner = np.repeat(np.arange(classes), [len(own) for own in positives])
    labels = np.concatenate(
        [
            np.where(owner[:, None] == np.arange(classes), 1, -1),
            np.where(negatives.eligible, -1, 0),
        ]
    )
    solution = fit_one_vs_rest(
        features,
        labels,
        settings,
        tol=settings.tol,
        max_epochs=settings.max_epochs,
        rng=np.random.default_rng([seed, number]),
    )
    own = solution.scores[np.arange(objects), owner]
    false = ((solution.scores[objects:] > 0) & negatives.eligible).any(axis=1)
    record = {
        "objects": objects,
        "negatives": len(negatives),
        "objective": float(solution.objective.mean()),
        "recall": float((own > 0).mean()),
        "false_alarms": float(false.mean()),
    }
    weight = np.ascontiguousarray(solution.weights, np.float32)
    return weight, solution.intercepts.astype(np.float32), record


def trace_file(folder: Path) -> Path:
    """Return where the rounds of a run in `folder` are noted."""
    return folder / "hog-svm.trace.jsonl"


def write_trace(folder: Path, records: Sequence[dict[str, float]]) -> None:
    """Write a line of JSON for each round."""
    write_text(trace_file(folder), "".join(json.dumps(record) + "\n" for record in records))


def read_trace(folder: Path) -> list[dict[str, float]]:
    """Return the records of the rounds of the run in `folder`; none if there are none yet."""
    path = trace_file(folder)
    if not path.is_file():
        return []
    return [json.loads(line) for line in read_bytes(path).splitlines()]
