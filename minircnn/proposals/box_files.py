"""What files of boxes hold, as arrays by photo; :mod:`minircnn.proposals.files` lists their kinds."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minircnn.array_files import read_npy, read_npz
from minircnn.files import read_text, require_file
from minircnn.proposals.mat_file import Variable, read_mat

Boxes: TypeAlias = Mapping[str, npt.ArrayLike]

_COLUMNS = ("x1", "y1", "x2", "y2")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class ProposalFileError(ValueError):
    """A file of proposals is unusable; the message names the file and, where known, photo and box."""


def read_boxes(path: Path, photo: str) -> Boxes:
    """Return the boxes in `path` by photo, as they are written; a file of one photo is that of `photo`.

    Raises
    ------
    ProposalFileError
        If the file is no file, of unknown kind, or cannot be read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ProposalFileError(f"{path}: unknown kind of file; use one of {', '.join(READERS)}")
    try:
        require_file(path)
        return reader(path, photo)
    except ProposalFileError:
        raise
    except Exception as error:  # zip, numbers and text all fail in their own ways
        reason = str(error).removeprefix(f"{path}: ") or type(error).__name__
        raise ProposalFileError(f"{path}: cannot be read ({reason})") from error


def _read_npz(path: Path, photo: str) -> Boxes:
    return read_npz(path)


def _read_npy(path: Path, photo: str) -> Boxes:
    return {photo: read_npy(path)}


def _read_csv(path: Path, photo: str) -> Boxes:
    text = read_text(path)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    names = [name.strip().lower() for name in next(rows, [])]
    missing = [c for c in _COLUMNS if c not in names]
    if missing:
        raise ProposalFileError(f"{path}: the header lacks {', '.join(missing)}")
    twice = [name for name in (*_COLUMNS, "image_id") if names.count(name) > 1]
    if twice:
        raise ProposalFileError(f"{path}: the header has {twice[0]} twice")
    boxes: dict[str, list[list[float]]] = {} if "image_id" in names else {photo: []}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue  # spreadsheets leave such lines behind,
        where = f"{path}: line {rows.line_num}"
        while len(row) > len(names) and not row[-1].strip():
            row.pop()  # and such cells
        if len(row) != len(names):
            raise ProposalFileError(f"{where}: {len(row)} values in {len(names)} columns")
        cells = {name: cell.strip() for name, cell in zip(names, row, strict=True)}
        image_id = cells.get("image_id", photo)
        if "image_id" in cells and not image_id:
            raise ProposalFileError(f"{where}: no image_id")
        boxes.setdefault(image_id, []).append([_number(cells[c], f"{where}: {c}") for c in _COLUMNS])
    return boxes


def _number(cell: str, where: str) -> float:
    if not _NUMBER.fullmatch(cell):
        hint = "; write decimals with a point" if "," in cell else ""
        raise ProposalFileError(f"{where} is not a number: {cell!r}{hint}" if cell else f"{where} is missing")
    return float(cell)


def _read_mat(path: Path, photo: str) -> Boxes:
    variables = read_mat(path, ("boxes", "images"))
    if "boxes" not in variables:
        raise ProposalFileError(f"{path}: no variable 'boxes'")
    boxes = variables["boxes"]
    if not isinstance(boxes, list):
        return {photo: _array(boxes)}
    images = variables.get("images")
    if not isinstance(images, list):
        raise ProposalFileError(
            f"{path}: 'boxes' is a cell array but not 'images', which should name the photos"
        )
    names = [_text(cell, f"{path}: images, cell {i}") for i, cell in enumerate(images, start=1)]
    if len(names) != len(boxes):
        raise ProposalFileError(f"{path}: {len(names)} images but {len(boxes)} sets of boxes")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ProposalFileError(f"{path}: photo {twice[0]!r} is there twice")
    return dict(zip(names, map(_array, boxes), strict=True))


def _array(cell: Variable) -> npt.NDArray[Any]:
    """Return the numbers in a cell; what else is there, as an array of objects."""
    return cell if isinstance(cell, np.ndarray) else np.array([cell], dtype=object)


def _text(cell: Variable, where: str) -> str:
    """Return the text in a cell, however many cells it lies in."""
    while isinstance(cell, list) and len(cell) == 1:
        cell = cell[0]
    if not isinstance(cell, str) or not cell:
        raise ProposalFileError(f"{where} is no name of a photo")
    return cell


READERS: dict[str, Callable[[Path, str], Boxes]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_csv,
    ".mat": _read_mat,
}
"""What reads a file, by its ending."""


def half_open(
    raw: npt.ArrayLike, what: str, shift: tuple[int, int] = (0, 0), y_first: bool = False
) -> npt.NDArray[np.float64]:
    """Return boxes as they are written in a file as half-open ``x1, y1, x2, y2``, (R, 4).

    Parameters
    ----------
    raw : array_like
    what : str
        Names file and photo in errors.
    shift : (int, int)
        What to add to x1, y1 and to x2, y2.
    y_first : bool
        The columns are ``y1, x1, y2, x2``.

    Raises
    ------
    ProposalFileError
        If they are no (R, 4) numbers, or a box is not finite, reversed or empty.
    """
    written = np.asarray(raw)
    if written.size == 0:
        return np.zeros((0, 4))
    if written.dtype.kind not in "iuf":
        raise ProposalFileError(f"{what}: boxes are not numbers but {written.dtype}")
    if written.ndim != 2 or written.shape[1] != 4:
        raise ProposalFileError(f"{what}: boxes must have shape (R, 4), got {written.shape}")
    first, last = shift
    with np.errstate(invalid="ignore"):  # a NaN of the signalling kind; it is refused below
        boxes = written[:, [1, 0, 3, 2] if y_first else [0, 1, 2, 3]].astype(np.float64)
        boxes += [first, first, last, last]  # after the conversion: unsigned integers would wrap
    bad = ~np.isfinite(boxes).all(axis=1) | ~(boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ProposalFileError(
            f"{what}: box {row} is {boxes[row].tolist()} as half-open x1, y1, x2, y2: "
            f"not finite, reversed or empty ({int(bad.sum())} such boxes)"
        )
    return boxes
