"""The masks of a PASCAL VOC folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minircnn.checks import checked
from minircnn.checks import class_names as rule_of_names
from minircnn.data.problems import DatasetError
from minircnn.data.voc_xml import VOCFile, parse_voc
from minircnn.imaging import read_index_map
from minircnn.scene import VOID, Scene
from minircnn.structures import ImageArray, IntArray

VOC_CLASSES: tuple[str, ...] = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
    "tvmonitor",
)
"""The twenty classes in the order of their numbers, 1 to 20, in VOC's pictures."""

_OF_CLASSES, _OF_OBJECTS = "SegmentationClass", "SegmentationObject"


class VOCScenes:
    """What a PASCAL VOC folder says of every pixel, photo by photo; no photo is needed.

    ``SegmentationClass`` holds the class of each pixel, ``SegmentationObject`` its object; 0 is background,
    255 void. Object i is the i-th of the photo's XML, where there is one and it has the same class: the flag
    ``difficult`` is taken from it.

    Parameters
    ----------
    root : str or Path
        The folder that holds the two.
    class_names : sequence of str
        Name of number k at place k - 1.

    Attributes
    ----------
    image_ids : tuple of str
        Names of the pictures without ending, sorted.

    Raises
    ------
    DatasetError
        If a folder is not there or empty; from :meth:`scene`, if the two pictures disagree or hold a number
        without a class.
    ImageError
        From :meth:`scene`, if a picture cannot be read.
    """

    def __init__(self, root: str | Path, *, class_names: Sequence[str] = VOC_CLASSES) -> None:
        self.root = Path(root)
        self.class_names: tuple[str, ...] = checked("class_names", class_names, rule_of_names)
        for folder in (_OF_CLASSES, _OF_OBJECTS):
            if not (self.root / folder).is_dir():
                raise DatasetError(f"{self.root / folder}: no such folder; name the one that holds it")
        self.image_ids = tuple(sorted(file.stem for file in (self.root / _OF_CLASSES).glob("*.png")))
        if not self.image_ids:
            raise DatasetError(f"{self.root / _OF_CLASSES}: holds no .png")

    def __len__(self) -> int:
        return len(self.image_ids)

    def scene(self, index: int) -> Scene:
        """Return photo `index` pixel by pixel: its objects in the order of their numbers."""
        classes, objects = self._maps(index)
        numbers = [int(number) for number in np.unique(objects) if number not in (0, VOID)]
        labels = np.array([self._label(index, n, classes[objects == n]) for n in numbers], dtype=np.int64)
        masks = np.array([objects == n for n in numbers], dtype=bool).reshape(-1, *objects.shape)
        parsed = self._xml(index)
        tied = self._tied(parsed, numbers, labels)
        difficult = np.array([t >= 0 and parsed is not None and parsed.objects[t].difficult for t in tied])
        void = (classes == VOID) | (objects == VOID)
        return Scene(
            masks,
            labels,
            self.class_names,
            void=void,
            difficult=difficult.astype(bool),
            image_id=self.image_ids[index],
        )

    def objects_in_xml(self, index: int) -> IntArray:
        """Return for each segment of :meth:`scene` its place among the XML's objects, -1 if it has none."""
        scene = self.scene(index)
        numbers = [int(n) for n in np.unique(self._maps(index)[1]) if n not in (0, VOID)]
        return self._tied(self._xml(index), numbers, scene.labels)

    def _maps(self, index: int) -> tuple[ImageArray, ImageArray]:
        """Return the numbers of classes and of objects, (H, W) each, after comparing them."""
        first, second = (
            self.root / folder / f"{self.image_ids[index]}.png" for folder in (_OF_CLASSES, _OF_OBJECTS)
        )
        classes, objects = read_index_map(first), read_index_map(second)
        if classes.shape != objects.shape:
            raise DatasetError(f"{second}: is of shape {objects.shape}, and {first} of {classes.shape}")
        known = (classes != VOID) & (objects != VOID)
        apart = known & ((classes == 0) != (objects == 0))
        if apart.any():
            y, x = np.argwhere(apart)[0]
            raise DatasetError(
                f"{second}: pixel x {x}, y {y} is of object {objects[y, x]}, and of class {classes[y, x]} in "
                f"{first}; {int(apart.sum())} such pixels"
            )
        return classes, objects

    def _label(self, index: int, number: int, classes: ImageArray) -> int:
        """Return the one class of an object's pixels (P,)."""
        found = [int(label) for label in np.unique(classes) if label not in (0, VOID)]
        file = self.root / _OF_CLASSES / f"{self.image_ids[index]}.png"
        if len(found) != 1:
            raise DatasetError(f"{file}: object {number} has the classes {found}, where one is expected")
        if found[0] > len(self.class_names):
            raise DatasetError(
                f"{file}: class {found[0]} has no name; there are {len(self.class_names)}: name them with "
                "class_names="
            )
        return found[0]

    def _xml(self, index: int) -> VOCFile | None:
        """Return what the photo's XML says, None where there is none."""
        file = self.root / "Annotations" / f"{self.image_ids[index]}.xml"
        if not file.is_file():
            return None
        parsed = parse_voc(file)
        if parsed.problems:
            raise DatasetError(f"{file}: cannot be used as it is", parsed.problems)
        return parsed

    def _tied(self, parsed: VOCFile | None, numbers: Sequence[int], labels: IntArray) -> IntArray:
        """Return the place in the XML of each object, -1 where it has none of the same class."""
        listed = () if parsed is None else parsed.objects
        tied = [
            n - 1 if n <= len(listed) and listed[n - 1].class_name == self.class_names[label - 1] else -1
            for n, label in zip(numbers, labels.tolist(), strict=True)
        ]
        return np.array(tied, dtype=np.int64)
