"""What a region looks like without a network: features made by hand."""

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
from minircnn.features.lbp import LBPFeatures, lbp_codes
from minircnn.features.pyramid import Level, PyramidSettings, pyramid_levels

__all__ = [
    "HAAR_KINDS",
    "HOG_STYLES",
    "HaarFeatures",
    "HogSettings",
    "HogWindows",
    "LBPFeatures",
    "Level",
    "PyramidSettings",
    "box_sums",
    "cell_histograms",
    "deviations",
    "enumerate_haar",
    "haar_values",
    "hog_blocks",
    "integral_image",
    "lbp_codes",
    "normalize_blocks",
    "pyramid_levels",
    "score_windows",
    "squared_integral_image",
    "tilted_box_sums",
    "tilted_integral_image",
]
