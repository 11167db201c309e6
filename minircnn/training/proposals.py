"""Proposals of a whole data set, computed once and kept on disk, a file a photo."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from pathlib import Path

import numpy as np
from joblib import delayed

from minircnn.files import write_bytes
from minircnn.progress import progress_bar
from minircnn.proposals import Proposer, SelectiveSearch, describe_proposer
from minircnn.structures import DetectionDataset, FloatArray
from minircnn.workers import run_tasks


def compute_proposals(
    dataset: DetectionDataset,
    proposer: Proposer,
    *,
    folder: Path | None = None,
    limit: int | None = None,
    n_jobs: int = 1,
    progress: bool = True,
) -> list[FloatArray]:
    """Run `proposer` on every photo of `dataset`.

    Parameters
    ----------
    folder : Path, optional
        Keeps the boxes of every photo; photos found there are not computed again, so an interrupted call
        continues where it stopped. Boxes of other settings lie in other sub-folders.
    limit : int, optional
        At most this many boxes a photo, best rank first; default: as many as the proposer's own limit.
    n_jobs : int
        Processes.

    Returns
    -------
    list of (R, 4) float32 arrays
        In the order of the data set.
    """
    limit = getattr(proposer, "limit", None) if limit is None else limit
    if isinstance(proposer, SelectiveSearch):
        # all boxes are kept, so that another limit need not compute them again
        proposer = dataclasses.replace(proposer, limit=None, n_jobs=1)
    key = hashlib.sha256(json.dumps(describe_proposer(proposer), sort_keys=True).encode()).hexdigest()[:12]
    files = [
        folder / key / f"{_file_name(image_id)}.npy" if folder else None for image_id in dataset.image_ids
    ]
    missing = [i for i, file in enumerate(files) if file is None or not file.is_file()]
    found: dict[int, FloatArray] = {}  # by number, of photos that are not written
    results = run_tasks((delayed(_propose)(dataset, proposer, i) for i in missing), n_jobs)
    show = progress and bool(missing)
    for i, boxes in progress_bar(results, show=show, total=len(missing), desc="proposals", unit="photo"):
        file = files[i]
        if file is None:
            found[i] = boxes
        else:
            _write(file, boxes)
    all_boxes = [found[i] if file is None else np.load(file) for i, file in enumerate(files)]
    return [boxes[:limit] for boxes in all_boxes]


def _propose(dataset: DetectionDataset, proposer: Proposer, index: int) -> tuple[int, FloatArray]:
    return index, proposer.propose(dataset.image(index), image_id=dataset.image_ids[index])


def _file_name(image_id: str) -> str:
    """Return a file name for an image id that may itself be a path."""
    return image_id.replace("/", "__").replace("\\", "__")


def _write(file: Path, boxes: FloatArray) -> None:
    content = io.BytesIO()  # numpy.save to a file would hide that the disk is full
    np.save(content, boxes)
    write_bytes(file, content.getvalue())
