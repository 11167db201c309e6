"""SIFT key points and descriptors (Lowe 2004), as the paper has them or as OpenCV does."""

from minircnn.features.sift.descriptors import root_sift
from minircnn.features.sift.keypoints import KeyPoints, describe, find_keypoints, sift_features
from minircnn.features.sift.matching import match_descriptors
from minircnn.features.sift.pyramid import GaussianPyramid, gaussian_pyramid
from minircnn.features.sift.settings import SIFT_STYLES, SiftSettings

__all__ = [
    "SIFT_STYLES",
    "GaussianPyramid",
    "KeyPoints",
    "SiftSettings",
    "describe",
    "find_keypoints",
    "gaussian_pyramid",
    "match_descriptors",
    "root_sift",
    "sift_features",
]
