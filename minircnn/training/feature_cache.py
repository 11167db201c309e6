"""The features of every region, kept on disk, for SVMs and box regressors that are fitted to them afterwards.

The SVMs need the fc7 features of every region, so all are stored: their size is announced first. The box
regressors need pool5, which is far larger, only of the regions close to an object: only those are stored.
(R-CNN's released code stores pool5 of all regions and computes fc6 and fc7 again whenever it reads them.)
"""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from joblib import delayed

from minircnn.arrays import HostArray, array_namespace, like, to_host
from minircnn.data.digest import photo_digest
from minircnn.detectors.linear_parts import LinearPartsDetector
from minircnn.heads import feature_scale
from minircnn.progress import watched
from minircnn.structures import BoolArray, FloatArray
from minircnn.training.feature_files import (
    CacheError,
    add_to_checksum,
    done_photos,
    make_room,
    open_array,
    write_done,
)
from minircnn.training.old_runs import old_feature_key
from minircnn.training.regions import PhotoReader, RegionRecord
from minircnn.workers import run_tasks

logger = logging.getLogger("minircnn")

_DIVERGED = "the network has diverged"
_SLOWER = "start in another folder (--out) with a lower learning rate"


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
    first_close : (N + 1,) int array
        The same of `pool5`.
    image_ids : sequence of str
        Names of the photos.
    """

    fc7: HostArray
    pool5: HostArray
    first: HostArray
    first_close: HostArray
    image_ids: Sequence[str]

    def photo(self, index: int) -> HostArray:
        """Return the fc7 features of photo `index`."""
        return self.fc7[self.first[index] : self.first[index + 1]]

    def scale(self, name: Literal["fc7", "pool5"], target_norm: float) -> float:
        """Return the factor that brings the mean L2 norm of these features to `target_norm`.

        It takes a pass over all of them, which notices what may have become of them on the disk.

        Raises
        ------
        CacheError
            If one is not finite, all are zero, or they are too large.
        """
        features, first = (self.fc7, self.first) if name == "fc7" else (self.pool5, self.first_close)
        try:
            return feature_scale(features, target_norm)
        except ValueError as error:
            reason = error
        for i, image_id in enumerate(self.image_ids):
            if not np.isfinite(features[first[i] : first[i + 1]]).all():
                raise CacheError(
                    f"{name}: the features of photo {i + 1} ({image_id!r}) are not finite",
                    "delete the folder 'features' of the run and continue with --resume: they are computed "
                    "again",
                )
        raise CacheError(f"{name}: {reason}: {_DIVERGED}", _SLOWER)


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
    digests: Sequence[str] | None = None,
    trust_old: bool = False,
) -> FeatureCache:
    """Compute the features of every region, or finish what an earlier call began.

    Parameters
    ----------
    folder : Path
        Receives ``fc7.npy``, ``pool5.npy`` and ``done.json``. What lies there of other weights, regions or
        photos, or does not fit, is replaced.
    min_iou : float
        Regions that overlap their object by more keep their pool5 features.
    dtype : {"float32", "float16"}
    n_jobs : int
        Processes, a photo each at a time; the features are the same for any number. This one writes.
    digests : sequence of str, optional
        Of the photos, where they are known (:func:`~minircnn.data.digest.photo_digest`).
    trust_old : bool
        Finish also what an older version began, which noted weights and regions, but not the photos. Regions
        found in the photos' own pixels vouch for them.

    Raises
    ------
    CacheError
        If the disk has too little room, or a feature is not finite.
    """
    close = [record.best_iou > min_iou for record in records]
    first = np.cumsum([0, *(len(r) for r in records)])
    first_close = np.cumsum([0, *(int(c.sum()) for c in close)])
    dim7, dim5 = feature_dims(detector)
    shapes = {"fc7": (int(first[-1]), dim7), "pool5": (int(first_close[-1]), dim5)}
    if digests is None:
        digests = [photo_digest(photos.dataset, i) for i in range(len(records))]
    key = _key(detector, records, dtype, min_iou, digests)
    keys = {key}
    if trust_old:
        keys.add(_key(detector, records, dtype, min_iou))
        keys.add(old_feature_key(detector, records, dtype, min_iou) or key)

    def rows(i: int) -> tuple[HostArray, HostArray]:
        return fc7[first[i] : first[i + 1]], pool5[first_close[i] : first_close[i + 1]]

    done, noted = done_photos(folder, keys, shapes, np.dtype(dtype), len(records))
    checksum = 0
    if done:
        fc7, pool5 = open_array(folder, "fc7"), open_array(folder, "pool5")
        for i in range(done):
            checksum = add_to_checksum(checksum, *rows(i))
        if noted not in (None, checksum):
            logger.warning("%s: features are not what was written: they are computed again", folder)
            done = checksum = 0
    if done == 0:
        make_room(folder, shapes, np.dtype(dtype))
        fc7, pool5 = open_array(folder, "fc7"), open_array(folder, "pool5")
    # each photo is read once: none is kept
    work = _Extraction(_without_proposer(detector), PhotoReader(photos.dataset, 0), dtype)
    results = run_tasks(
        (delayed(_extract)(work, i, records[i].boxes, close[i]) for i in range(done, len(records))), n_jobs
    )
    results = watched(
        results, title="features", unit="photo", total=len(records), initial=done, show=progress
    )
    for i, (own7, own5) in enumerate(results, start=done):  # in the order of the photos
        if len(records[i]):
            _require_finite((own7, own5), i, photos.dataset.image_ids[i])
            for there, own in zip(rows(i), (own7, own5), strict=True):
                there[:] = own
        fc7.flush()
        pool5.flush()
        checksum = add_to_checksum(checksum, *rows(i))
        write_done(folder, key, i + 1, checksum)
    return FeatureCache(fc7, pool5, first, first_close, photos.dataset.image_ids)


def _require_finite(features: Iterable[HostArray], index: int, image_id: str) -> None:
    for part in features:
        if np.isfinite(part).all():
            continue
        reason, mend = _DIVERGED, _SLOWER
        if part.dtype == np.float16:
            reason = f"beyond 65504, the end of float16, or {_DIVERGED}"
            mend = f"continue with --resume --cache-dtype float32, or {_SLOWER}"
        raise CacheError(f"the features of photo {index + 1} ({image_id!r}) are not finite: {reason}", mend)


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
        own5, own7 = work.detector.region_features(view, boxes[some])
        wanted = close[some]
        rows = like(np.flatnonzero(wanted), own5)
        # pool5 is large: of a device's only these rows come down
        own5, own7 = to_host(array_namespace(own5).take(own5, rows, axis=0)), to_host(own7)
        if not fc7.size:  # the first batch shows how wide the features are
            fc7 = np.empty((len(boxes), own7.shape[1]), work.dtype)
            pool5 = np.empty((int(first[-1]), own5.shape[1]), work.dtype)
        with np.errstate(over="ignore"):  # float16 ends early; whoever writes them looks
            fc7[some] = own7
            pool5[first[some[wanted]]] = own5
    return fc7, pool5


def feature_dims(detector: LinearPartsDetector[Any]) -> tuple[int, int]:
    """Return the lengths D7 and D5 of the features of a region."""
    blank = np.zeros((64, 64, 3), dtype=np.uint8)
    whole = np.array([[0, 0, 64, 64]], dtype=np.float32)
    pool5, fc7 = detector.region_features(detector.look(blank), whole)
    return fc7.shape[1], pool5.shape[1]


def _key(
    detector: LinearPartsDetector[Any],
    records: Sequence[RegionRecord],
    dtype: str,
    min_iou: float,
    digests: Sequence[str] = (),
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
    for photo in digests:
        digest.update(photo.encode())
    return digest.hexdigest()
