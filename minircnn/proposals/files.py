"""Proposals from a file, so that anybody's boxes plug in.

=======  ==============================================================================================
ending   contents
=======  ==============================================================================================
.npz     one (R, 4) array per photo, named by its image id
.npy     the (R, 4) array of one photo; the file's name is its image id
.csv     a header and one box per line: ``image_id,x1,y1,x2,y2``, or without ``image_id`` for one photo;
         commas, semicolons or tabs between them, any further columns
.mat     R-CNN's ``images`` and ``boxes`` cell arrays, or ``boxes`` of one photo
folder   files of any of these kinds, one per photo
=======  ==============================================================================================

Files of one photo may be called ``<image id>`` or ``<image id>_boxes``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from minircnn.files import write_bytes
from minircnn.imaging.photo import as_image
from minircnn.proposals.base import TOLERANCE, ProposalSettings, register
from minircnn.proposals.box_files import READERS, ProposalFileError, half_open, read_boxes
from minircnn.structures import FloatArray, ImageArray

Convention: TypeAlias = Literal["half-open", "inclusive-0based", "inclusive-1based"]
_SHIFT: dict[str, tuple[int, int]] = {  # what to add to x1, y1 and to x2, y2
    "half-open": (0, 0),
    "inclusive-0based": (0, 1),
    "inclusive-1based": (-1, 0),
}


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

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minircnn.proposals import ProposalFile, write_proposals
    >>> with TemporaryDirectory() as folder:
    ...     write_proposals(f"{folder}/boxes.npz", {"cat": np.array([[1.0, 2, 8, 9]])})
    ...     source = ProposalFile(f"{folder}/boxes.npz")
    >>> source.propose(np.zeros((9, 9, 3), np.uint8), image_id="cat")
    array([[1., 2., 8., 9.]], dtype=float32)
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
        if not isinstance(self.y_first, bool):
            raise ValueError(f"y_first must be true or false, got {self.y_first!r}")
        path = Path(self.path)
        if not path.exists():
            raise ProposalFileError(f"{path}: no such file or folder")
        if not path.is_dir():
            self._load(path, _photo_of(path))

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
        height, width = as_image(image).shape[:2]
        limits = np.array([width, height, width, height], dtype=np.float64)
        outside = ((boxes < -TOLERANCE) | (boxes > limits + TOLERANCE)).any(axis=1)
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
            self._load_from(path, image_id)
        if image_id in self._loaded:
            return self._loaded[image_id]
        if not image_id and len(self._loaded) == 1:
            return next(iter(self._loaded.values()))
        if image_id == path.stem and list(self._loaded) == [_photo_of(path)]:
            return self._loaded[_photo_of(path)]  # the photo's own name ends in _boxes
        known = sorted(self._loaded)
        shown = ", ".join(known[:5]) + (f", ... ({len(known)} in all)" if len(known) > 5 else "")
        raise ProposalFileError(
            f"{path}: no boxes for photo {image_id!r}" + (f"; the file has {shown}" if known else "")
        )

    def _load_from(self, folder: Path, image_id: str) -> None:
        """Read the file in `folder` that belongs to the photo, if there is one."""
        if _leaves_folder(image_id):
            raise ProposalFileError(f"{folder}: the photo {image_id!r} has no file in this folder")
        names = [f"{name}{ending}" for name in (image_id, f"{image_id}_boxes") for ending in READERS]
        found = [folder / name for name in names if (folder / name).exists()]
        for path in found:
            before = self._loaded.pop(image_id, None)
            self._load(path, image_id)
            if before is not None and not np.array_equal(before, self._loaded.get(image_id, before)):
                del self._loaded[image_id]
                raise ProposalFileError(
                    f"{folder}: {found[0].name} and {path.name} hold different boxes of photo {image_id!r}; "
                    "keep the right one"
                )

    def _load(self, path: Path, photo: str) -> None:
        """Read `path`, of one `photo` if it names none, and keep its boxes, half-open and x first."""
        for name, raw in read_boxes(path, photo).items():
            what = f"{path}: photo {name!r}"
            self._loaded[name] = half_open(raw, what, _SHIFT[self.convention], self.y_first)


def _photo_of(path: Path) -> str:
    """Return the image id that a file of one photo stands for."""
    return path.stem.removesuffix("_boxes")


def _leaves_folder(image_id: str) -> bool:
    """Tell whether a name with an image id in it is no path inside a folder, on any system."""
    path = PurePosixPath(image_id.replace("\\", "/"))
    return path.is_absolute() or Path(image_id).is_absolute() or ".." in path.parts or "\0" in image_id


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
        If `path` has another ending, the folder does not exist, or a photo's name or boxes could not be read
        back.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise ProposalFileError(f"{path}: proposals are written to .npz files")
    if not path.parent.is_dir():
        raise ProposalFileError(f"{path}: there is no folder {path.parent}")
    buffer = io.BytesIO()
    # not numpy.savez, whose own arguments image ids like "file" would collide with
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for image_id, boxes in proposals.items():
            member = zipfile.ZipInfo(f"{image_id}.npy")
            if not image_id or _leaves_folder(image_id) or member.filename != f"{image_id}.npy":
                raise ProposalFileError(f"{path}: {image_id!r} cannot be the name of a photo in an archive")
            half_open(boxes, f"{path}: photo {image_id!r}")
            with archive.open(f"{image_id}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(boxes), allow_pickle=False)
    try:
        write_bytes(path, buffer.getvalue())
    except OSError as error:
        raise ProposalFileError(f"{path}: cannot be written ({error.strerror or error})") from error
