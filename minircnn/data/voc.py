"""PASCAL VOC folders as a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minircnn.data.problems import OnBadBox, settle
from minircnn.data.records import RecordDataset, class_problems
from minircnn.data.voc_folder import VOCFolder


class VOCDataset(RecordDataset):
    """Photos and boxes of a PASCAL VOC folder; also what LabelImg, CVAT and others export as "VOC".

    The XML holds 1-based inclusive pixels and is read as ``(xmin - 1, ymin - 1, xmax, ymax)``, half-open.
    Everything is checked when the object is made; photos are decoded when asked for. ``difficult`` objects
    are kept and marked. Satisfies :class:`minircnn.structures.DetectionDataset`.

    Parameters
    ----------
    root : str or Path
        The folder that holds ``Annotations`` and ``JPEGImages``, or ``VOCdevkit`` above it.
    split : str or None
        A list in ``ImageSets/Main`` (``"train"``); None takes every annotated photo.
    year : str, optional
        Which ``VOC<year>`` to take where `root` holds several.
    on_bad_box : {"error", "drop"}
        A bad box is not finite, reversed, empty, one pixel wide or high, or reaches outside the photo.
        ``"error"`` refuses the data set and names every one; ``"drop"`` leaves them out, except that a box
        reaching outside is clipped, since what is seen of the object would otherwise be taught as
        background. Both are listed in ``problems``, and their number is logged as a warning.
    class_names : sequence of str, optional
        The classes in the order of their labels. Default: all names in ``Annotations``, sorted, whatever
        the split, so that splits agree.
    flippable : bool
        Whether mirrored photos are valid examples; false for letters and signs.

    Attributes
    ----------
    problems : tuple of Problem
        Boxes that were dropped or clipped.

    Raises
    ------
    DatasetError
        If files are missing, broken or disagree with the photo's size, if an object has a class outside
        `class_names`, or for a bad box with ``on_bad_box="error"``. All findings are named at once.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        *,
        year: str | None = None,
        on_bad_box: OnBadBox = "error",
        class_names: Sequence[str] | None = None,
        flippable: bool = True,
    ) -> None:
        folder = VOCFolder(root, year)
        self.root = folder.path
        name = f"{folder.path.name}-{split or 'all'}"
        names = folder.class_names() if class_names is None else tuple(class_names)
        records, problems = folder.read(folder.split_ids(split))
        problems += class_problems(records, names)
        settle(problems, on_bad_box, name)
        super().__init__(name, names, records, problems, flippable)
