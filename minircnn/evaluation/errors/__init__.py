"""What kind of error every detection is, and what each kind costs: TIDE's error analysis."""

from minircnn.evaluation.errors.analysis import Breakdown, DetectionErrors, detection_errors
from minircnn.evaluation.errors.examples import Example, worst_examples
from minircnn.evaluation.errors.kinds import BACKGROUND_IOU, CORRECT, KINDS, PhotoErrors, photo_errors
from minircnn.evaluation.errors.mending import SPECIAL_KINDS
from minircnn.evaluation.errors.sizes import SIZES

__all__ = [
    "BACKGROUND_IOU",
    "CORRECT",
    "KINDS",
    "SIZES",
    "SPECIAL_KINDS",
    "Breakdown",
    "DetectionErrors",
    "Example",
    "PhotoErrors",
    "detection_errors",
    "photo_errors",
    "worst_examples",
]
