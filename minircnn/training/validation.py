"""Validation while a detector is trained: how good it is so far, the best one kept, and when to stop.

Validation draws no random number and changes no weight: with it a training makes the updates that it makes
without. All that is known of earlier validations stands in their log: a run that goes on knows what it knew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn.arrays import Device
from minircnn.checks import optional, require, whole
from minircnn.detectors import RegionDetector, StorageError, load_detector, save_detector
from minircnn.evaluation import VocResult, evaluate_voc, join_classes, relabel
from minircnn.files import read_bytes, write_bytes
from minircnn.profiling import stage
from minircnn.progress import progress_bar
from minircnn.proposals import Proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.training.fingerprint import DataFingerprint, OtherDataError
from minircnn.training.log import append_log, read_log, trim_log

logger = logging.getLogger("minircnn")

LOG_FILE = "validation.log.jsonl"
BEST_FILE = "best.safetensors"
LAST_FILE = "last.safetensors"


@dataclass(frozen=True)
class Validation:
    """On which photos a detector is tried while it is trained, and how often.

    Parameters
    ----------
    dataset : DetectionDataset
        Photos that are not trained on.
    every : int or None
        Updates between two validations; None: a tenth of all. One more follows the last update.
    patience : int or None
        The training ends after so many validations in a row without a better one; None: never.
    after : callable
        Called after each validation.

    Raises
    ------
    ValueError
        If a number makes no sense, or no object is there to be found.
    """

    dataset: DetectionDataset
    every: int | None = None
    patience: int | None = None
    after: Callable[[], Any] = lambda: None

    def __post_init__(self) -> None:
        require(self, "validation", every=optional(whole(1)), patience=optional(whole(1)))
        truths = (self.dataset.annotations(index) for index in range(len(self.dataset.image_ids)))
        if all(truth.difficult.all() for truth in truths):
            raise ValueError(f"{self.dataset.name}: no (not difficult) object to validate on")

    def interval(self, iterations: int) -> int:
        """Return the updates between two validations of a training of so many `iterations`."""
        return self.every or max(1, iterations // 10)


@dataclass(frozen=True)
class ValidationSummary:
    """What the validations of a run have shown: mAP of the best detector and of the last.

    Parameters
    ----------
    best_iteration, last_iteration : int
        Updates that each had seen.
    best_map, last_map : float
    stopped : bool
        The training ended early, as none was better for long.
    """

    best_iteration: int
    best_map: float
    last_iteration: int
    last_map: float
    stopped: bool


class Validator:
    """Tries the detector of one run on the validation photos.

    Parameters
    ----------
    plan : Validation
    data : DataFingerprint
        Of its photos.
    proposals : sequence of (R, 4) arrays or None
        Of its photos; None: the detectors propose themselves.
    proposer : Proposer or None
        Of the detectors that are kept.
    folder : Path
        Of the run; receives ``validation.log.jsonl`` and ``best.safetensors``.
    progress : bool
    """

    def __init__(
        self,
        plan: Validation,
        data: DataFingerprint,
        proposals: Sequence[FloatArray] | None,
        proposer: Proposer | None,
        folder: Path,
        *,
        progress: bool = True,
    ) -> None:
        self.plan, self.proposer = plan, proposer
        self._proposals, self._folder, self._progress = proposals, folder, progress
        self._data = int(data.summary()["data.digest"][:12], 16)  # a log holds numbers only
        self._iterations, self._every = 0, 1
        self._records: list[dict[str, float]] = []

    def begin(self, iteration: int, iterations: int) -> None:
        """Take up a training of so many `iterations` where it stands, at `iteration`.

        Raises
        ------
        OtherDataError
            If earlier validations saw other photos.
        """
        log = self._folder / LOG_FILE
        trim_log(log, iteration)
        self._records = read_log(log)
        self._iterations, self._every = iterations, self.plan.interval(iterations)
        if any(record.get("data") != self._data for record in self._records):
            raise OtherDataError(
                f"{log}: earlier validations saw other photos than those of {self.plan.dataset.name} now: "
                "they cannot be compared; continue with the same ones (--validate, --validate-photos), or "
                f"delete {log.name} and {BEST_FILE}: validation then begins anew"
            )

    @property
    def best(self) -> dict[str, float] | None:
        """Record of the best validation, the first of equals; None before the first."""
        return max(self._records, key=lambda record: record["mAP"], default=None)

    @property
    def last(self) -> dict[str, float] | None:
        """Record of the last validation."""
        return self._records[-1] if self._records else None

    @property
    def exhausted(self) -> bool:
        """Whether none was better for so long that the training ends."""
        if self.best is None or self.plan.patience is None:
            return False
        return len(self._records) - 1 - self._records.index(self.best) >= self.plan.patience

    def due(self, iteration: int) -> bool:
        """Return whether the detector of `iteration` is to be validated, and was not yet."""
        wanted = iteration % self._every == 0 or iteration == self._iterations
        return wanted and iteration > 0 and all(record["iteration"] != iteration for record in self._records)

    @stage("validation")
    def look(self, detector: RegionDetector[Any], iteration: int, interrupted: object = False) -> None:
        """Try the `detector` of `iteration`, and keep it if none was better.

        Once `interrupted` is true nothing is noted: the run begins with this validation when it goes on.
        """
        start = time.perf_counter()
        result = self._measure(detector, interrupted)
        if result is None:
            return
        known = {f"AP {name}": own.ap for name, own in result.per_class.items() if own.ap is not None}
        numbers = {"mAP": result.map, "photos": len(self.plan.dataset.image_ids), "data": self._data}
        record = {"iteration": iteration, **numbers, "seconds": time.perf_counter() - start, **known}
        if self.best is None or result.map > self.best["mAP"]:
            save_detector(self._folder / BEST_FILE, detector)  # first: what the log tells of is there
        append_log(self._folder / LOG_FILE, record)
        self._records.append(record)
        self.plan.after()

    def _measure(self, detector: RegionDetector[Any], interrupted: object) -> VocResult | None:
        dataset = self.plan.dataset
        names = join_classes(detector.class_names, dataset.class_names).names
        found, truth = [], []
        bar = progress_bar(
            dataset.image_ids, show=self._progress, desc="validation", unit="photo", delay=1, leave=False
        )
        for index, image_id in enumerate(bar):
            if interrupted:
                return None
            boxes = None if self._proposals is None else self._proposals[index]
            detections = detector.detect(
                dataset.image(index), proposals=boxes, image_id=image_id, keep_image=False
            )
            found.append(relabel(detections, names))
            truth.append(relabel(dataset.annotations(index), names))
        return evaluate_voc(found, truth)

    def summary(self) -> ValidationSummary | None:
        """Return what the validations have shown; None if there was none."""
        best, last = self.best, self.last
        if best is None or last is None:
            return None
        stopped = int(last["iteration"]) < self._iterations
        return ValidationSummary(
            int(best["iteration"]), best["mAP"], int(last["iteration"]), last["mAP"], stopped
        )

    def store(self, detector: RegionDetector[Any], path: Path, device: Device) -> RegionDetector[Any]:
        """Write the best detector to `path` and `detector`, the last, beside it; return the best.

        Where the file of the best is gone, the last stands in its place, and that is said.
        """
        save_detector(path.with_name(LAST_FILE), detector)
        try:
            best = load_detector(self._folder / BEST_FILE, device)
        except (FileNotFoundError, StorageError) as error:
            logger.warning("the best detector is lost (%s): %s holds the last", error, path)
            save_detector(path, detector)
            return detector
        write_bytes(path, read_bytes(self._folder / BEST_FILE))
        return best
