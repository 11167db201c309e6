"""Look a data set over before hours are spent on it: what it holds, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from unicodedata import normalize

import numpy as np

from minircnn.data.coco import read_coco
from minircnn.data.photo_files import folded, refuse_images
from minircnn.data.policy import decided, nothing_left
from minircnn.data.problems import BOX_FAULTS, DatasetError, OnBadBox, OnBadPhoto, Problem, box_fault
from minircnn.data.records import PhotoRecord, class_problems, decodable
from minircnn.data.report import ClassCount, DataReport, Spread
from minircnn.data.voc_folder import VOCFolder
from minircnn.data.voc_lists import usual_name
from minircnn.imaging import ImageError
from minircnn.structures import Annotations, DetectionDataset, FloatArray

_APART = [{"train", "val"}, {"train", "test"}, {"val", "test"}, {"trainval", "test"}]


def check_dataset(
    source: str | Path | DetectionDataset,
    *,
    split: str | None = None,
    year: str | None = None,
    image_folder: str | Path | None = None,
    class_names: Sequence[str] | None = None,
    decode_photos: bool = False,
    on_bad_box: OnBadBox = "error",
    on_bad_photo: OnBadPhoto = "error",
) -> DataReport:
    """Return what is in a data set and what is wrong with it, without raising for what is wrong.

    Parameters
    ----------
    source : str, Path or DetectionDataset
        A VOC folder, a COCO ``.json`` file, or a data set already made.
    split, year, class_names
        As for :class:`minircnn.data.VOCDataset`; with no `split`, all lists of a VOC folder and all its
        annotations are checked, also for photos that stand in lists that must be apart. Of a COCO file, only
        shares (``"train:0.8"``) can be named.
    image_folder : str or Path, optional
        Where the photos of a COCO file lie. Default: beside the file.
    decode_photos : bool
        Also decode every photo, which finds truncated ones and takes a few milliseconds each.
    on_bad_box, on_bad_photo : {"error", "drop"}
        What would become of them; what would be left out is still listed, and does not make the report bad.
        To find the photos to leave out, all are decoded.

    Raises
    ------
    DatasetError
        If there is no such folder, list or file, the JSON cannot be read, or photos are named for a folder.

    Examples
    --------
    >>> from minircnn import Scenes, check_dataset
    >>> check_dataset(Scenes("val", count=2)).ok
    True
    """
    if not isinstance(source, str | Path):
        return _check_made(source, decode_photos)
    path = Path(source)
    if path.suffix.lower() == ".json" and not path.is_dir():
        found = _look_at_coco(path, path.parent if image_folder is None else Path(image_folder), split)
    else:
        refuse_images(source, image_folder)
        found = _look_at_voc(VOCFolder(path, year), split, class_names)
    if decode_photos or on_bad_photo == "drop":
        found.decode()
    return found.report(on_bad_box, on_bad_photo)


@dataclass
class _Found:
    """What was read of a data set on disk, and what was found on the way."""

    name: str
    class_names: tuple[str, ...]
    records: list[PhotoRecord]
    problems: list[Problem]
    lists: dict[str, list[str]]
    unannotated: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def decode(self) -> None:
        """Leave out the photos that cannot be decoded."""
        self.records, broken = decodable(self.records)
        self.problems += broken

    def report(self, on_bad_box: OnBadBox, on_bad_photo: OnBadPhoto) -> DataReport:
        """Return the report on it."""
        problems = decided(self.problems, on_bad_box, on_bad_photo)
        if all(problem.action != "error" for problem in problems):  # else these may be why nothing is left
            problems += nothing_left(self.records, self.name) or self._idle_lists()
        truth = [record.annotations(self.class_names) for record in self.records]
        counts = {name: len(listed) for name, listed in self.lists.items()}
        report = _summary(self.name, self.class_names, truth, problems, counts)
        remarks = (*self.remarks, *_alike(self.class_names), *_repeated(self.records))
        return replace(report, unannotated=self.unannotated, remarks=remarks)

    def _idle_lists(self) -> list[Problem]:
        """Return the lists of whose photos none has an object."""
        busy = {record.image_id for record in self.records if record.objects}
        message = "no object is marked in the photos of this list"
        return [
            Problem(f"{self.name}, list {name}", "nothing", message)
            for name, listed in self.lists.items()
            if not busy.intersection(listed)
        ]


def _alike(class_names: Sequence[str]) -> Iterator[str]:
    """Say which classes differ in case or accents' encoding only: mostly a slip of who marked them."""
    groups: dict[str, list[str]] = {}
    for name in class_names:
        groups.setdefault(folded(name), []).append(name)
    for names in groups.values():
        if len(names) > 1:
            how, quoted = "case", map(repr, names)
            if len({normalize("NFC", name) for name in names}) == 1:
                how, quoted = "the encoding of accents", map(ascii, names)
            yield f"the classes {', '.join(quoted)} differ in {how} only, and count as {len(names)}"


def _repeated(records: Iterable[PhotoRecord]) -> Iterator[str]:
    """Say how many objects are marked twice, with one class and one box."""
    found = [
        (record, o)
        for record in records
        for (name, box), count in Counter((o.class_name, o.box) for o in record.objects).items()
        if count > 1
        for o in record.objects
        if (o.class_name, o.box) == (name, box)
    ]
    if found:
        record, first = found[0]
        yield (
            f"{len(found)} objects are marked more than once with one class and one box, "
            f"{record.source}, object {first.index} ({first.class_name}) for one"
        )


def _look_at_coco(file: Path, folder: Path, split: str | None) -> _Found:
    content = read_coco(file, folder, split)
    return _Found(
        file.stem,
        content.class_names,
        list(content.records),
        list(content.problems),
        {},
        content.unannotated(),
        content.remarks,
    )


def _look_at_voc(folder: VOCFolder, split: str | None, class_names: Sequence[str] | None) -> _Found:
    lists, broken = _read_lists(folder) if split is None else ({split: folder.split_ids(split)}, [])
    ids = [image_id for listed in lists.values() for image_id in dict.fromkeys(listed)]
    records, problems = folder.read(list(dict.fromkeys([*ids, *(folder.xml if split is None else ())])))
    names = folder.class_names() if class_names is None else tuple(class_names)
    unknown = class_problems(records, names)
    problems += [*broken, *unknown, *_list_problems(folder, lists)]
    wrong = folder.misnamed()
    remarks = (
        ()
        if not wrong
        else (f"{len(wrong)} annotation(s) say the name of another photo, {wrong[0]} for one",)
    )
    return _Found(folder.name, names, records, problems, lists, tuple(folder.unannotated()), remarks)


def _read_lists(folder: VOCFolder) -> tuple[dict[str, list[str]], list[Problem]]:
    """Return the image ids of every list, and one problem for each list that names none."""
    lists: dict[str, list[str]] = {}
    problems = []
    for name in folder.splits:
        try:
            lists[name] = folder.split_ids(name)
        except DatasetError as error:
            file = str(folder.list_file(name))
            problems.append(Problem(file, "unreadable", str(error).removeprefix(f"{file}: ")))
    return lists, problems


def _list_problems(folder: VOCFolder, lists: dict[str, list[str]]) -> Iterator[Problem]:
    """Find photos listed twice, and photos that stand in two lists which must be apart."""
    for name, listed in lists.items():
        twice = [image_id for image_id, count in Counter(listed).items() if count > 1]
        if twice:
            message = f"{len(twice)} photo(s) are listed more than once, {twice[0]} for one"
            yield Problem(str(folder.list_file(name)), "duplicate", message, is_photo=True)
    for a, b in combinations(lists, 2):
        shared = sorted(set(lists[a]) & set(lists[b]))
        if shared and {usual_name(a), usual_name(b)} in _APART:
            message = (
                f"{len(shared)} photo(s) stand in {folder.list_file(a).name} as well, {shared[0]} for one"
            )
            yield Problem(str(folder.list_file(b)), "leak", message)


def _check_made(dataset: DetectionDataset, decode: bool) -> DataReport:
    """Report on a data set of any kind; its boxes are checked here, since it may come from anywhere."""
    problems: list[Problem] = list(getattr(dataset, "problems", ()))
    truth = [dataset.annotations(index) for index in range(len(dataset))]
    for found in truth:
        for number, (corners, label) in enumerate(zip(found.boxes, found.labels, strict=True)):
            x1, y1, x2, y2 = (float(v) for v in corners)
            fault = box_fault((x1, y1, x2, y2), found.height, found.width)
            if fault is not None:
                name = dataset.class_names[label - 1]
                where, what = found.image_id, BOX_FAULTS[fault]
                problems.append(Problem(where, fault, what, number, name, (x1, y1, x2, y2)))
    if decode:
        for index, image_id in enumerate(dataset.image_ids):
            try:
                dataset.image(index)
            except ImageError as error:
                problems.append(Problem(image_id, "unreadable", str(error), is_photo=True))
    if not any(len(found) for found in truth):
        problems.append(Problem(dataset.name, "nothing", f"no object is marked in its {len(truth)} photo(s)"))
    return _summary(dataset.name, dataset.class_names, truth, problems, {})


def _summary(
    name: str,
    class_names: tuple[str, ...],
    truth: Sequence[Annotations],
    problems: Sequence[Problem],
    splits: dict[str, int],
) -> DataReport:
    """Count and measure the boxes of `truth`."""
    boxes = np.concatenate([np.zeros((0, 4)), *(a.boxes for a in truth)])  # (G, 4)
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    sound = (widths > 0) & (heights > 0)
    per_image = np.array([len(a) for a in truth], dtype=np.float64)
    return DataReport(
        name,
        images=len(truth),
        images_without_objects=int((per_image == 0).sum()),
        objects=len(boxes),
        objects_per_image=_spread(per_image),
        classes=tuple(_count(class_name, i, truth) for i, class_name in enumerate(class_names, start=1)),
        image_height=_spread(np.array([a.height for a in truth], dtype=np.float64)),
        image_width=_spread(np.array([a.width for a in truth], dtype=np.float64)),
        box_height=_spread(heights),
        box_width=_spread(widths),
        box_aspect=_spread(widths[sound] / heights[sound]),
        splits=splits,
        problems=tuple(problems),
    )


def _count(name: str, label: int, truth: Sequence[Annotations]) -> ClassCount:
    own = [a.labels == label for a in truth]
    difficult = sum(int((mask & a.difficult).sum()) for mask, a in zip(own, truth, strict=True))
    return ClassCount(name, sum(int(m.sum()) for m in own), difficult, sum(bool(m.any()) for m in own))


def _spread(values: FloatArray) -> Spread:
    if len(values) == 0:
        return Spread(0.0, 0.0, 0.0)
    return Spread(float(values.min()), float(np.median(values)), float(values.max()))
