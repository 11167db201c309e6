"""R-CNN's features of scenes, computed as its training does: what must not depend on who computes it."""

import numpy as np

from minircnn.backbones import build_backbone
from minircnn.detectors import RCNNNetwork, WarpSettings
from minircnn.training.rcnn_features import cache_features
from minircnn.training.regions import PhotoReader, region_records


def scene_features(dataset, proposals, folder, n_jobs, *, crop_batch, dtype="float32"):
    """Compute the features of the `proposals` of `dataset` in `n_jobs` processes."""
    rng = np.random.default_rng(0)
    backbone = build_backbone("tiny", rng=rng)
    return cache_features(
        RCNNNetwork(backbone, len(dataset.class_names), rng=rng),
        backbone.normalization,
        WarpSettings(crop_size=48, context=3, crop_batch=crop_batch),
        PhotoReader(dataset),
        region_records(dataset, proposals),
        folder,
        min_iou=0.3,
        dtype=dtype,
        n_jobs=n_jobs,
        progress=False,
    )
