"""R-CNN's features of scenes, computed as its training does: what must not depend on who computes it."""

import small_detectors

from minircnn.proposals import SlidingWindow
from minircnn.training import cache_features
from minircnn.training.regions import PhotoReader, region_records


def scene_features(dataset, proposals, folder, n_jobs, *, batch, dtype="float32"):
    """Compute the features of the `proposals` of `dataset` in `n_jobs` processes."""
    return cache_features(
        small_detectors.rcnn(dataset.class_names, SlidingWindow(), batch=batch),
        PhotoReader(dataset),
        region_records(dataset, proposals),
        folder,
        min_iou=0.3,
        dtype=dtype,
        n_jobs=n_jobs,
        progress=False,
    )
