"""A face detector trained from nothing, on a classic benchmark: ``python -m benchmarks.faces FOLDER``.

FOLDER holds Caltech's web faces as crops (faces_caltech36), photos without faces (nonface_scenes), and photos
of the CMU+MIT frontal face test set (cmu_mit). The settings of the training were fixed before the benchmark
was looked at. Every window is judged; with the steps and skips of OpenCV (``--sparse``), which was tried
first, some faces are missed.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import App, Parameter

from minircnn.detectors import GroupingSettings, ViolaJones, save_detector
from minircnn.detectors.viola_jones import cut_boxes
from minircnn.evaluation import evaluate_voc
from minircnn.heads.cascade import ScanSettings
from minircnn.imaging import as_grey, read_image
from minircnn.structures import Annotations, Detections, FloatArray
from minircnn.training import CascadeSettings, TrainedCascade, train_cascade

INSET = 4 / 36
"""Of Caltech's crops on each side: hair and background are left out, and detections grown back."""

app = App(name="python -m benchmarks.faces", help=__doc__)


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Parameters
    ----------
    trained : TrainedCascade
    detector : ViolaJones
    seconds : float
        Processor time of the training.
    ap, recall : float
        At IoU 0.5.
    """

    trained: TrainedCascade
    detector: ViolaJones
    seconds: float
    ap: float
    recall: float


@dataclass(frozen=True)
class FaceBenchmark:
    """A training on Caltech's faces and its test on CMU's.

    Parameters
    ----------
    folder : Path
    crops, photos, test_photos : int
        Used at most, of faces, of photos without them, and of photos to test on.
    stages : int
    sparse : bool
        Scan as OpenCV does.
    """

    folder: Path
    crops: int = 10_000
    photos: int = 1_000
    stages: int = 38
    test_photos: int = 1_000
    sparse: bool = False

    def run(self, *, progress: bool = False) -> Outcome:
        """Train and test."""
        settings = CascadeSettings(
            features=4000,
            stages=self.stages,
            layer_sizes=(),
            false_alarm=0.4,
            negatives=5000,
            crop_inset=INSET,
            margin=1,
        )
        crops = np.load(self.folder / "faces_caltech36" / "faces_caltech36.npz")
        faces = crops[crops.files[0]][: self.crops]
        whole = np.array([[0.0, 0, 36, 36]])
        windows = [cut_boxes(face, whole, settings.growth, *settings.shape)[0] for face in faces]
        paths = sorted((self.folder / "nonface_scenes").iterdir())[: self.photos]
        photos = [as_grey(read_image(path)) for path in paths]
        start = time.process_time()
        trained = train_cascade(np.stack(windows), photos, settings, mirror=True, progress=progress)
        seconds = time.process_time() - start
        detector = ViolaJones(
            (trained.cascade,),
            ("face",),
            ScanSettings() if self.sparse else ScanSettings(step=1, skip=False),
            GroupingSettings(min_neighbors=1),
            settings.growth,
        )
        ap, recall = self.measure(detector)
        return Outcome(trained, detector, seconds, ap, recall)

    def measure(self, detector: ViolaJones) -> tuple[float, float]:
        """Return average precision and recall of a face detector at IoU 0.5."""
        found: list[Detections] = []
        truths: list[Annotations] = []
        for name, boxes in list(self.truth().items())[: self.test_photos]:
            image = read_image(self.folder / "cmu_mit" / "images" / name)
            height, width = image.shape[:2]
            labels = np.ones(len(boxes), np.int64)
            truths.append(Annotations(boxes, labels, ("face",), height, width, image_id=name))
            found.append(detector.detect(image, keep_image=False))
        result = evaluate_voc(found, truths).per_class["face"]
        return result.ap or 0.0, float(result.recall.max(initial=0.0))

    def truth(self) -> dict[str, FloatArray]:
        """Return the boxes (G, 4) of the faces in each photo."""
        boxes: dict[str, list[list[float]]] = {}
        for line in (self.folder / "cmu_mit" / "ground_truth_bboxes.txt").read_text().splitlines():
            name, *edges = line.split()
            boxes.setdefault(name, []).append([float(edge) for edge in edges])
        return {name: np.array(own) for name, own in sorted(boxes.items())}


@app.default
def main(
    folder: Path,
    /,
    *,
    model: Annotated[Path | None, Parameter(help="Also write the detector.")] = None,
    sparse: Annotated[bool, Parameter(negative="", help="Scan as OpenCV does.")] = False,
) -> None:
    """Train on all faces and photos in FOLDER, and print what came of it."""
    outcome = FaceBenchmark(folder, sparse=sparse).run(progress=True)
    for record in outcome.trained.trace:
        print(json.dumps(record))
    print(f"{outcome.trained.cascade.stages} stages, {len(outcome.trained.cascade.node_feature)} features")
    print(outcome.trained.reason)
    print(f"{outcome.seconds:.0f} s, AP@.5 {outcome.ap:.3f}, recall {outcome.recall:.3f}")
    if model is not None:
        save_detector(model, outcome.detector)


if __name__ == "__main__":
    app()
