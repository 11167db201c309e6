"""The names of the devkit's detection files, ``comp4_det_<set>_<class>.txt``, both ways.

Set and class may hold underscores themselves, so a name alone does not say where one ends and the other
begins: the classes of the data set decide. Signs that a file name cannot hold are written as in addresses,
``a/b`` as ``a%2Fb``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

# R-CNN's code marks its files so that two runs do not meet: comp4-12345_det_..., comp4_1a2b_det_...
_NAME = re.compile(r"(comp[34](?:[-_][^_]+)?)_det_(.+)\.txt", re.DOTALL)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]')


@dataclass(frozen=True)
class VocFiles:
    """The files of one set of photos.

    Parameters
    ----------
    set_name, competition : str
    paths : dict of str to Path
        By the name of the class: those of the data set first, then others.
    """

    set_name: str
    competition: str
    paths: dict[str, Path]


def file_name(competition: str, set_name: str, class_name: str) -> str:
    """Return the name of the file of one class."""
    return f"{competition}_det_{_as_word(set_name)}_{_as_word(class_name)}.txt"


def is_file_name(name: str) -> bool:
    """Tell whether `name` is that of a detection file."""
    return _NAME.fullmatch(name) is not None


def find_voc_files(folder: str | Path, class_names: Sequence[str], set_name: str | None = None) -> VocFiles:
    """Return the detection files in `folder`.

    Parameters
    ----------
    folder : path
    class_names : sequence of str
        Classes of the data set.
    set_name : str, optional
        For example ``"test"``. Default, and if there is no file of it: the only set there is.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the files are of several competitions, or of several sets and `set_name` is none of them.
    """
    folder = Path(folder)
    found = {path: match for path in sorted(folder.iterdir()) if (match := _NAME.fullmatch(path.name))}
    if not found:
        raise FileNotFoundError(f"{folder}: no file comp4_det_<set>_<class>.txt in it")
    competitions = sorted({match[1] for match in found.values()})
    if len(competitions) > 1:
        raise ValueError(
            f"{folder}: files of {' and '.join(competitions)}; leave those of one in a folder of their own"
        )
    rests = {unicodedata.normalize("NFC", match[2]): path for path, match in found.items()}
    words = {word: name for name in class_names for word in (name, _as_word(name))}
    words = {unicodedata.normalize("NFC", word): name for word, name in words.items()}
    chosen = _choose_set(folder, list(rests), words, set_name)
    own = {rest[len(chosen) + 1 :]: path for rest, path in rests.items() if rest.startswith(f"{chosen}_")}
    named = [(words.get(word, unquote(word)), path) for word, path in own.items() if word]
    for name, path in named:
        twin = next((other for given, other in named if given == name and other != path), None)
        if twin is not None:
            raise ValueError(f"{path} and {twin.name} are both of the class {name!r}")
    place = {name: number for number, name in enumerate(class_names)}
    return VocFiles(
        chosen, competitions[0], dict(sorted(named, key=lambda pair: place.get(pair[0], len(place))))
    )


def _choose_set(folder: Path, rests: list[str], words: dict[str, str], wanted: str | None) -> str:
    """Return the set whose files are meant, of names that read ``<set>_<class>``."""
    sizes: dict[str, int] = {}  # files of each set that a class of the data set reveals
    for rest in rests:
        for word in words:
            if rest.endswith(f"_{word}") and len(rest) > len(word) + 1:
                name = rest[: -len(word) - 1]
                sizes[name] = sum(other.startswith(f"{name}_") for other in rests)
    for name in () if wanted is None else (wanted, _as_word(wanted)):
        if any(rest.startswith(f"{name}_") for rest in rests):
            return name
    whole = [name for name, size in sizes.items() if size == len(rests)]
    if len(whole) == 1:
        return whole[0]
    if not sizes:
        there = ", ".join(f"{rest}.txt" for rest in rests[:3])
        raise ValueError(
            f"{folder}: no file of any class of {', '.join(words.values())}; there is ..._{there}"
        )
    raise ValueError(
        f"{folder}: files of the sets {', '.join(sorted(sizes))}; say which one is meant (--split)"
    )


def _as_word(class_name: str) -> str:
    """Return a class name as a part of a file name."""
    return _FORBIDDEN.sub(lambda sign: f"%{ord(sign[0]):02X}", class_name)
