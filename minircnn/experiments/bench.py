"""What experiments share: photos, settings, proposals, trained detectors, measurements.

Everything that takes long is kept in one folder under a digest of what it follows from (settings, photos, the
package's code), so that experiments take it from each other, and a run that was killed goes on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minircnn.arrays import HostArray
from minircnn.data.opening import FirstPhotos
from minircnn.detectors import RegionDetector, load_detector
from minircnn.detectors.running import Outcome, run_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.evaluation import VocResult, evaluate_voc
from minircnn.experiments.settings import changed, shortened
from minircnn.files import read_bytes
from minircnn.proposals import Proposer
from minircnn.structures import Annotations, DetectionDataset, FloatArray
from minircnn.training import RECIPES, BackboneSettings, DetectorSettings, as_json, compute_proposals, train
from minircnn.training.code_digest import code_digest
from minircnn.training.fingerprint import DataFingerprint
from minircnn.training.kept_arrays import read_kept, write_kept
from minircnn.training.run_folder import unless_done

T = TypeVar("T")

TIMED_PHOTOS = 20
"""Of which times are taken."""


@dataclass(frozen=True)
class Bench:
    """Photos, and what is made of them, for experiments to share.

    Parameters
    ----------
    train, test : DetectionDataset
    folder : Path
        Of what is kept.
    seed : int
        Of everything that is drawn at random.
    quick : bool
        Only to see that everything runs: trainings of a few seconds, whose figures mean nothing.
    updates : float
        Times the preset's updates that a network is trained for.
    preset : str, optional
        Of the recipes; default: the one for the built-in scenes.
    backbone : BackboneSettings, optional
        Name, weights and what else it says take the place of the preset's.
    limit : int, optional
        Proposals of a photo, in the place of the preset's number.
    jobs : int
        Processes that propose and detect.
    progress : bool
    """

    train: DetectionDataset
    test: DetectionDataset
    folder: Path
    seed: int = 0
    quick: bool = False
    updates: float = 1.0
    preset: str = "classroom"
    backbone: BackboneSettings | None = None
    limit: int | None = None
    jobs: int = 1
    progress: bool = True
    _memory: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def seeded(self, seed: int) -> Bench:
        """Return the same with another seed."""
        return dataclasses.replace(self, seed=seed)

    # -- settings ------------------------------------------------------------------------------------------

    def settings(self, recipe: str, changes: Mapping[str, Any] | None = None) -> Any:
        """Return the settings of `recipe` on these photos, under this seed.

        Parameters
        ----------
        recipe : str
            Of ``RECIPES``.
        changes : mapping of str to value, optional
            By dotted name: ``{"svm.negative_iou": 0.1}``. Iterations are given as the preset has them, and
            shortened with it.
        """
        settings = changed(RECIPES[recipe].presets[self.preset], {"seed": self.seed})
        if self.backbone is not None and hasattr(settings, "backbone"):
            settings = changed(settings, {f"backbone.{k}": v for k, v in self._backbone_fields().items()})
        if self.limit is not None and hasattr(settings, "proposals"):
            settings = changed(settings, {"proposals.limit": self.limit})
        if hasattr(settings, "postprocess"):
            # no paper has box voting: it would move boxes that a row leaves where they are
            settings = changed(settings, {"postprocess.vote_iou": None})
        return shortened(changed(settings, changes or {}), self.updates)

    def _backbone_fields(self) -> dict[str, Any]:
        """Return name and weights of the backbone, and what else is said of it."""
        own = as_json(self.backbone)
        return {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in own.items()
            if value is not None
        }

    def weights_digest(self) -> str | None:
        """Return a digest of the backbone's file of weights, as other ones may lie there one day.

        None without one, or where the weights are published ones, which their name tells.
        """
        weights = None if self.backbone is None else self.backbone.weights
        if weights is None or not Path(weights).is_file():
            return None
        key = ("weights", weights)
        if key not in self._memory:
            self._memory[key] = hashlib.sha256(read_bytes(weights)).hexdigest()
        found: str = self._memory[key]
        return found

    # -- data ----------------------------------------------------------------------------------------------

    def remembered(self, dataset: DetectionDataset, what: Hashable, compute: Callable[[], T]) -> T:
        """Return `what` follows from `dataset`, computed once in this process, for all seeds."""
        key = (id(dataset), what)
        if key not in self._memory:  # the data set is kept with it, or its number could be another's
            self._memory[key] = (compute(), dataset)
        value: T = self._memory[key][0]
        return value

    def fingerprint(self, dataset: DetectionDataset) -> dict[str, Any]:
        """Return what tells `dataset` from others: digests of its photos and of what is marked in them."""
        return self._data_fingerprint(dataset).summary()

    def photo_digests(self, dataset: DetectionDataset) -> Sequence[str]:
        """Return the digest of each photo of `dataset`."""
        return self._data_fingerprint(dataset).digests

    def _data_fingerprint(self, dataset: DetectionDataset) -> DataFingerprint:
        return self.remembered(dataset, "fingerprint", lambda: DataFingerprint.of(dataset))

    def annotations(self, dataset: DetectionDataset) -> list[Annotations]:
        """Return what is marked in each photo of `dataset`."""
        return self.remembered(
            dataset, "annotations", lambda: [dataset.annotations(i) for i in range(len(dataset))]
        )

    def proposals(self, dataset: DetectionDataset, proposer: Proposer) -> list[FloatArray]:
        """Return what `proposer` proposes in each photo of `dataset`."""
        return compute_proposals(
            dataset, proposer, folder=self.folder / "proposals", n_jobs=self.jobs, progress=self.progress
        )

    # -- what takes long -----------------------------------------------------------------------------------

    def trained(
        self, settings: DetectorSettings, dataset: DetectionDataset | None = None
    ) -> RegionDetector[Any]:
        """Return the detector of `settings`, trained on `dataset` (default: the training photos), once."""
        return load_detector(self.trained_in(settings, dataset) / MODEL_FILE)

    def trained_in(self, settings: DetectorSettings, dataset: DetectionDataset | None = None) -> Path:
        """Return the folder of that training's run, finished.

        Where another process trains it, wait for that one.
        """
        dataset = self.train if dataset is None else dataset
        key = {"settings": as_json(settings), "data": self.fingerprint(dataset), "code": code_digest()}
        if (weights := self.weights_digest()) is not None:
            key["weights"] = weights
        folder = self.folder / "trained" / f"{settings.detector}-{digest(key)}"
        unless_done(
            lambda: (folder / MODEL_FILE).is_file(),
            lambda: train(
                dataset,
                settings,
                folder,
                resume=True,
                n_jobs=self.jobs,
                proposal_folder=self.folder / "proposals",
                map_folder=self.folder / "maps",
                progress=self.progress,
            ),
        )
        return folder

    def kept_array(self, key: Mapping[str, Any], compute: Callable[[], HostArray]) -> HostArray:
        """Return the array that follows from `key` (ready for JSON), computed once and kept on the disk.

        It is computed again when the package's code has changed, or the module that `compute` stands in.
        """
        own = Path(str(sys.modules[compute.__module__].__file__))
        code = [code_digest(), hashlib.sha256(own.read_bytes()).hexdigest()]
        whole = {**key, "code": code, "weights": self.weights_digest()}
        path = self.folder / "arrays" / f"{digest(whole)}.npy"
        try:
            return read_kept(path)
        except (FileNotFoundError, ValueError):  # none yet, or damaged
            array = compute()
            write_kept(path, array)
            return array

    def run(
        self,
        detector: RegionDetector[Any],
        *,
        proposals: Sequence[FloatArray] | None = None,
        dataset: DetectionDataset | None = None,
    ) -> Outcome:
        """Detect in all test photos, with the detector's own proposer unless `proposals` are given."""
        dataset = self.test if dataset is None else dataset
        if proposals is None and detector.proposer is not None:
            proposals = self.proposals(dataset, detector.proposer)
        return run_detector(detector, dataset, proposals, n_jobs=self.jobs, progress=self.progress)

    def seconds_a_photo(self, detector: RegionDetector[Any], *, proposing: bool = False) -> float:
        """Return what a test photo takes, one at a time: the mean of the first ones.

        Proposals from outside are not counted but where `proposing`.
        """
        few = FirstPhotos(self.test, 1 + TIMED_PHOTOS)
        proposer = None if proposing else detector.proposer
        proposals = None if proposer is None else self.proposals(few, proposer)
        seconds = run_detector(detector, few, proposals, progress=False).seconds
        return float(np.mean(seconds[1:] or seconds))  # the first one waits for memory

    def evaluate(self, detector: RegionDetector[Any], **options: Any) -> VocResult:
        """Return the result of :meth:`run` at IoU 0.5."""
        outcome = self.run(detector, **options)
        return evaluate_voc(outcome.detections, outcome.annotations)


def digest(key: Any) -> str:
    """Return a short digest of what is ready for JSON."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
