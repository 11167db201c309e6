"""The features of every region, kept on disk, for SVMs and box regressors that are fitted to them afterwards.

The SVMs need the fc7 features of every region, so all are stored: their size is announced first. The box
regressors need pool5, which is far larger, only of the regions close to an object: only those are stored.
(R-CNN's released code stores pool5 of all regions and computes fc6 and fc7 again whenever it reads them.)
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import delayed

from minircnn import files
from minircnn.arrays import HostArray, to_host
from minircnn.detectors.linear_parts import LinearPartsDetector
from minircnn.progress import progress_bar
from minircnn.structures import BoolArray, FloatArray
from minircnn.training.old_runs import old_feature_key
from minircnn.training.regions import PhotoReader, RegionRecord
from minircnn.workers import run_tasks

logger = logging.getLogger("minircnn")


class CacheError(RuntimeError):
    """The feature cache cannot be made."""


@dataclass(frozen=True)
class FeatureCache:
    """Memory-mapped features of a data set's regions.

    Parameters
    ----------
    fc7 : (T, D7) array
        Of all T regions, photo after photo, ground truth first in each.
    pool5 : (P, D5) array
        Of the regions that overlap their object by more than the box regressors' minimum.
    first : (N + 1,) int array
        Photo i's regions are rows ``first[i]:first[i + 1]`` of `fc7`.
    """

    fc7: HostArray
    pool5: HostArray
    first: HostArray

    def photo(self, index: int) -> HostArray:
        """Return the fc7 features of photo `index`."""
        return self.fc7[self.first[index] : self.first[index + 1]]


def cache_features(
    detector: LinearPartsDetector[Any],
    photos: PhotoReader,
    records: Sequence[RegionRecord],
    folder: Path,
    *,
    min_iou: float,
    dtype: str = "float32",
    n_jobs: int = 1,
    progress: bool = True,
) -> FeatureCache:
    """Compute the features of every region, or finish what an earlier call began.

    Parameters
    ----------
    folder : Path
        Receives ``fc7.npy``, ``pool5.npy`` and ``done.json``. What lies there of other weights or other
        regions is replaced.
    min_iou : float
        Regions that overlap their object by more keep their pool5 features.
    dtype : {"float32", "float16"}
    n_jobs : int
        Processes, a photo each at a time; the features are the same for any number. This one writes.

    Raises
    ------
    CacheError
        If the disk has too little room.
    """
    close = [record.best_iou > min_iou for record in records]
    first = np.cumsum([0, *(len(r) for r in records)])
    first_close = np.cumsum([0, *(int(c.sum()) for c in close)])
    dim7, dim5 = _feature_dims(detector)
    shapes = {"fc7": (int(first[-1]), dim7), "pool5": (int(first_close[-1]), dim5)}
    key = _fingerprint(detector, records, dtype, min_iou)
    done_path = folder / "done.json"
    done = _done_photos(done_path, {key, old_feature_key(detector, records, dtype, min_iou)})
    folder.mkdir(parents=True, exist_ok=True)
    if done == 0:
        _announce(shapes, np.dtype(dtype), folder)
        for name, shape in shapes.items():
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype=dtype, shape=shape).flush()
    fc7 = np.lib.format.open_memmap(folder / "fc7.npy", "r+")
    pool5 = np.lib.format.open_memmap(folder / "pool5.npy", "r+")
    work = _Extraction(_without_proposer(detector), photos, dtype)
    results = run_tasks(
        (delayed(_extract)(work, i, records[i].boxes, close[i]) for i in range(done, len(records))), n_jobs
    )
    bar = progress_bar(show=progress, total=len(records), initial=done, desc="features", unit="photo")
    with bar:
        for i, (own7, own5) in enumerate(results, start=done):  # in the order of the photos
            if len(records[i]):
                fc7[first[i] : first[i + 1]] = own7
                pool5[first_close[i] : first_close[i + 1]] = own5
            fc7.flush()
            pool5.flush()
            _write_done(done_path, key, i + 1)
            bar.update()
    return FeatureCache(fc7, pool5, first)


@dataclass(frozen=True)
class _Extraction:
    """What the features of every photo are made with; it travels to the processes that make them."""

    detector: LinearPartsDetector[Any]
    photos: PhotoReader
    dtype: str

    def __sizeof__(self) -> int:
        """Return the bytes of the weights, so that Dask sends them once and not with every photo."""
        return int(self.detector.network.__sizeof__())


def _without_proposer(detector: LinearPartsDetector[Any]) -> Any:
    """Return `detector` as it travels: a proposer may hold the boxes of a whole data set."""
    light: Any = copy.copy(detector)
    light.proposer = None
    return light


def _extract(
    work: _Extraction, index: int, boxes: FloatArray, close: BoolArray
) -> tuple[HostArray, HostArray]:
    """Return fc7 of all `boxes` of photo `index`, and pool5 of those that are `close` to an object."""
    if len(boxes) == 0:
        return np.empty((0, 0)), np.empty((0, 0))
    view = work.detector.look(work.photos.read(index))
    first = np.cumsum([0, *close])  # row of pool5 that each box would get
    fc7 = pool5 = np.empty((0, 0), work.dtype)
    for some in work.detector.batches(view, boxes):
        own5, own7 = (to_host(part) for part in work.detector.region_features(view, boxes[some]))
        if not fc7.size:  # the first batch shows how wide the features are
            fc7 = np.empty((len(boxes), own7.shape[1]), work.dtype)
            pool5 = np.empty((int(first[-1]), own5.shape[1]), work.dtype)
        fc7[some] = own7
        wanted = close[some]
        pool5[first[some[wanted]]] = own5[wanted]
    return fc7, pool5


def _feature_dims(detector: LinearPartsDetector[Any]) -> tuple[int, int]:
    """Return the lengths D7 and D5 of the features of a region."""
    blank = np.zeros((64, 64, 3), dtype=np.uint8)
    whole = np.array([[0, 0, 64, 64]], dtype=np.float32)
    pool5, fc7 = detector.region_features(detector.look(blank), whole)
    return fc7.shape[1], pool5.shape[1]


def _announce(shapes: dict[str, tuple[int, int]], dtype: np.dtype[np.generic], folder: Path) -> None:
    size = sum(rows * columns for rows, columns in shapes.values()) * dtype.itemsize
    free = shutil.disk_usage(folder).free
    logger.info(
        "feature cache: %s regions x %s numbers (fc7) and %s x %s (pool5), %s: %.0f MB in %s",
        *shapes["fc7"],
        *shapes["pool5"],
        dtype,
        size / 1e6,
        folder,
    )
    if size > free:
        raise CacheError(
            f"the feature cache needs {size / 1e9:.1f} GB and {folder} has {free / 1e9:.1f} GB free; "
            "use --cache-dtype float16, fewer proposals (--proposals.limit) or another folder (--out)"
        )


def _fingerprint(
    detector: LinearPartsDetector[Any], records: Sequence[RegionRecord], dtype: str, min_iou: float
) -> str:
    """Return a digest of everything the features depend on."""
    settings, arrays = detector.state()
    for irrelevant in ("proposer", "postprocess", "batch"):
        settings.pop(irrelevant, None)
    digest = hashlib.sha256(repr((settings, dtype, min_iou)).encode())
    for name, array in arrays.items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    for record in records:
        digest.update(np.ascontiguousarray(record.boxes).tobytes())
    return digest.hexdigest()


def _done_photos(path: Path, keys: set[str | None]) -> int:
    """Return how many photos are done, which is none if the features are not those of one of `keys`."""
    if not path.is_file():
        return 0
    state = json.loads(path.read_text(encoding="utf-8"))
    if state["key"] in keys:
        return int(state["photos"])
    logger.info("%s holds features of other weights or regions: they are computed again", path.parent)
    return 0


def _write_done(path: Path, key: str, photos: int) -> None:
    files.write_text(path, json.dumps({"key": key, "photos": photos}))
