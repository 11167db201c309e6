"""What a region looks like without a network: features made by hand."""

from minircnn.features.dense_sift import DenseSiftSettings, Grid, dense_sift
from minircnn.features.haar import HAAR_KINDS, HaarFeatures, deviations, enumerate_haar, haar_values
from minircnn.features.hog import hog_blocks, normalize_blocks
from minircnn.features.hog_glyphs import cell_histograms
from minircnn.features.hog_settings import HOG_STYLES, HogSettings
from minircnn.features.hog_windows import HogWindows, score_windows
from minircnn.features.integral import (
    box_sums,
    integral_image,
    squared_integral_image,
    tilted_box_sums,
    tilted_integral_image,
)
from minircnn.features.k_means import Clustering, k_means
from minircnn.features.kernel_maps import KERNELS, kernel_map
from minircnn.features.lbp import LBPFeatures, lbp_codes
from minircnn.features.pyramid import Level, PyramidSettings, pyramid_levels
from minircnn.features.sift import (
    SIFT_STYLES,
    GaussianPyramid,
    KeyPoints,
    SiftSettings,
    describe,
    find_keypoints,
    gaussian_pyramid,
    match_descriptors,
    root_sift,
    sift_features,
)
from minircnn.features.subwindow_search import Subwindow, best_subwindow
from minircnn.features.visual_words import (
    SpatialPyramidSettings,
    Vocabulary,
    WordMap,
    photo_words,
    region_features,
)
from minircnn.features.word_votes import word_votes

__all__ = [
    "HAAR_KINDS",
    "HOG_STYLES",
    "KERNELS",
    "SIFT_STYLES",
    "Clustering",
    "DenseSiftSettings",
    "GaussianPyramid",
    "Grid",
    "HaarFeatures",
    "HogSettings",
    "HogWindows",
    "KeyPoints",
    "LBPFeatures",
    "Level",
    "PyramidSettings",
    "SiftSettings",
    "SpatialPyramidSettings",
    "Subwindow",
    "Vocabulary",
    "WordMap",
    "best_subwindow",
    "box_sums",
    "cell_histograms",
    "dense_sift",
    "describe",
    "deviations",
    "enumerate_haar",
    "find_keypoints",
    "gaussian_pyramid",
    "haar_values",
    "hog_blocks",
    "integral_image",
    "k_means",
    "kernel_map",
    "lbp_codes",
    "match_descriptors",
    "normalize_blocks",
    "photo_words",
    "pyramid_levels",
    "region_features",
    "root_sift",
    "score_windows",
    "sift_features",
    "squared_integral_image",
    "tilted_box_sums",
    "tilted_integral_image",
    "word_votes",
]
