"""What a region looks like without a network: features that were designed, not learned."""

from minircnn.features.haar import (
    HAAR_KINDS,
    HaarFeatures,
    deviations,
    enumerate_haar,
    haar_values,
)
from minircnn.features.integral import (
    box_sums,
    integral_image,
    squared_integral_image,
    tilted_box_sums,
    tilted_integral_image,
)
from minircnn.features.lbp import LBPFeatures, lbp_codes

__all__ = [
    "HAAR_KINDS",
    "HaarFeatures",
    "LBPFeatures",
    "box_sums",
    "deviations",
    "enumerate_haar",
    "haar_values",
    "integral_image",
    "lbp_codes",
    "squared_integral_image",
    "tilted_box_sums",
    "tilted_integral_image",
]
