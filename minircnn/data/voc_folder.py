"""The files of a PASCAL VOC folder: ``Annotations/*.xml``, ``JPEGImages/*``, ``ImageSets/Main/*.txt``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeElementTree

from minircnn.data.problems import (
    BOX_FAULTS,
    DatasetError,
    Problem,
    box_fault,
    check_photo,
    repair_box,
)
from minircnn.data.records import ObjectRecord, PhotoRecord
from minircnn.imaging import PHOTO_ENDINGS, read_header


class VOCFolder:
    """The files of one VOC folder, looked up once.

    Parameters
    ----------
    root : str or Path
        The folder that holds ``Annotations``, or one above it (``VOCdevkit``, or the folder around that).
    year : str, optional
        Which ``VOC<year>`` folder to take where several lie below `root`.

    Raises
    ------
    DatasetError
        If there is no such folder, or several and no `year`.
    """

    def __init__(self, root: str | Path, year: str | None = None) -> None:
        self.path = _find_folder(Path(root), year)
        self.xml = {p.stem: p for p in sorted((self.path / "Annotations").glob("*.xml"))}
        photos = sorted((self.path / "JPEGImages").glob("*"))
        self.photos = {p.stem: p for p in photos if p.suffix.lower() in PHOTO_ENDINGS}
        self.splits = sorted(p.stem for p in (self.path / "ImageSets" / "Main").glob("*.txt"))

    def list_file(self, split: str) -> Path:
        """Return where the list of `split` stands."""
        return self.path / "ImageSets" / "Main" / f"{split}.txt"

    def split_ids(self, split: str | None) -> list[str]:
        """Return the image ids of `split` in the order of its list; all annotated photos for None.

        Raises
        ------
        DatasetError
            If there is no such list or it is empty.
        """
        if split is None:
            return list(self.xml)
        file = self.list_file(split)
        if split not in self.splits:
            raise DatasetError(f"{file}: no such file; there is {', '.join(self.splits) or 'no list at all'}")
        # Lists of one class ("aeroplane_train.txt") carry a flag after the id.
        ids = [line.split()[0] for line in file.read_text("utf-8").splitlines() if line.strip()]
        if not ids:
            raise DatasetError(f"{file}: lists no photo")
        return ids

    def class_names(self) -> tuple[str, ...]:
        """Return every class named in ``Annotations``, sorted: the same for all splits of the folder.

        Files that cannot be read are passed over here; they are reported when their split is loaded.
        """
        names: set[str] = set()
        for file in self.xml.values():
            try:
                tree = SafeElementTree.parse(file).getroot()
            except (ParseError, DefusedXmlException, OSError, ValueError):
                continue
            names.update(_text(node, "name") for node in tree.findall("object"))
        return tuple(sorted(names - {""}))

    def read(self, image_ids: Sequence[str]) -> tuple[list[PhotoRecord], list[Problem]]:
        """Read the annotations of `image_ids` and check them against the photos' headers.

        Returns
        -------
        records : list of PhotoRecord
            Those that could be read, with their sound and clipped boxes.
        problems : list of Problem
            Everything found; bad boxes are marked ``"dropped"`` or ``"clipped"``.
        """
        records: list[PhotoRecord] = []
        problems: list[Problem] = []
        seen: set[str] = set()
        for image_id in image_ids:
            if image_id in seen:
                problems.append(Problem(image_id, "duplicate", "this photo is listed more than once"))
                continue
            seen.add(image_id)
            record = self._read_one(image_id, problems)
            if record is not None:
                records.append(record)
        return records, problems

    def _read_one(self, image_id: str, problems: list[Problem]) -> PhotoRecord | None:
        file = self.xml.get(image_id, self.path / "Annotations" / f"{image_id}.xml")
        photo = self.photos.get(image_id)
        if image_id not in self.xml:
            problems.append(Problem(str(file), "missing", "no such file"))
        if photo is None:
            expected = self.path / "JPEGImages" / f"{image_id}.jpg"
            problems.append(Problem(str(expected), "missing", "no such photo (nor .png, .bmp, .tif, .webp)"))
        if image_id not in self.xml or photo is None:
            return None
        try:
            tree = SafeElementTree.parse(file).getroot()
            height, width = _size(tree) or _size_of(photo)
        except (ParseError, DefusedXmlException, OSError, ValueError) as error:
            problems.append(Problem(str(file), "unreadable", f"cannot be read as VOC XML ({error!r})"))
            return None
        mismatch = check_photo(photo, str(file), height, width)
        if mismatch is not None:
            problems.append(mismatch)
            return None
        parsed = [
            _read_object(node, i, str(file), height, width, problems)
            for i, node in enumerate(tree.findall("object"))
        ]
        return PhotoRecord(
            image_id, photo, str(file), height, width, tuple(o for o in parsed if o is not None)
        )


def _find_folder(root: Path, year: str | None) -> Path:
    if (root / "Annotations").is_dir() and year is None:
        return root
    inner = [p.parent for pattern in ("", "*/", "*/*/") for p in root.glob(f"{pattern}Annotations")]
    found = sorted(p for p in inner if p.is_dir() and (year is None or p.name == f"VOC{year}"))
    if len(found) == 1:
        return found[0]
    if not found:
        wanted = "Annotations" if year is None else f"VOC{year}/Annotations"
        raise DatasetError(f"{root}: no {wanted} folder in it or in the two levels below")
    raise DatasetError(
        f"{root}: holds several VOC folders ({', '.join(map(str, found))}); name one, or a year"
    )


def _text(node: Element, tag: str) -> str:
    return (node.findtext(tag) or "").strip()


def _size(tree: Element) -> tuple[int, int] | None:
    """Return (height, width) as the XML says, None where it does not say."""
    height, width = _text(tree, "size/height"), _text(tree, "size/width")
    if not height and not width:
        return None
    return int(float(height)), int(float(width))


def _size_of(photo: Path) -> tuple[int, int]:
    header = read_header(photo)
    return header.height, header.width


def _read_object(
    node: Element, index: int, file: str, height: int, width: int, problems: list[Problem]
) -> ObjectRecord | None:
    """Return the object, clipped if need be, or None after noting why it cannot be used."""
    name = _text(node, "name")
    try:
        xmin, ymin, xmax, ymax = (float(_text(node, f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax"))
        difficult = bool(int(_text(node, "difficult") or 0))
    except ValueError as error:
        message = f"no valid xmin, ymin, xmax, ymax or difficult flag ({error})"
        problems.append(Problem(file, "field", message, index, name or None))
        return None
    if not name:
        problems.append(Problem(file, "field", "the object has no name", index))
        return None
    box = (xmin - 1, ymin - 1, xmax, ymax)
    fault = box_fault(box, height, width)
    if fault is not None:
        kept = repair_box(box, height, width)
        problem = Problem(file, fault, BOX_FAULTS[fault], index, name, (xmin, ymin, xmax, ymax))
        problems.append(replace(problem, action="dropped" if kept is None else "clipped"))
        if kept is None:
            return None
        box = kept
    return ObjectRecord(index, name, box, difficult)
