"""What each word of a region says for or against a class: the score of an SVM, taken apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minircnn.features.kernel_maps import kernel_map
from minircnn.features.visual_words import SpatialPyramidSettings, WordMap, normalized_histograms
from minircnn.structures import FloatArray

Float32 = npt.NDArray[np.float32]


def word_votes(words: WordMap, box: FloatArray, weight: Float32, settings: SpatialPyramidSettings) -> Float32:
    """Return the share that each point of a photo has in the score of a box, (h, w).

    A kernel that adds up over bins gives each bin its share of the score; the words in a bin divide it
    equally. So the votes sum to the score without the SVM's intercept; points outside of the box have none.

    Parameters
    ----------
    words : WordMap
    box : (4,) float array
        In pixels of what the words were found in.
    weight : (D,) float array
        Of the class's SVM.
    settings : SpatialPyramidSettings
        How the words of a region become the features that `weight` belongs to.
    """
    counts = words.histograms(box[None], settings.levels)  # (1, cells, K)
    mapped = kernel_map(normalized_histograms(counts, settings.levels), settings.kernel, order=settings.order)
    shares = (mapped[0] * weight).reshape(-1, counts[0].size).sum(axis=0).reshape(counts[0].shape)
    each = shares / np.maximum(counts[0], 1)  # (cells, K)
    votes = np.zeros(words.grid.shape, np.float32)
    first = 0
    for level in settings.levels:
        rows, columns = (edges[0].tolist() for edges in words.places(box[None], level))
        for i in range(level):
            for j in range(level):
                cell = np.s_[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
                own = each[first + i * level + j]
                votes[cell] += own[words.words[:, cell[0], cell[1]]].sum(axis=0)
        first += level * level
    return votes
