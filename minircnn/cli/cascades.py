"""Detectors that are a cascade in OpenCV's format, by its file or by the name of one that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skimage.data import lbp_frontal_face_cascade_filename

from minircnn.arrays import Device
from minircnn.detectors import RegionDetector, ViolaJones

LBP_FACE = "lbp-face"
"""The word for the cascade of frontal faces that comes with scikit-image, unless a file is called so."""


def cascade_file(cascade: str) -> Path:
    """Return the file of a cascade that is named by its file or by the word `LBP_FACE`."""
    path = Path(cascade)
    if cascade == LBP_FACE and not path.exists():
        return Path(lbp_frontal_face_cascade_filename())
    return path


def open_cascade(
    cascade: str, class_name: str | None, *, device: Device = "cpu", batch: int | None = None
) -> RegionDetector[Any]:
    """Return the detector of a cascade, with the numbers of OpenCV.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it holds no cascade, or an option or the device does not suit it.
    """
    ViolaJones.require_device(device)
    path = cascade_file(cascade)
    if not path.exists():
        raise FileNotFoundError(
            f"no file {path}: --cascade takes an XML file of OpenCV, or the word {LBP_FACE}"
        )
    if batch is not None and batch < 1:
        raise ValueError(f"--batch must be 1 or more, got {batch}")
    usual = "face" if cascade == LBP_FACE else "object"
    detector = ViolaJones.from_cascade_file(path, class_name or usual)
    if batch is not None:
        detector.batch = batch
    return detector
