"""What the commands are told of a detector: where it lies, and how it runs."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from minircnn.arrays import Device, device_namespace
from minircnn.cli.models import model_file, why_no_detector
from minircnn.detectors import RegionDetector, load_detector
from minircnn.proposals import SelectiveSearch


def open_detector(
    model: Path,
    *,
    svd: dict[str, int] | None = None,
    device: Device = "cpu",
    batch: int | None = None,
    max_width: int | None = None,
) -> RegionDetector[Any]:
    """Load a detector by its file, its run's folder or the word 'pretrained', onto `device`.

    Parameters
    ----------
    svd : dict of str to int, optional
        Ranks of the layers to compress.
    batch : int, optional
        Regions judged at once; default: what the file says.
    max_width : int, optional
        Width of photos while proposals are searched; default: what the file says.

    Raises
    ------
    FileNotFoundError
        If there is no finished detector.
    RuntimeError
        If the device cannot be used.
    ValueError
        If the batch or the width is below 1, proposals are not searched, or a detector that runs on the CPU
        alone is to run on a GPU.
    """
    device_namespace(device)  # what it lacks is said before anything is read
    path = model_file(model)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {why_no_detector(model)}")
    if batch is not None and batch < 1:
        raise ValueError(f"--batch must be 1 or more, got {batch}")
    if max_width is not None and max_width < 1:
        raise ValueError(f"--max-width must be 1 or more, got {max_width}")
    detector = load_detector(path, device, svd=svd)
    if max_width is not None:
        if not isinstance(detector.proposer, SelectiveSearch):
            raise ValueError(
                f"--max-width is for selective search; proposals of {path}: {detector.proposal_source}"
            )
        detector.proposer = dataclasses.replace(detector.proposer, max_width=max_width)
    if batch is not None:
        detector.batch = batch
    return detector


def require_score(min_score: float | None) -> None:
    """Refuse a least score that no number can be compared with.

    Raises
    ------
    ValueError
        If it is NaN.
    """
    if min_score is not None and math.isnan(min_score):
        raise ValueError("--min-score must be a number, got nan")


def parse_svd(text: str | None) -> dict[str, int] | None:
    """Read ``fc6=1024,fc7=256``.

    Raises
    ------
    ValueError
        If it reads otherwise, names a layer twice or a rank of 0.
    """
    if text is None:
        return None
    ranks: dict[str, int] = {}
    for part in text.split(","):
        name, rank = (word.strip() for word in part.partition("=")[::2])
        if not name or name in ranks or not rank.isdecimal() or int(rank) < 1:
            raise ValueError(f"--svd must read like fc6=1024,fc7=256, each layer once, got {text!r}")
        ranks[name] = int(rank)
    return ranks
