"""Weights from files of any known kind, as arrays under the names that the file gives them.

What an array is called in the networks here, and which pixels a network wants, the backbones say themselves.
"""

from minircnn.weights.catalogue import CATALOGUE, PublishedWeights, cached_file
from minircnn.weights.download import FetchError, fetch, is_genuine
from minircnn.weights.reading import WeightsFile, open_weights, read_weights
from minircnn.weights.record import WeightsError, write_weights

__all__ = [
    "CATALOGUE",
    "FetchError",
    "PublishedWeights",
    "WeightsError",
    "WeightsFile",
    "cached_file",
    "fetch",
    "is_genuine",
    "open_weights",
    "read_weights",
    "write_weights",
]
