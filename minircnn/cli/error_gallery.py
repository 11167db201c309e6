"""The page of ``minircnn evaluate --errors --out``: the worst of each kind, pictured and in words."""

from __future__ import annotations

import numpy as np

from minircnn.boxes import box_iou
from minircnn.cli.error_report import MEANINGS
from minircnn.cli.measuring import Measured
from minircnn.cli.pages import Captioned
from minircnn.evaluation import DetectionErrors
from minircnn.evaluation.errors import BACKGROUND_IOU, KINDS, Example, worst_examples
from minircnn.structures import Annotations, Detections
from minircnn.viz import Report, draw_error

_EACH = 4  # pictures of a kind

_WORDS = {
    "classification": "{claim}, but the object is {object} (IoU {iou}).",
    "localization": "{claim}; the box overlaps the object by an IoU of {iou} only.",
    "both": "{claim}; the box overlaps {object} by an IoU of {iou} only.",
    "duplicate": "{claim}, on an object that a better detection has found (IoU {iou}).",
    "background": "{claim}, where no object is (largest IoU {iou}).",
    "missed": "{object}, {share} of the photo; {nearest}.",
}


def error_gallery(measured: Measured, errors: DetectionErrors, name: str) -> Report:
    """Return the page; photos that cannot be read raise ImageError or OSError."""
    dataset, found = measured.dataset, measured.certain
    page = Report(
        f"The worst errors of {name} on {dataset.name}",
        "Wrong detections with the best scores, and the largest objects that were missed; at most one a "
        "photo and kind. Dotted frames are detections, dashed ones the objects they have to do with.",
    )
    for kind in KINDS:
        examples = worst_examples(errors, found.detections, found.annotations, kind, _EACH)
        count = errors.total.counts[kind]
        text = (
            f"{count:,} {MEANINGS[kind]}." if kind == "missed" else f"{count:,} detections: {MEANINGS[kind]}."
        )
        page.section(kind.capitalize(), text, [_picture(measured, example) for example in examples])
    return page


def _picture(measured: Measured, example: Example) -> Captioned:
    found = measured.certain.detections[example.photo]
    truth = measured.certain.annotations[example.photo]
    detection = object_ = None
    if example.detection is not None:
        row = example.detection
        detection = found.boxes[row], f"{_class(found, row)} {found.scores[row]:.2f}"
    if example.object is not None:
        object_ = truth.boxes[example.object], f"object: {_class(truth, example.object)}"
    figure = draw_error(
        measured.dataset.image(example.photo), detection, object_, missed=example.kind == "missed"
    )
    return figure, f"{measured.dataset.image_ids[example.photo]}: {_in_words(example, found, truth)}"


def _in_words(example: Example, found: Detections, truth: Annotations) -> str:
    claim = object_ = nearest = ""
    if example.detection is not None:
        claim = f"“{_class(found, example.detection)}” with a score of {found.scores[example.detection]:.2f}"
        nearest = f"the nearest detection is {claim} (IoU {example.overlap:.2f})"
    if example.object is not None:
        object_ = f"“{_class(truth, example.object)}”"
    words = _WORDS[example.kind].format(
        claim=claim,
        object=object_,
        iou=f"{example.overlap:.2f}",
        share=f"{example.weight:.1%}",
        nearest=nearest or "no detection touches it",
    )
    return words + (_beside(found, truth, example.detection) if example.kind == "background" else "")


def _beside(found: Detections, truth: Annotations, row: int | None) -> str:
    """Name the difficult object that a detection of background lies on, if there is one."""
    difficult = np.flatnonzero(truth.difficult)
    if row is None or not len(difficult):
        return ""
    iou = box_iou(found.boxes[[row]].astype(np.float64), truth.boxes[difficult].astype(np.float64))[0]
    if iou.max() <= BACKGROUND_IOU:
        return ""
    name = _class(truth, int(difficult[iou.argmax()]))
    return f" A difficult object, which does not count, is there: “{name}” (IoU {iou.max():.2f})."


def _class(record: Annotations | Detections, row: int) -> str:
    name: str = record.class_names[record.labels[row] - 1]
    return name
