"""What a region looks like without a network."""

from minircnn.features.dense_sift import DenseSiftSettings, Grid, dense_sift
from minircnn.features.sift import (
    SIFT_STYLES,
    GaussianPyramid,
    KeyPoints,
    SiftSettings,
    describe,
    find_keypoints,
    gaussian_pyramid,
    grey_levels,
    match_descriptors,
    root_sift,
    sift_features,
)

__all__ = [
    "SIFT_STYLES",
    "DenseSiftSettings",
    "GaussianPyramid",
    "Grid",
    "KeyPoints",
    "SiftSettings",
    "dense_sift",
    "describe",
    "find_keypoints",
    "gaussian_pyramid",
    "grey_levels",
    "match_descriptors",
    "root_sift",
    "sift_features",
]
