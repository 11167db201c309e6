"""Steps on regions of a few photos: Fast R-CNN's hierarchical sampling (section 2.3)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from minircnn.arrays import Array, like
from minircnn.boxes import flip_boxes, sample_fast_rcnn
from minircnn.checks import real, require, require_order, whole
from minircnn.detectors import ImageScale
from minircnn.structures import BoolArray, FloatArray, IntArray
from minircnn.training.photo_inputs import PhotoInputs
from minircnn.training.regions import RegionRecord, epoch_order


@dataclass(frozen=True)
class RoISampling:
    """Which regions a step sees (Fast R-CNN, section 2.3, mini-batch sampling)."""

    images: int = 2
    """Photos per step (2)."""
    rois_per_image: int = 64
    """Regions per photo (64, so that a batch has 128)."""
    fg_fraction: float = 0.25
    """Largest share of foreground (0.25)."""
    fg_iou: float = 0.5
    """Least IoU of foreground with an object (0.5)."""
    bg_iou_low: float = 0.1
    """Least IoU of background (0.1); lower ones are rarely worth a look."""
    bg_iou_high: float = 0.5
    """Background has a smaller IoU than this (0.5)."""

    def __post_init__(self) -> None:
        require(self, "sampling", images=whole(1), rois_per_image=whole(1))
        require(self, "sampling", fg_fraction=real(0, 1, above=True), fg_iou=real(0, 1, above=True))
        require(self, "sampling", bg_iou_low=real(0, 1), bg_iou_high=real(0, 1, above=True))
        low, high = self.bg_iou_low, self.bg_iou_high
        require_order("sampling.bg_iou_low", low, "sampling.bg_iou_high", high, below=True)
        require_order("sampling.bg_iou_high", high, "sampling.fg_iou", self.fg_iou)  # not both of them
        if round(self.fg_fraction * self.rois_per_image) < 1:
            raise ValueError(
                f"sampling.fg_fraction must leave one foreground region or more of sampling.rois_per_image "
                f"({self.rois_per_image}), got {self.fg_fraction}"
            )


@dataclass(frozen=True)
class PhotoBatch:
    """What one step sees."""

    images: FloatArray
    """(N, 3, H, W) float32: normalised photos, the smaller ones padded with zeros (the mean colour) at the
    right and bottom. Or their maps (N, C, h, w), where these are kept."""
    rois: FloatArray
    """(R, 4) float32, in pixels of the photos as they are scaled."""
    image_index: IntArray
    """(R,)"""
    labels: IntArray
    """(R,), 0 for background."""
    bbox_targets: FloatArray
    """(R, 4) float32: offsets from the region to its object; used where the label is not 0."""

    def on(self, reference: Array) -> tuple[Array, FloatArray, IntArray, Array, Array]:
        """Return the five arrays as a network takes them that lives where `reference` does.

        Regions stay on the host, which decides what cells they cover.
        """
        images, labels, targets = (like(a, reference) for a in (self.images, self.labels, self.bbox_targets))
        return images, self.rois, self.image_index, labels, targets


@dataclass
class PhotoSampler:
    """Draws the photos and regions of every step.

    Parameters
    ----------
    inputs : PhotoInputs
        What the network is shown of each photo.
    records : list of RegionRecord
        Of every photo.
    sampling : RoISampling
    scale : ImageScale
    sides : tuple of int
        Shorter sides, one drawn for each photo; empty: always `scale`.
    flip : bool
        Mirror photos with probability one half.
    seed : int
        Decides the order of the photos.
    """

    inputs: PhotoInputs
    records: list[RegionRecord]
    sampling: RoISampling
    scale: ImageScale
    sides: tuple[int, ...]
    flip: bool
    seed: int

    def __post_init__(self) -> None:
        self.usable = np.array([i for i, record in enumerate(self.records) if len(record)])

    def draw(self, iteration: int, rng: np.random.Generator) -> PhotoBatch:
        """Draw the photos and regions of `iteration`."""
        images, rois, labels, targets = [], [], [], []
        for index in self.photo_indices(iteration):
            record = self.records[index]
            flip = self.flip and rng.random() < 0.5
            chosen, is_foreground = draw_regions(record, self.sampling, rng)
            pixels, factor = self.inputs.read(index, self.draw_scale(rng), mirrored=flip)
            boxes, offsets = record.boxes[chosen], record.targets(chosen)
            if flip:
                # mirrored regions keep their IoU; only the horizontal offset changes sign
                boxes = flip_boxes(boxes, record.width)
                offsets = offsets * np.array([-1, 1, 1, 1], np.float32)
            images.append(pixels)
            rois.append(boxes * np.float32(factor))
            labels.append(np.where(is_foreground, record.labels[chosen], 0))
            targets.append(offsets)
        return PhotoBatch(
            pad_together(images),
            np.concatenate(rois),
            np.repeat(np.arange(len(rois)), [len(r) for r in rois]),
            np.concatenate(labels),
            np.concatenate(targets),
        )

    def photo_indices(self, iteration: int) -> list[int]:
        """Return the photos of `iteration`: an epoch visits each once, those without regions excepted."""
        start = iteration * self.sampling.images
        indices = []
        for position in range(start, start + self.sampling.images):
            epoch, place = divmod(position, len(self.usable))
            order = epoch_order(self.seed, epoch, len(self.usable))
            indices.append(int(self.usable[order[place]]))
        return indices

    def draw_scale(self, rng: np.random.Generator) -> ImageScale:
        """Return the scale of the next photo of a batch."""
        if not self.sides:
            return self.scale
        return dataclasses.replace(self.scale, short_side=int(rng.choice(self.sides)))


def draw_regions(
    record: RegionRecord, sampling: RoISampling, rng: np.random.Generator
) -> tuple[IntArray, BoolArray]:
    """Draw the regions of one photo; return their indices and which are foreground.

    A photo that has neither foreground nor background in the wanted range of IoU gives background of any
    lower IoU instead, so that no photo with proposals is ever lost.
    """
    for low in (sampling.bg_iou_low, 0.0):
        sample = sample_fast_rcnn(
            record.best_iou,
            num_rois=sampling.rois_per_image,
            fg_fraction=sampling.fg_fraction,
            fg_iou=sampling.fg_iou,
            bg_iou=(low, sampling.bg_iou_high),
            rng=rng,
        )
        if len(sample):
            break
    return sample.indices, np.arange(len(sample)) < len(sample.foreground)


def pad_together(photos: list[FloatArray]) -> FloatArray:
    """Stack photos (3, h, w), or maps, of different sizes into one (N, 3, H, W) array, padded with zeros.

    Channels are last in memory, as in the photos and as convolution wants them.
    """
    height, width = (max(photo.shape[axis] for photo in photos) for axis in (1, 2))
    shape = (len(photos), height, width, len(photos[0]))
    batch = np.zeros(shape, dtype=np.float32).transpose(0, 3, 1, 2)
    for place, photo in zip(batch, photos, strict=True):
        place[:, : photo.shape[1], : photo.shape[2]] = photo
    return batch
