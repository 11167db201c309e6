"""What a region looks like without a network."""

from minircnn.features.dense_sift import DenseSiftSettings, Grid, dense_sift
from minircnn.features.k_means import Clustering, k_means
from minircnn.features.kernel_maps import KERNELS, kernel_map
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
from minircnn.features.subwindow_search import Subwindow, best_subwindow
from minircnn.features.visual_words import (
    PyramidSettings,
    Vocabulary,
    WordMap,
    photo_words,
    region_features,
)
from minircnn.features.word_votes import word_votes

__all__ = [
    "KERNELS",
    "SIFT_STYLES",
    "Clustering",
    "DenseSiftSettings",
    "GaussianPyramid",
    "Grid",
    "KeyPoints",
    "PyramidSettings",
    "SiftSettings",
    "Subwindow",
    "Vocabulary",
    "WordMap",
    "best_subwindow",
    "dense_sift",
    "describe",
    "find_keypoints",
    "gaussian_pyramid",
    "grey_levels",
    "k_means",
    "kernel_map",
    "match_descriptors",
    "photo_words",
    "region_features",
    "root_sift",
    "sift_features",
    "word_votes",
]
