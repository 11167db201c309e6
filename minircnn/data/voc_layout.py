"""Where the files of a VOC data set lie: in VOC's own folders, in others' names for them, or side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minircnn.data import dialects
from minircnn.data.fields import FieldError, shown
from minircnn.data.photo_files import (
    Names,
    PhotoFolder,
    files_below,
    folded,
    is_clutter,
    is_photo,
)
from minircnn.data.problems import DatasetError, Problem
from minircnn.imaging import OTHER_ENDINGS, ImageError, read_header

_XML = (".xml",)
_OF_ANNOTATIONS = ("annotations", "annotation", "xmls", "xml", "labels", "label", "ann")
_OF_PHOTOS = ("jpegimages", "images", "image", "imgs", "img", "photos", "pictures", "data")
_OF_SPLITS = ("train", "valid", "val", "validation", "trainval", "test")


@dataclass(frozen=True)
class Part:
    """One folder with annotations and photos.

    Parameters
    ----------
    name : str
        What its image ids begin with, ``"train/"`` for a folder of a split; empty for the only one.
    annotations, photos : Path
    apart : bool
        Whether annotations and photos have folders of their own, and folders inside count.
    """

    name: str
    annotations: Path
    photos: Path
    apart: bool


@dataclass(frozen=True)
class Layout:
    """A data set on disk: one part, or one for each split."""

    path: Path
    parts: tuple[Part, ...]


def find_layout(root: Path, year: str | None) -> Layout:
    """Return where the data set in `root`, or up to two levels below, lies.

    Raises
    ------
    DatasetError
        If there is none, or several and no `year`.
    """
    own = _layout(root) if year is None else None
    whole = _whole_of(root) if own is None or _is_stray(own) else None
    if whole is not None:
        raise DatasetError(f"{root}: holds only a part of a data set; name the folder around it, {whole}")
    if own is not None and not _is_stray(own):
        return own
    found: list[Layout] = []
    level = [root]
    for _ in range(3):
        fitting = (_layout(folder) for folder in level if year is None or folder.name == f"VOC{year}")
        found += [layout for layout in fitting if layout is not None]
        taken = {layout.path for layout in found if not _is_stray(layout)}
        level = [child for folder in level if folder not in taken for child in _folders(folder)]
    better = [layout for layout in found if not _is_stray(layout)] or found
    if len(better) == 1:
        return better[0]
    if found:
        names = ", ".join(str(layout.path) for layout in better)
        raise DatasetError(f"{root}: holds several VOC folders ({names}); name one of them")
    raise DatasetError(_nothing(root, year))


def _whole_of(part: Path) -> Path | None:
    """Return the folder of the data set whose annotations or photos lie in `part`, None if there is none."""
    above = _layout(part.resolve().parent)
    own = above is not None and any(
        part.resolve() in (p.annotations, p.photos) for p in above.parts if p.apart
    )
    return part / ".." if own else None


def _is_stray(layout: Layout) -> bool:
    """Tell whether all there is are XML files without a photo beside them, which may mean anything."""
    return all(
        not part.apart
        and part.photos == part.annotations
        and not PhotoFolder(part.photos, deep=False).names()
        for part in layout.parts
    )


def _nothing(root: Path, year: str | None) -> str:
    wanted = "Annotations" if year is None else f"VOC{year}/Annotations"
    message = f"{root}: no {wanted} folder in it or in the two levels below, nor XML files beside photos"
    if not root.is_dir():
        return message
    foreign = dialects.of_folder(root)
    if foreign is not None:
        dialect, file = foreign
        return f"{message}; {file}: {dialects.refusal(dialect)}"
    coco = dialects.coco_file(root)
    return message if coco is None else f"{message}; a COCO file is named itself: {coco}"


def _layout(folder: Path) -> Layout | None:
    """Return the layout of `folder` itself, None if it is not the folder of a data set."""
    part = _part(folder, "")
    if part is not None:
        return Layout(folder, (part,))
    splits = [child for child in _folders(folder) if child.name.lower() in _OF_SPLITS]
    parts = [_part(child, f"{child.name}/") for child in splits]
    found = tuple(part for part in parts if part is not None)
    return Layout(folder, found) if found else None


def _part(folder: Path, name: str) -> Part | None:
    children = {child.name.lower(): child for child in _folders(folder)}
    for word in _OF_ANNOTATIONS:
        inside = children.get(word)
        if inside is None or not _is_voc(inside):
            continue
        nested = inside / "xmls"  # Oxford pets
        if nested.is_dir() and not files_below(inside, _XML, deep=False):
            inside = nested
        photos = next((children[word] for word in _OF_PHOTOS if word in children), folder)
        return Part(name, inside, photos, photos != folder)
    return Part(name, folder, folder, False) if files_below(folder, _XML, deep=False) else None


def _is_voc(folder: Path) -> bool:
    """Tell whether a folder holds VOC's annotations, or would hold them: it may be empty still."""
    if files_below(folder, _XML):
        return True
    return folder.name.lower() == "annotations" and not files_below(folder, (".json", ".txt", ".csv"))


def _folders(folder: Path) -> Iterator[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return iter(())
    return (child for child in inside if not is_clutter(child.name) and child.is_dir())


class PartFiles:
    """The files of one part, looked up once.

    Attributes
    ----------
    xml : dict of str to Path
        The annotation file of every image id.
    photos : PhotoFolder
    """

    def __init__(self, part: Part) -> None:
        self._part = part
        self.photos = PhotoFolder(part.photos, deep=part.apart)
        self.xml: dict[str, Path] = {}
        self._clashes: dict[str, list[str]] = {}
        for name in files_below(part.annotations, _XML, deep=part.apart):
            image_id = part.name + _stem(name)
            if image_id in self.xml:  # endings that differ in case
                self._clashes.setdefault(image_id, [self.xml[image_id].name]).append(name)
            self.xml.setdefault(image_id, part.annotations / name)
        self._of_stem: dict[str, list[str]] = {}
        for name in self.photos.names():
            self._of_stem.setdefault(_stem(name), []).append(name)
        self._stems = Names(self._of_stem)

    def photo_ids(self) -> list[str]:
        """Return the image ids that the photos would have."""
        return [self._part.name + stem for stem in self._of_stem]

    def expected_xml(self, image_id: str) -> Path:
        """Return where the annotation of a photo would stand."""
        return self._part.annotations / f"{image_id.removeprefix(self._part.name)}.xml"

    def expected_photo(self, image_id: str) -> Path:
        """Return where the photo of an annotation would lie."""
        return self._part.photos / f"{image_id.removeprefix(self._part.name)}.jpg"

    def clash(self, image_id: str) -> list[Problem]:
        """Return the problem of an image id that several files are about."""
        names = self._clashes.get(image_id)
        if names is None:
            return []
        message = f"several files are about this photo: {', '.join(names)}"
        return [Problem(str(self.xml[image_id]), "duplicate", message, is_photo=True)]

    def alike(self, image_id: str) -> list[Path]:
        """Return the photos that have the name of an annotation, with whatever ending."""
        stem = self._stems.find(image_id.removeprefix(self._part.name))
        return [] if stem is None else [self._part.photos / name for name in self._of_stem[stem]]

    def no_photo(self, image_id: str) -> str:
        """Return what to say where a photo is missing: a file of another kind may lie in its place."""
        stem = self.expected_photo(image_id).with_suffix("")
        for ending in (e for small in sorted(OTHER_ENDINGS) for e in (small, small.upper())):
            path = stem.with_name(stem.name + ending)
            if path.is_file():
                try:
                    read_header(path)
                except ImageError as error:
                    return f"no such photo, but {str(error).removeprefix(f'{path.parent}/')}"
                return f"no such photo, but {path.name}; export it as JPEG or PNG"
        return "no such photo (nor with another ending)"

    def means_another(self, filename: str, photo: Path) -> bool:
        """Tell whether `filename` is the name of a photo in the folder of `photo`, but of another."""
        said = _last(filename)
        return is_photo(said) and folded(said) != folded(photo.name) and (photo.parent / said).is_file()

    def photo(self, image_id: str, filename: str) -> Path | None:
        """Return the photo of an annotation file: by its own name, else by the `filename` that it says.

        Raises
        ------
        FieldError
            If several photos have its name and `filename` is none of them.
        """
        said = _last(filename)
        found = self.alike(image_id)
        if len(found) == 1:
            return found[0]
        if found:
            named = [photo for photo in found if folded(photo.name) == folded(said)]
            if len(named) == 1:
                return named[0]
            names = ", ".join(photo.name for photo in found)
            raise FieldError(
                f"filename is {shown(said)}, but several photos have the name of the file: {names}"
            )
        if not said:
            return None
        folder = image_id.removeprefix(self._part.name).rpartition("/")[0]
        beside = f"{folder}/{said}" if folder else said
        photo = self.photos.find(beside) if is_photo(said) else None
        stem = self._stems.find(_stem(beside) if is_photo(said) else beside)
        if photo is None and stem is not None and len(self._of_stem[stem]) == 1:
            return self._part.photos / self._of_stem[stem][0]
        return photo


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
