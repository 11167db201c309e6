"""Photos found by the names that annotations give them, whatever system wrote the names."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from minircnn.data.fields import FieldError, shown
from minircnn.data.problems import DatasetError, Problem
from minircnn.imaging import PHOTO_ENDINGS, ImageError, read_header

_CLUTTER = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"}
_DRIVE = re.compile(r"[A-Za-z]:/|//")
NO_PHOTO = "no such photo in"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_clutter(name: str) -> bool:
    """Tell whether a file or folder is something a system left behind: ``._a.jpg``, ``.DS_Store``."""
    return name.startswith(".") or name in _CLUTTER


def is_photo(name: str) -> bool:
    """Tell whether the name of a file ends like a photo's."""
    return os.path.splitext(name)[1].lower() in PHOTO_ENDINGS


def is_address(word: str) -> bool:
    """Tell whether `word` is an address in the web, or one of that form."""
    return bool(_ADDRESS.match(word))


def files_below(folder: Path, endings: Iterable[str], *, deep: bool = True) -> list[str]:
    """Return the files in `folder` with one of `endings`, as sorted relative names with slashes."""
    wanted, found = set(endings), []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if deep and not is_clutter(name))
        inside = os.path.relpath(where, folder).replace(os.sep, "/")
        for name in names:
            right = os.path.splitext(name)[1].lower() in wanted and not is_clutter(name)
            if right and os.path.isfile(os.path.join(where, name)):
                found.append(name if inside == "." else f"{inside}/{name}")
    return sorted(found)


def folded(name: str) -> str:
    """Return `name` without what systems disagree on: case, and how accents are encoded (macOS)."""
    return unicodedata.normalize("NFC", name).casefold()


class Names:
    """Names that are found as written or, where exactly one fits, whatever their case and encoding."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._folded: dict[str, list[str]] = {}
        for name in sorted(self._names):
            self._folded.setdefault(folded(name), []).append(name)

    def find(self, name: str) -> str | None:
        """Return the name that `name` means, None if there is none or the choice is not clear."""
        if name in self._names:
            return name
        alike = self._folded.get(folded(name), [])
        return alike[0] if len(alike) == 1 else None


class PhotoFolder:
    """The photos of one folder and the folders in it.

    Parameters
    ----------
    folder : Path
    deep : bool
        Whether folders inside count.
    """

    def __init__(self, folder: Path, *, deep: bool = True) -> None:
        self.folder = folder
        self._deep = deep
        self._listed: list[str] | None = None
        self._names: Names | None = None
        self._root = os.path.abspath(folder)

    def names(self) -> list[str]:
        """Return all photos as relative names with slashes."""
        if self._listed is None:
            self._listed = files_below(self.folder, PHOTO_ENDINGS, deep=self._deep)
        return self._listed

    def find(self, name: str) -> Path | None:
        """Return the photo of a relative name, whatever its case, None if there is none."""
        if name and os.path.isfile(os.path.join(self._root, name)):
            return self.folder / name
        if self._names is None:
            self._names = Names(self.names())
        found = self._names.find(name)
        return None if found is None else self.folder / found

    def locate(self, name: str) -> Path:
        """Return the photo that an annotation file calls `name`.

        Raises
        ------
        FieldError
            If there is none, or it lies outside the folder.
        """
        inside = self._inside(name)
        if inside is not None and os.path.isfile(os.path.join(self._root, inside)):
            return self.folder / inside
        slashed = name.strip().replace("\\", "/")
        if is_address(slashed):
            raise FieldError(f"file_name {shown(name)} is an address; download the photo and write its name")
        for candidate in self._candidates(slashed):
            found = self.find(candidate)
            if found is not None:
                return found
        raise FieldError(self._why(name, slashed))

    def _inside(self, name: str) -> str | None:
        """Return `name` relative to the folder, None if it leads out of it."""
        relative = os.path.relpath(os.path.join(self._root, name), self._root) if "\0" not in name else ".."
        return None if relative == os.pardir or relative.startswith(os.pardir + os.sep) else relative

    def _candidates(self, slashed: str) -> Iterable[str]:
        """Yield the relative names that `slashed` may mean, the likeliest first."""
        if _DRIVE.match(slashed):  # a path of a Windows machine: its end counts, as far as it is found here
            parts = [part for part in slashed.split("/")[1:] if part]
            yield from ("/".join(parts[start:]) for start in range(len(parts)) if ".." not in parts[start:])
            return
        inside = self._inside(slashed)
        if inside is None:
            return
        yield inside
        inner, own = PurePosixPath(inside).parts, Path(self._root).parts
        for count in range(1, len(inner)):  # "images/a.jpg" in the folder "images"
            if inner[:count] == own[-count:]:
                yield "/".join(inner[count:])

    def _why(self, name: str, slashed: str) -> str:
        if not _DRIVE.match(slashed) and self._inside(slashed) is None:
            last = slashed.rpartition("/")[2]
            mend = f"write {last!r}, which is there" if self.find(last) else "name the photo in it"
            return f"file_name {shown(name)} leads out of the photo folder {self.folder}; {mend}"
        plain, last = unquote(slashed), slashed.rpartition("/")[2]
        stem = os.path.splitext(last)[0] if is_photo(last) else last
        for other in (plain, last, *(stem + ending for ending in PHOTO_ENDINGS)):
            if other != slashed and self.find(other) is not None:
                mend = "undo the %-encoding" if other == plain else "write that"
                return f"file_name is {shown(name)}: no such photo, but there is {shown(other)}; {mend}"
        return f"file_name is {shown(name)}: {NO_PHOTO} {self.folder}"


def refuse_images(source: str | Path, image_folder: str | Path | None) -> None:
    """Refuse a folder of photos where these are part of the data set: it would be passed over.

    Raises
    ------
    DatasetError
    """
    if image_folder is not None:
        raise DatasetError(f"{source}: brings its own photos; image_folder (--images) is for COCO files")


def measure(
    photo: Path, source: str, height: int | None, width: int | None, *, need_photo: bool = True
) -> tuple[int, int] | Problem:
    """Return (height, width) of a photo, or the problem if it is broken or not as large as `source` says.

    Only the header is read. What the annotation does not say (None) is taken from the photo; where the photo
    is not needed and the annotation says all, it is not looked at.
    """
    if not need_photo and height and width:
        return height, width
    try:
        header = read_header(photo)
    except ImageError as error:
        return Problem(str(photo), "unreadable", str(error).removeprefix(f"{photo}: "), is_photo=True)
    found = (header.height, header.width)
    said = (height or header.height, width or header.width)
    if said == found:
        return found
    message = f"says {said[1]} x {said[0]} pixels, but {photo.name} has {header.width} x {header.height}"
    if header.turned:
        message += " (upright, after its EXIF orientation)"
    elif said == found[::-1]:
        message += ": the two are exchanged"
    return Problem(source, "size", message, is_photo=True)
