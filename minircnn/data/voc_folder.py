"""The files of a PASCAL VOC data set: its annotations, its photos and its lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from minircnn.data.fields import FieldError
from minircnn.data.photo_files import Names, measure
from minircnn.data.problems import BOX_FAULTS, DatasetError, Problem, fit_box
from minircnn.data.records import ObjectRecord, PhotoRecord
from minircnn.data.splits import parse_split
from minircnn.data.voc_layout import PartFiles, find_layout
from minircnn.data.voc_lists import list_files, list_name, read_list
from minircnn.data.voc_xml import VOCFile, VOCObject, parse_voc

_WAYS = "'all' takes all annotated photos, 'train:0.8' and 'val:0.2' take shares of them (--split all, ...)"


class VOCFolder:
    """The files of one VOC data set, looked up once.

    Parameters
    ----------
    root : str or Path
        The folder of the data set, or one above it (``VOCdevkit``, or the folder around that). Its
        annotations lie in ``Annotations`` and its photos in ``JPEGImages`` (or ``annotations`` and
        ``images``), or side by side; the folders ``train``, ``valid`` and ``test`` of such an export are its
        splits.
    year : str, optional
        Which ``VOC<year>`` folder to take where several lie below `root`.

    Attributes
    ----------
    path : Path
    name : str
        Of the folder.
    xml : dict of str to Path
        The annotation file of every image id: its name without ending, with the folders it lies in.
    splits : list of str
        The names of its lists.

    Raises
    ------
    DatasetError
        If there is no such folder, or several and no `year`.
    """

    def __init__(self, root: str | Path, year: str | None = None) -> None:
        layout = find_layout(Path(root), year)
        self.path = layout.path
        self.name = self.path.resolve().name if self.path.name in ("", "..") else self.path.name
        self._parts = {part.name: PartFiles(part) for part in layout.parts}
        self.xml = {image_id: file for part in self._parts.values() for image_id, file in part.xml.items()}
        self._lists = list_files(self.path)
        self._own_lists = {
            name.rstrip("/"): list(part.xml) for name, part in self._parts.items() if name and part.xml
        }
        self.splits = sorted({*self._lists, *self._own_lists})
        self._parsed: dict[str, VOCFile] = {}

    def list_file(self, split: str) -> Path:
        """Return where the list of `split` stands, or would stand."""
        if split in self._own_lists:
            return self.path / split
        return self._lists.get(split, self.path / "ImageSets" / "Main" / f"{split}.txt")

    def split_ids(self, split: str | None) -> list[str]:
        """Return the image ids of `split` in the order of its list; all annotated photos for None.

        Raises
        ------
        DatasetError
            If there is no such list or it is empty.
        """
        wanted = parse_split(split)
        if wanted.name is None:
            return [image_id for image_id in self.xml if wanted.takes(image_id)]
        name = list_name(wanted.name, self.splits)
        if name is None:
            file, there = self.list_file(wanted.name), ", ".join(self.splits) or "no list at all"
            raise DatasetError(f"{file}: no such file; there is {there}; {_WAYS}")
        if name in self._own_lists:
            return self._own_lists[name]
        photos = {image_id for part in self._parts.values() for image_id in part.photo_ids()}
        return read_list(self._lists[name], Names(self.xml), Names(photos))

    def class_names(self) -> tuple[str, ...]:
        """Return every class named in the annotations, sorted: the same for all splits of the folder.

        Files that cannot be read are passed over here; they are reported when their split is loaded.
        """
        names: set[str] = set()
        for image_id in self.xml:
            names.update(self._parse(image_id).class_names)
        return tuple(sorted(names))

    def _parse(self, image_id: str) -> VOCFile:
        if image_id not in self._parsed:
            self._parsed[image_id] = parse_voc(self.xml[image_id])
        return self._parsed[image_id]

    def unannotated(self) -> list[str]:
        """Return the photos that no annotation belongs to, as names relative to the folder."""
        used = set()
        for image_id in self.xml:
            try:
                used.add(self._part_of(image_id).photo(image_id, self._parse(image_id).filename))
            except FieldError:
                used.update(self._part_of(image_id).alike(image_id))
        photos = [part.photos.folder / name for part in self._parts.values() for name in part.photos.names()]
        return [photo.relative_to(self.path).as_posix() for photo in photos if photo not in used]

    def misnamed(self) -> list[str]:
        """Return the annotations that say the name of another photo, which is there too."""
        found = []
        for image_id, file in self.xml.items():
            part, said = self._part_of(image_id), self._parse(image_id).filename
            alike = part.alike(image_id)
            if len(alike) == 1 and part.means_another(said, alike[0]):
                found.append(file.relative_to(self.path).as_posix())
        return found

    def read(
        self, image_ids: Sequence[str], *, need_photos: bool = True
    ) -> tuple[list[PhotoRecord], list[Problem]]:
        """Read the annotations of `image_ids` and check them against the photos, if these are needed.

        Returns
        -------
        records : list of PhotoRecord
            Those that could be read, with their sound and clipped boxes.
        problems : list of Problem
            Everything found; bad boxes are marked ``"dropped"`` or ``"clipped"``.
        """
        records: list[PhotoRecord] = []
        problems: list[Problem] = []
        owner: dict[Path, str] = {}
        shared: set[Path] = set()
        for image_id, count in Counter(image_ids).items():
            if count > 1:
                message = "this photo is listed more than once"
                problems.append(Problem(image_id, "duplicate", message, is_photo=True))
            record = self._read_one(image_id, problems, need_photos)
            if record is None:
                continue
            records.append(record)
            if owner.setdefault(record.photo, image_id) != image_id:
                shared.add(record.photo)
                message = f"is about the same photo as {self.xml[owner[record.photo]].name}"
                problems.append(Problem(record.source, "duplicate", message, is_photo=True))
        return [record for record in records if record.photo not in shared], problems

    def _part_of(self, image_id: str) -> PartFiles:
        first = next(iter(self._parts.values()))
        return self._parts.get(f"{image_id.split('/')[0]}/", first)

    def _read_one(self, image_id: str, problems: list[Problem], need_photo: bool) -> PhotoRecord | None:
        """Return the record of a photo, None after noting what keeps it from being used."""
        part, before = self._part_of(image_id), len(problems)
        file = self.xml.get(image_id)
        parsed = None if file is None else self._parse(image_id)
        if file is None or parsed is None:
            problems.append(
                Problem(str(part.expected_xml(image_id)), "missing", "no such file", is_photo=True)
            )
        else:
            problems += [*(part.clash(image_id) if need_photo else ()), *parsed.problems]
        source = str(file or part.expected_xml(image_id))
        try:
            photo = part.photo(image_id, parsed.filename if parsed else "")
        except FieldError as error:
            if need_photo:
                problems.append(Problem(source, "field", str(error), is_photo=True))
                return None
            photo = None
        if photo is None and not need_photo:
            photo = part.expected_photo(image_id)
        if photo is None and (parsed is None or parsed.readable):
            expected = part.expected_photo(image_id)
            message = part.no_photo(image_id)
            problems.append(Problem(str(expected), "missing", message, is_photo=True))
        if photo is None:
            return None
        said = (None, None) if parsed is None else (parsed.height, parsed.width)
        size = measure(photo, source, *said, need_photo=need_photo)
        if isinstance(size, Problem):
            problems.append(size)
        if isinstance(size, Problem) or parsed is None or len(problems) > before:
            return None
        objects = [_sound(found, source, size, problems) for found in parsed.objects]
        return PhotoRecord(image_id, photo, source, *size, tuple(o for o in objects if o is not None))


def _sound(
    found: VOCObject, source: str, size: tuple[int, int], problems: list[Problem]
) -> ObjectRecord | None:
    """Return the object half-open, clipped if need be, or None after noting why it cannot be used."""
    xmin, ymin, xmax, ymax = found.corners
    kept, fault = fit_box((xmin - 1, ymin - 1, xmax, ymax), *size)
    if fault is not None:
        problem = Problem(source, fault, BOX_FAULTS[fault], found.index, found.class_name, found.corners)
        problems.append(replace(problem, action="dropped" if kept is None else "clipped"))
    return None if kept is None else ObjectRecord(found.index, found.class_name, kept, found.difficult)
