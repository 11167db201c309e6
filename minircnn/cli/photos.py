"""Which photos a command is given, and what their results are called."""

from __future__ import annotations

import glob
import hashlib
import os
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from minircnn.cli.errors import UsageError
from minircnn.cli.output import note
from minircnn.data.photo_files import is_address, is_photo
from minircnn.data.photos import EXAMPLES, photo_path
from minircnn.files import write_bytes
from minircnn.imaging import OTHER_ENDINGS, PHOTO_ENDINGS, ImageError, read_image
from minircnn.structures import ImageArray

STANDARD_INPUT = "/dev/stdin"
"""What ``-`` is taken for."""

EXAMPLE = "example"
"""The word for the photos that come with scikit-image; ``example:cat`` is one of them."""

_LONGEST = 180  # bytes of a result's name; file systems take 255, endings included
_FROM_INPUT = "minircnn-stdin-"  # beginning of the name of a folder
_ENDINGS = " ".join(PHOTO_ENDINGS)


@contextmanager
def photos_of(words: Iterable[str]) -> Iterator[list[Path]]:
    """Yield the photos that `words` name, each once.

    A word is a file, a folder of photos, a pattern (``photos/*.jpg``, ``**`` goes through all folders below,
    but through no link to a folder), `EXAMPLE`, or `STANDARD_INPUT`, which is kept in a file as long as the
    block lasts.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no photo in a folder or of a pattern.
    ValueError
        If a word is an address in the web, or there is no photo in standard input.
    """
    with ExitStack() as stack:
        yield find_photos(
            _standard_input(stack) if str(word) == STANDARD_INPUT else str(word) for word in words
        )


def find_photos(words: Iterable[str | Path]) -> list[Path]:
    """Return the photos that `words` name, without standard input; the rest as :func:`photos_of`.

    Hidden files are left out of folders: macOS and sync programs put files there that only look like photos.
    A dangling link stays: reading it fails, and says so.
    """
    found: dict[str, Path] = {}
    for word in words:
        for photo in _photos_of_word(str(word)):
            real = os.path.realpath(photo)
            # its own name is better than that of a link
            if real not in found or (found[real].is_symlink() and not photo.is_symlink()):
                found[real] = photo
    return list(found.values())


def is_photo_word(word: str) -> bool:
    """Tell whether `word` can only mean photos, whether they are there or not."""
    if word == STANDARD_INPUT:
        return True
    # the others are refused by name when they are read
    like_photo = is_photo(word) or Path(word).suffix.lower() in OTHER_ENDINGS
    if os.path.exists(word):
        return like_photo and not os.path.isdir(word)
    return bool(_example_names(word)) or like_photo or is_address(word) or glob.has_magic(word)


def name_of(photo: Path) -> str:
    """Return what `photo` is called in results and errors: its path, if it has one of its own."""
    return photo.name if photo.parent.name.startswith(_FROM_INPUT) else str(photo)


def short_name(name: str) -> str:
    """Return `name`, of :func:`name_of`, as the command line takes it: examples lie deep in a library."""
    word = _example_of(Path(name))
    return name if word is None else f"{EXAMPLE}:{word}"


def file_name(photo: Path) -> str:
    """Return the name of the file `photo` without folders; an example's is what it is asked by: cat.png."""
    word = _example_of(photo)
    return photo.name if word is None else f"{word}{photo.suffix}"


def read_photo(photo: Path) -> ImageArray:
    """Read a photo of :func:`photos_of`.

    Raises
    ------
    ImageError
        If it cannot be read; it is called as :func:`name_of` does.
    """
    try:
        return read_image(photo)
    except ImageError as error:
        raise ImageError(str(error).replace(str(photo), name_of(photo))) from error


def one_photo(photos: Sequence[Path], command: str) -> Path:
    """Return the only one of `photos`.

    Raises
    ------
    UsageError
        If there are more.
    """
    if len(photos) != 1:
        names = [short_name(name_of(photo)) for photo in photos]
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise UsageError(f"{command} takes one photo, got {len(photos)}: {shown}")
    return photos[0]


def _example_of(photo: Path) -> str | None:
    """Return the word of the example that `photo` is, None if it is none."""
    for word, file in EXAMPLES.items():
        # the name first: where the libraries lie takes their import
        if photo.name == PurePosixPath(file).name and photo == photo_path(file):
            return word
    return None


def _photos_of_word(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        return _photos_in_folder(path)
    if os.path.lexists(path):
        return [path]
    if is_address(word):
        raise ValueError(_no_address(word))
    names = _example_names(word)
    if names is not None:
        return [photo_path(EXAMPLES[name]) for name in names]
    if glob.has_magic(word):
        return _photos_of_pattern(word)
    raise FileNotFoundError(f"{word}: no such file")


def _photos_in_folder(folder: Path) -> list[Path]:
    inside = sorted(p for p in folder.iterdir() if is_photo(p.name) and _may_be_photo(p))
    _note_left_out(str(folder), folder.iterdir())
    if not inside:
        raise FileNotFoundError(f"{folder}: no photo in this folder (files that end in {_ENDINGS})")
    return inside


def _photos_of_pattern(pattern: str) -> list[Path]:
    there = [Path(name) for name in sorted(_matching(Path(pattern).expanduser().parts))]
    photos = [path for path in there if is_photo(path.name) and _may_be_photo(path)]
    _note_left_out(pattern, there)
    if not there:
        raise FileNotFoundError(
            f"{pattern}: no file has a name like this (* is any part of a name, ** any folders below)"
        )
    if not photos:
        raise FileNotFoundError(f"{pattern}: no photo among them (files that end in {_ENDINGS})")
    return photos


def _matching(parts: Sequence[str]) -> set[str]:
    """Return the files and folders whose path fits the pattern of these `parts`.

    As :func:`glob.glob` with ``recursive``, which goes through links to folders, too: two that lead upward
    would double the number of paths with every level.
    """
    if "**" not in parts:
        return set(glob.glob(os.path.join(*parts)))
    deep = parts.index("**")
    found = set()
    for root in _matching(parts[:deep]) if deep else [os.curdir]:
        for folder, below, _ in os.walk(root):
            below[:] = [name for name in below if not name.startswith(".")]
            found |= _matching([*Path(glob.escape(folder)).parts, *(parts[deep + 1 :] or ["*"])])
    return found


def _may_be_photo(path: Path) -> bool:
    return not path.name.startswith(".") and not path.is_dir()


def _note_left_out(where: str, paths: Iterable[Path]) -> None:
    """Say which files look like photos to people but are left out (HEIC, raw files)."""
    others = sorted(path.name for path in paths if path.suffix.lower() in OTHER_ENDINGS)
    if others:
        note(f"{where}: {len(others)} file(s) left out that cannot be read as photos, {others[0]} for one")


def _no_address(word: str) -> str:
    if word.lower().startswith("file://"):
        return f"{word}: is an address; name the file by its path, without {word[:7]}"
    if not word.lower().startswith(("http://", "https://", "ftp://")):
        return f"{word}: is an address, and only files are read; download it first"
    return (
        f"{word}: is an address, and only files are read; download it first: "
        f"curl --location --output photo.jpg {shlex.quote(word)}"
    )


def _example_names(word: str) -> list[str] | None:
    """Return which examples `word` names, None if it is about something else."""
    if word == EXAMPLE:
        return list(EXAMPLES)
    name = word.removeprefix(f"{EXAMPLE}:")
    if name == word:
        return None
    if name not in EXAMPLES:
        known = ", ".join(f"{EXAMPLE}:{one}" for one in EXAMPLES)
        raise ValueError(f"{word}: there is no such photo; there are {known}")
    return [name]


def _standard_input(stack: ExitStack) -> str:
    """Keep what comes from standard input in a file until `stack` is left, and return its name."""
    stream = sys.stdin
    if stream is None or stream.isatty():
        raise ValueError("- is the photo that comes from standard input: add < photo.jpg")
    content = stream.buffer.read()
    if not content:
        raise ValueError("-: standard input is empty")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=_FROM_INPUT))
    return str(write_bytes(Path(folder) / "stdin", content))


def result_names(photos: Sequence[Path]) -> list[str]:
    """Return a name for the results of each photo: its own without ending, or with it where two share that.

    Raises
    ------
    ValueError
        If two photos in different folders have the same name: their results would fall on each other.
    """
    files = [PurePosixPath(file_name(photo)) for photo in photos]
    stems = Counter(file.stem.casefold() for file in files)
    names = [file.stem if stems[file.stem.casefold()] == 1 else file.name for file in files]
    owner: dict[str, Path] = {}
    for name, photo in zip(names, photos, strict=True):
        if name in owner:
            raise ValueError(
                f"the results of {owner[name]} and {photo} would have the same name, {name}: run once for "
                "each, with an --out of its own"
            )
        owner[name] = photo
    return [_shortened(name) for name in names]


def _shortened(name: str) -> str:
    """Return `name`, its middle replaced by a digest where it is too long for endings to follow."""
    raw = os.fsencode(name)
    if len(raw) <= _LONGEST:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return f"{raw[: _LONGEST - 16].decode('utf-8', 'ignore')}-{digest}"
