"""Detections in the folder that ``minircnn detect`` writes: one JSON record a photo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

from minircnn import files
from minircnn.interop.records import columns_of, read_rows
from minircnn.structures import Annotations, Detections

_FIELDS = {"image", "height", "width", "detections"}


def read_photo_records(
    folder: str | Path, photo_names: Sequence[str], annotations: Sequence[Annotations]
) -> list[Detections]:
    """Read the records of all photos and return their detections, best score first.

    Parameters
    ----------
    folder : path
        Other JSON files in it are passed over.
    photo_names : sequence of str
        File name of each photo without its ending, by which the records are found.
    annotations : sequence of Annotations, in the same order
        Their sizes must be those of the photos that were detected in.

    Returns
    -------
    list of Detections
        Of the classes of `annotations`, and of others that were found.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If a photo has no record or several, or a record cannot be used; file and field are named.
    """
    by_photo = _records(Path(folder))
    twice = [name for name, count in Counter(photo_names).items() if count > 1]
    if twice:
        raise ValueError(f"{folder}: several photos of the data set are called {twice[0]}")
    missing = [name for name in photo_names if name not in by_photo]
    if missing:
        raise ValueError(
            f"{folder}: no result of {len(missing)} photo(s) of the data set, {missing[0]} for one"
        )
    names = dict.fromkeys(annotations[0].class_names)
    rows = []
    for name, truth in zip(photo_names, annotations, strict=True):
        file, record = by_photo[name]
        if (record["height"], record["width"]) != (truth.height, truth.width):
            raise ValueError(
                f"{file}: is of a photo of {record['width']!r} x {record['height']!r} pixels, "
                f"in the data set it has {truth.width} x {truth.height}"
            )
        rows.append(read_rows(record["detections"], str(file)))
        names.update(dict.fromkeys(own for own, _ in rows[-1]))
    return [Detections(*columns_of(own, tuple(names))) for own in rows]


def _records(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Return file and record of every photo, by the photo's name."""
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.json")):
        record = files.read_json(file)
        if not isinstance(record, dict) or not record.keys() >= _FIELDS:
            continue
        # a path of any system: Windows takes both kinds of slashes
        name = PureWindowsPath(str(record["image"])).stem
        if name in found:
            raise ValueError(f"{file} and {found[name][0].name} are both of a photo {name}")
        found[name] = file, record
    if not found:
        raise ValueError(f"{folder}: none of its JSON files is a result of 'minircnn detect'")
    return found
