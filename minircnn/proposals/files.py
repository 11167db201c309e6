"""Proposals from a file, so that anybody's boxes plug in.

=======  ==============================================================================================
ending   contents
=======  ==============================================================================================
.npz     one (R, 4) array per photo, named by its image id
.npy     the (R, 4) array of one photo; the file's name is its image id
.csv     a header and one box per line: ``image_id,x1,y1,x2,y2``, or without ``image_id`` for one photo
.mat     R-CNN's ``images`` and ``boxes`` cell arrays, or ``boxes`` of one photo
folder   files of any of these kinds, one per photo
=======  ==============================================================================================

Files of one photo may be called ``<image id>`` or ``<image id>_boxes``.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from minircnn.files import write_bytes
from minircnn.proposals.base import ProposalSettings, register
from minircnn.structures import FloatArray, ImageArray

Convention: TypeAlias = Literal["half-open", "inclusive-0based", "inclusive-1based"]
_SHIFT: dict[str, tuple[int, int]] = {  # what to add to x1, y1 and to x2, y2
    "half-open": (0, 0),
    "inclusive-0based": (0, 1),
    "inclusive-1based": (-1, 0),
}
_TOLERANCE = 0.5  # pixels a box may stick out of its photo before it is taken for a mistake


class ProposalFileError(ValueError):
    """A file of proposals is unusable; the message names the file and, where known, photo and box."""


@register("file")
@dataclass(frozen=True)
class ProposalFile:
    """Look the proposals of a photo up by its image id.

    Parameters
    ----------
    path : str or Path
        File or folder; the kinds are listed at the top of this module. A file is read at once, a folder
        file by file when a photo asks for its boxes.
    convention : {"half-open", "inclusive-0based", "inclusive-1based"}
        How the file writes the box that covers the first pixel only: ``0 0 1 1``, ``0 0 0 0`` (the
        original Fast R-CNN's demo boxes) or ``1 1 1 1`` (VOC, MATLAB).
    y_first : bool
        The columns are ``y1, x1, y2, x2``, as in the selective search boxes released with R-CNN.

    Raises
    ------
    ProposalFileError
        If the file is missing, of unknown kind or broken.
    """

    path: str | Path
    convention: Convention = "half-open"
    y_first: bool = False
    _loaded: dict[str, npt.NDArray[np.float64]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.convention not in get_args(Convention):
            raise ValueError(
                f"convention must be one of {', '.join(get_args(Convention))}, got {self.convention!r}"
            )
        path = Path(self.path)
        if not path.exists():
            raise ProposalFileError(f"{path}: no such file or folder")
        if not path.is_dir():
            self._load(path)

    @classmethod
    def from_settings(cls, settings: ProposalSettings, seed: int) -> ProposalFile:
        """Return the boxes of the file that `settings` name."""
        if settings.path is None:
            raise ValueError("proposals from a file need the file's path (--proposals.path)")
        return cls(settings.path)

    def propose(self, image: ImageArray, *, image_id: str = "") -> npt.NDArray[np.float32]:
        """Return the (R, 4) boxes of photo `image_id`, half-open, in the order of the file.

        Without `image_id`, a file of a single photo answers.

        Raises
        ------
        ProposalFileError
            If the file has no boxes for this photo, or a box does not lie in it.
        """
        boxes = self._find(image_id)
        height, width = image.shape[:2]
        limits = np.array([width, height, width, height], dtype=np.float64)
        outside = ((boxes < -_TOLERANCE) | (boxes > limits + _TOLERANCE)).any(axis=1)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise ProposalFileError(
                f"{self.path}: photo {image_id!r}: box {row} {boxes[row].tolist()} does not lie in the "
                f"photo of {width}×{height} pixels; wrong photo, or is convention "
                f"{self.convention!r}{' with y first' if self.y_first else ''} not what the file uses?"
            )
        clipped = np.clip(boxes, 0, limits)
        return clipped[(clipped[:, 2:] > clipped[:, :2]).all(axis=1)].astype(np.float32)

    def _find(self, image_id: str) -> npt.NDArray[np.float64]:
        path = Path(self.path)
        if path.is_dir() and image_id and image_id not in self._loaded:
            for name in (image_id, f"{image_id}_boxes"):
                for ending in _READERS:
                    if (path / f"{name}{ending}").is_file():
                        self._load(path / f"{name}{ending}")
        if image_id in self._loaded:
            return self._loaded[image_id]
        if not image_id and len(self._loaded) == 1:
            return next(iter(self._loaded.values()))
        known = sorted(self._loaded)
        shown = ", ".join(known[:5]) + (f", ... ({len(known)} in all)" if len(known) > 5 else "")
        raise ProposalFileError(
            f"{path}: no boxes for photo {image_id!r}" + (f"; the file has {shown}" if known else "")
        )

    def _load(self, path: Path) -> None:
        """Read `path` and keep its boxes, converted to half-open x first."""
        if path.suffix.lower() not in _READERS:
            raise ProposalFileError(f"{path}: unknown kind of file; use one of {', '.join(_READERS)}")
        try:
            found = _READERS[path.suffix.lower()](path)
        except ProposalFileError:
            raise
        except Exception as error:  # zip, pickle, MATLAB and number parsing all fail in their own ways
            raise ProposalFileError(f"{path}: cannot be read ({error})") from error
        for image_id, raw in found.items():
            self._loaded[image_id] = self._converted(raw, f"{path}: photo {image_id!r}")

    def _converted(self, raw: npt.ArrayLike, what: str) -> npt.NDArray[np.float64]:
        try:
            boxes = np.array(raw, dtype=np.float64)  # before the shift: unsigned integers would wrap
        except (TypeError, ValueError) as error:
            raise ProposalFileError(f"{what}: boxes are not numbers ({error})") from error
        if boxes.size == 0:
            return np.zeros((0, 4))
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ProposalFileError(f"{what}: boxes must have shape (R, 4), got {boxes.shape}")
        if self.y_first:
            boxes = boxes[:, [1, 0, 3, 2]]
        first, last = _SHIFT[self.convention]
        boxes += [first, first, last, last]
        bad = ~np.isfinite(boxes).all(axis=1) | ~(boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ProposalFileError(
                f"{what}: box {row} is {boxes[row].tolist()} as half-open x1, y1, x2, y2: "
                f"not finite, reversed or empty ({int(bad.sum())} such boxes)"
            )
        return boxes


_Boxes: TypeAlias = Mapping[str, npt.ArrayLike]


def _photo_of(path: Path) -> str:
    """Return the image id that a file of one photo stands for."""
    return path.stem.removesuffix("_boxes")


def _read_npz(path: Path) -> _Boxes:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _read_npy(path: Path) -> _Boxes:
    return {_photo_of(path): np.load(path, allow_pickle=False)}


def _read_csv(path: Path) -> _Boxes:
    boxes: dict[str, list[list[float]]] = {}
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, skipinitialspace=True)
        columns = ("x1", "y1", "x2", "y2")
        missing = [c for c in columns if c not in (reader.fieldnames or ())]
        if missing:
            raise ProposalFileError(f"{path}: the header lacks {', '.join(missing)}")
        for row in reader:
            image_id = row.get("image_id") or _photo_of(path)
            try:
                boxes.setdefault(image_id, []).append([float(row[c]) for c in columns])
            except (TypeError, ValueError) as error:
                raise ProposalFileError(f"{path}: line {reader.line_num}: not four numbers") from error
    return boxes


def _read_mat(path: Path) -> _Boxes:
    from scipy.io import loadmat

    variables: dict[str, Any] = loadmat(path)
    if "boxes" not in variables:
        raise ProposalFileError(f"{path}: no variable 'boxes'")
    boxes = variables["boxes"]
    if boxes.dtype != object:
        return {_photo_of(path): boxes}
    if "images" not in variables:
        raise ProposalFileError(
            f"{path}: 'boxes' is a cell array but 'images', which names the photos, lacks"
        )
    names = [str(np.ravel(cell)[0]) for cell in variables["images"].ravel()]
    if len(names) != boxes.size:
        raise ProposalFileError(f"{path}: {len(names)} images but {boxes.size} sets of boxes")
    return dict(zip(names, boxes.ravel(), strict=True))


_READERS: dict[str, Callable[[Path], _Boxes]] = {
    ".npz": _read_npz,
    ".npy": _read_npy,
    ".csv": _read_csv,
    ".mat": _read_mat,
}


def write_proposals(path: str | Path, proposals: Mapping[str, FloatArray]) -> None:
    """Write the boxes of several photos to an ``.npz`` file that :class:`ProposalFile` reads.

    Parameters
    ----------
    path : str or Path
        Ends in ``.npz``.
    proposals : mapping of str to (R, 4) float array
        Half-open boxes by image id.

    Raises
    ------
    ProposalFileError
        If `path` has another ending or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise ProposalFileError(f"{path}: proposals are written to .npz files")
    # not numpy.savez, whose own arguments image ids like "file" would collide with
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for image_id, boxes in proposals.items():
            with archive.open(f"{image_id}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(boxes), allow_pickle=False)
    try:
        write_bytes(path, content.getvalue())
    except OSError as error:
        raise ProposalFileError(f"{path}: cannot be written ({error})") from error
