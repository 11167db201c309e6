"""Visual words: descriptors become one of K words each, a region the histogram of its words.

As texts are compared by the words in them, whatever their order (Csurka et al. 2004); a pyramid of ever finer
cells brings some of the order back (Lazebnik, Schmid and Ponce, CVPR 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from minircnn.checks import each, one_of, require, require_array, whole
from minircnn.features.dense_sift import DenseSiftSettings, Grid, dense_sift
from minircnn.features.k_means import nearest
from minircnn.features.kernel_maps import KERNELS, Kernel, kernel_map, map_length
from minircnn.profiling import stage
from minircnn.structures import FloatArray, ImageArray, IntArray

Float32 = npt.NDArray[np.float32]

LARGEST_TABLE = 1 << 26  # numbers of an integral table, 256 MiB


@dataclass(frozen=True)
class Vocabulary:
    """K words: centres of descriptors.

    Parameters
    ----------
    centers : (K, D) float32 array
    """

    centers: Float32

    def __post_init__(self) -> None:
        require_array("the words of the vocabulary", self.centers, (None, None))

    def __len__(self) -> int:
        return len(self.centers)

    @stage("words")
    def assign(self, descriptors: Float32) -> IntArray:
        """Return the nearest word (...,) of each of `descriptors` (..., D)."""
        length, own = descriptors.shape[-1], self.centers.shape[1]
        if length != own:
            raise ValueError(f"descriptors have {length} numbers, its words have {own}: other settings?")
        flat = np.ascontiguousarray(descriptors.reshape(-1, descriptors.shape[-1]))
        return nearest(flat, self.centers)[0].reshape(descriptors.shape[:-1])


@dataclass(frozen=True)
class WordMap:
    """The words of a photo, at the points of a grid.

    Parameters
    ----------
    words : (S, h, w) int array
        Of S sizes of patches, 0..K−1.
    grid : Grid
    count : int
        K.
    """

    words: IntArray
    grid: Grid
    count: int

    @cached_property
    def integral(self) -> Float32:
        """How often each word occurs above and left of a point, (h + 1, w + 1, K).

        The words of a box are then four rows of it, however large the box is.
        """
        sizes, height, width = self.words.shape
        table = np.zeros((height + 1, width + 1, self.count), np.float32)
        row, column = np.ogrid[1 : height + 1, 1 : width + 1]
        for size in range(sizes):  # within one size no two points are one
            table[row, column, self.words[size]] += 1
        np.cumsum(table, axis=0, out=table)
        np.cumsum(table, axis=1, out=table)
        return table

    @stage("histograms")
    def histograms(self, boxes: FloatArray, levels: tuple[int, ...] = (1,)) -> Float32:
        """Return how often each word occurs in the cells of `boxes` (R, 4), in pixels of the photo.

        Returns
        -------
        (R, Σ n², K) float32 array
            Level by level, cells row by row. A point belongs to the cell that holds the centre of its pixel.
        """
        parts = [self._cells(boxes, level) for level in levels]
        return np.concatenate(parts, axis=1)

    def _cells(self, boxes: FloatArray, level: int) -> Float32:
        """Return the counts (R, level², K) of boxes cut into level × level cells."""
        rows, columns = self.places(boxes, level)
        if (self.grid.shape[0] + 1) * (self.grid.shape[1] + 1) * self.count > LARGEST_TABLE:
            return self._counted(rows, columns)
        corners = self.integral[rows[:, :, None], columns[:, None, :]]  # (R, n+1, n+1, K)
        across = corners[:, :, 1:] - corners[:, :, :-1]
        cells: Float32 = across[:, 1:] - across[:, :-1]
        return cells.reshape(len(boxes), level * level, self.count)

    def _counted(self, rows: IntArray, columns: IntArray) -> Float32:
        """Return the counts of cells, word by word: where there are too many words for a table of all."""
        level = rows.shape[1] - 1
        cells = np.empty((len(rows), level * level, self.count), np.float32)
        for box, (down, across) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
            for i in range(level):
                for j in range(level):
                    own = self.words[:, down[i] : down[i + 1], across[j] : across[j + 1]]
                    cells[box, i * level + j] = np.bincount(own.ravel(), minlength=self.count)
        return cells

    def places(self, boxes: FloatArray, level: int) -> tuple[IntArray, IntArray]:
        """Return before which row and column of points the cells of `boxes` begin and end, (R, level + 1)."""
        share = np.arange(level + 1) / level
        boxes = np.asarray(boxes, np.float64)
        x = boxes[:, :1] + share * (boxes[:, 2:3] - boxes[:, :1])
        y = boxes[:, 1:2] + share * (boxes[:, 3:] - boxes[:, 1:2])
        return np.searchsorted(self.grid.rows + 0.5, y), np.searchsorted(self.grid.columns + 0.5, x)


@dataclass(frozen=True)
class SpatialPyramidSettings:
    """How the words of a region become features."""

    levels: tuple[int, ...] = (1, 2, 4)
    """Cells along each side, level by level (1, 2, 4: Lazebnik 2006; 1, 2, 3, 4: Uijlings 2013)."""
    kernel: Kernel = "hellinger"
    """How histograms are compared: ``linear``, ``hellinger``, ``intersection`` (both papers') or ``chi2``."""
    order: int = 1
    """Intersection and chi2: 2·order + 1 numbers stand for each, the more the closer (1, 2 or 3)."""

    def __post_init__(self) -> None:
        require(self, "pyramid", levels=each(whole(1, 16), least=1), kernel=one_of(*KERNELS))
        require(self, "pyramid", order=whole(1, 3))

    def length(self, words: int) -> int:
        """Return the number of features that a vocabulary of so many `words` gives a region."""
        cells = sum(level**2 for level in self.levels)
        return cells * words * map_length(self.kernel, self.order)


def region_features(words: WordMap, boxes: FloatArray, settings: SpatialPyramidSettings) -> Float32:
    """Return the features (R, D) of `boxes` (R, 4): their pyramids of histograms, mapped by the kernel."""
    counts = words.histograms(boxes, settings.levels)
    return kernel_map(normalized_histograms(counts, settings.levels), settings.kernel, order=settings.order)


def photo_words(image: ImageArray, vocabulary: Vocabulary, settings: DenseSiftSettings) -> WordMap:
    """Return the words of a photo: dense descriptors, each replaced by its nearest word."""
    descriptors, grid = dense_sift(image, settings)
    return WordMap(vocabulary.assign(descriptors), grid, len(vocabulary))


def level_weights(levels: tuple[int, ...]) -> tuple[float, ...]:
    """Return what each level of a pyramid counts: ¼, ¼, ½ of three (Lazebnik et al., equation 3)."""
    last = len(levels) - 1
    return tuple(2.0 ** -(last if depth == 0 else last - depth + 1) for depth in range(len(levels)))


def normalized_histograms(counts: Float32, levels: tuple[int, ...]) -> Float32:
    """Return counts (R, Σ n², K) so that the cells of each level sum to its weight, all to 1: (R, Σ n²·K).

    A box without words stays 0.
    """
    own = counts[:, : levels[0] ** 2].sum(axis=(1, 2), dtype=np.float32)  # words in each box
    scale = 1 / np.maximum(own, 1)
    weights = np.repeat(level_weights(levels), np.square(levels)).astype(np.float32)
    shares: Float32 = counts * scale[:, None, None]
    shares *= weights[:, None]
    return shares.reshape(len(counts), -1)
