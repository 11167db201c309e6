"""The lists of a VOC data set, ``ImageSets/Main/*.txt``, whatever tool and system wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from minircnn import files
from minircnn.data.photo_files import Names, files_below
from minircnn.data.problems import DatasetError
from minircnn.imaging import PHOTO_ENDINGS

_FLAG = re.compile(r"\s+(-1|0|1)$")
_ALIASES = ("val", "valid", "validation")


def usual_name(split: str) -> str:
    """Return ``train``, ``val``, ``trainval`` or ``test`` for what is called nearly so, else `split`."""
    return "val" if split.lower() in _ALIASES else split.lower()


def list_files(folder: Path) -> dict[str, Path]:
    """Return the lists of a VOC folder by their name."""
    sets = next((p for p in _alike(folder, "imagesets")), None)
    if sets is None:
        return {}
    main = next((p for p in _alike(sets, "main")), sets)
    return {Path(name).stem: main / name for name in files_below(main, (".txt",), deep=False)}


def _alike(folder: Path, name: str) -> Iterator[Path]:
    return (p for p in sorted(folder.iterdir()) if p.name.lower() == name and p.is_dir())


def list_name(split: str, there: Sequence[str]) -> str | None:
    """Return which list `split` names, None for none: ``val`` and ``valid`` mean the one that is there."""
    found = Names(there).find(split)
    others = [name for name in there if usual_name(name) == usual_name(split) == "val"]
    return others[0] if found is None and len(others) == 1 else found


def read_list(file: Path, known: Names, photos: Names) -> list[str]:
    """Return the image ids that a list names, in its order.

    A line is an id as a whole; else without VOC's flag for a class, without the ending or folders of a file
    name; else its first word.

    Parameters
    ----------
    file : Path
    known, photos : Names
        Ids that have an annotation, and that have a photo.

    Raises
    ------
    DatasetError
        If the list cannot be read or is empty.
    """
    try:
        lines = files.read_text(file).splitlines()
    except files.TextError as error:
        raise DatasetError(str(error)) from error
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read ({error})") from error
    ids = [_image_id(line, known, photos) for line in lines if line.strip()]
    found = [image_id for image_id in ids if image_id]
    if not found:
        raise DatasetError(f"{file}: lists no photo")
    return found


def _image_id(line: str, known: Names, photos: Names) -> str | None:
    """Return the image id that a line names; None for a comment."""
    whole, line = line, line.strip()
    candidates = [whole, line, _FLAG.sub("", line), line.split()[0]]
    for names in (known, photos):
        for candidate in dict.fromkeys(candidates):
            for name in _meanings(candidate):
                found = names.find(name)
                if found is not None:
                    return found
    if line.startswith("#"):
        return None
    return _plain(candidates[2] if _is_path(candidates[2]) else candidates[3])


def _meanings(name: str) -> Iterator[str]:
    """Yield what a name may mean: itself, without ending, without the folders before it."""
    yield name
    plain = _plain(name)
    yield plain
    parts = PurePosixPath(plain).parts
    yield from ("/".join(parts[start:]) for start in range(1, len(parts)))


def _plain(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/").strip("\"'"))
    return str(path.with_suffix("") if path.suffix.lower() in {*PHOTO_ENDINGS, ".xml"} else path)


def _is_path(name: str) -> bool:
    return _plain(name) != name
