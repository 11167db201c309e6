"""What a region looks like without a network: features made by hand."""

from minircnn.features.hog import hog_blocks, normalize_blocks
from minircnn.features.hog_glyphs import cell_histograms
from minircnn.features.hog_settings import HOG_STYLES, HogSettings
from minircnn.features.hog_windows import HogWindows, score_windows
from minircnn.features.pyramid import Level, PyramidSettings, pyramid_levels

__all__ = [
    "HOG_STYLES",
    "HogSettings",
    "HogWindows",
    "Level",
    "PyramidSettings",
    "cell_histograms",
    "hog_blocks",
    "normalize_blocks",
    "pyramid_levels",
    "score_windows",
]
