"""HOG + SVM trained on pedestrians, round by round, beside OpenCV's: ``python -m benchmarks.people FOLDER``.

FOLDER holds MIT's pedestrians as crops (pedestrians_mit64x128), photos without people (nonface_scenes), and
photos of the Penn-Fudan set with masks (penn_fudan), on which all are tested.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import App, Parameter

from minircnn.detectors import HogSVM
from minircnn.evaluation import evaluate_voc
from minircnn.features import PyramidSettings
from minircnn.imaging import read_image, read_index_map
from minircnn.structures import Annotations, FloatArray
from minircnn.training import HogSVMSettings, train_hog_svm_on_crops

app = App(name="python -m benchmarks.people", help=__doc__)


def people_of(mask: Path) -> FloatArray:
    """Return the boxes (G, 4) of the people in a picture of masks: each has a value of its own."""
    values = read_index_map(mask)
    boxes = []
    for value in np.unique(values)[1:]:
        ys, xs = np.nonzero(values == value)
        boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    return np.array(boxes, np.float64)


def measure(detector: HogSVM, folder: Path) -> tuple[float, float]:
    """Return average precision and recall of a people detector at IoU 0.5."""
    found, truths = [], []
    for path in sorted((folder / "penn_fudan" / "images").iterdir()):
        image = read_image(path)
        (mask,) = (folder / "penn_fudan" / "masks").glob(f"{path.stem}*")
        boxes = people_of(mask)
        labels = np.ones(len(boxes), np.int64)
        truths.append(Annotations(boxes, labels, ("person",), *image.shape[:2], image_id=path.stem))
        found.append(detector.detect(image, keep_image=False))
    result = evaluate_voc(found, truths).per_class["person"]
    return result.ap or 0.0, float(result.recall.max(initial=0.0))


@app.default
def main(
    folder: Path,
    /,
    *,
    rounds: Annotated[int, Parameter(help="Of hard negatives, at most.")] = 2,
    numbers: Annotated[Path | None, Parameter(help="OpenCV's 3,781 numbers: a file of them.")] = None,
) -> None:
    """Train with 0, 1, … rounds of hard negatives, and print what each reaches."""
    pyramid = PyramidSettings(padding=32)
    crops = np.load(folder / "pedestrians_mit64x128" / "crops.npz")
    people = crops[crops.files[0]]  # (N, 128, 64, 3)
    photos = [read_image(path) for path in sorted((folder / "nonface_scenes").iterdir())]
    for count in range(rounds + 1):
        settings = HogSVMSettings(pyramid=pyramid, rounds=count)
        start = time.process_time()
        detector = train_hog_svm_on_crops(people, photos, settings, class_name="person", progress=True)
        seconds = time.process_time() - start
        ap, recall = measure(detector, folder)
        print(
            f"{count} rounds of hard negatives: AP {ap:.3f}, recall {recall:.3f}, trained in {seconds:.0f} s"
        )
    if numbers is not None:
        for padding in (0, 16, 32):
            given = HogSVM.people(numbers)
            windows = dataclasses.replace(given.windows, pyramid=PyramidSettings(padding=padding))
            ap, recall = measure(dataclasses.replace(given, windows=windows), folder)
            print(f"OpenCV's numbers, padding {padding}: AP {ap:.3f}, recall {recall:.3f}")


if __name__ == "__main__":
    app()
