"""PASCAL VOC folders as a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minircnn.data.policy import settle
from minircnn.data.problems import OnBadBox, OnBadPhoto
from minircnn.data.records import RecordDataset, class_problems, decodable, without
from minircnn.data.splits import parse_split
from minircnn.data.voc_folder import VOCFolder


class VOCDataset(RecordDataset):
    """Photos and boxes of a PASCAL VOC folder; also what LabelImg, CVAT and others export as "VOC".

    The XML holds 1-based inclusive pixels and is read as ``(xmin - 1, ymin - 1, xmax, ymax)``, half-open.
    Everything is checked when the object is made; photos are decoded when asked for. ``difficult`` objects
    are kept and marked. Satisfies :class:`minircnn.structures.DetectionDataset`.

    Parameters
    ----------
    root : str or Path
        The folder that holds ``Annotations`` and ``JPEGImages`` (or ``annotations`` and ``images``, or XML
        files beside the photos), or ``VOCdevkit`` above it.
    split : str or None
        A list in ``ImageSets/Main`` (``"train"``); where an export has folders ``train``, ``valid`` and
        ``test``, one of these. None or ``"all"`` takes every annotated photo, ``"train:0.8"`` and
        ``"val:0.2"`` take shares of them (:func:`minircnn.data.splits.parse_split`).
    year : str, optional
        Which ``VOC<year>`` to take where `root` holds several.
    on_bad_box : {"error", "drop"}
        A bad box is not finite, reversed, empty, one pixel wide or high, or reaches outside the photo.
        ``"error"`` refuses the data set and names every one; ``"drop"`` leaves them out, except that a box
        reaching outside is clipped, since what is seen of the object would otherwise be taught as
        background. Both are listed in ``problems``, and their number is logged as a warning.
    on_bad_photo : {"error", "drop"}
        A photo is bad if it is missing, broken, listed twice or of another size than its XML says, if the XML
        cannot be read, or if a field or the class of one object cannot be. ``"error"`` refuses the data set
        and names every one; ``"drop"`` leaves such photos out as a whole, since an object left out alone
        would be taught as background. For this it decodes all photos once, which also finds those whose file
        ends early.
    class_names : sequence of str, optional
        The classes in the order of their labels. Default: all names in ``Annotations``, sorted, whatever
        the split, so that splits agree.
    flippable : bool
        Whether mirrored photos are valid examples; false for letters and signs.
    need_photos : bool
        Whether the photos must be there; without them annotations can be read, but no photo.

    Attributes
    ----------
    problems : tuple of Problem
        Boxes that were dropped or clipped, and photos that were left out.

    Raises
    ------
    DatasetError
        If there is no such folder or list, for a bad photo or box where these are errors, or if no photo is
        left. All findings are named at once.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        *,
        year: str | None = None,
        on_bad_box: OnBadBox = "error",
        on_bad_photo: OnBadPhoto = "error",
        class_names: Sequence[str] | None = None,
        flippable: bool = True,
        need_photos: bool = True,
    ) -> None:
        folder = VOCFolder(root, year)
        self.root = folder.path
        named = parse_split(split)
        name = folder.name + (named.suffix or f"-{named.name or 'all'}")
        names = folder.class_names() if class_names is None else tuple(class_names)
        records, problems = folder.read(folder.split_ids(split), need_photos=need_photos)
        unknown = class_problems(records, names)
        records = without(records, unknown)
        if on_bad_photo == "drop" and need_photos:
            records, broken = decodable(records)
            problems += broken
        settled = settle([*problems, *unknown], on_bad_box, on_bad_photo, name, records)
        super().__init__(name, names, records, settled, flippable)
