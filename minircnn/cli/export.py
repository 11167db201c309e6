"""``minircnn export``."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from minircnn.cli.errors import UsageError
from minircnn.cli.files import refuse_to_overwrite, require_writable
from minircnn.cli.models import model_file
from minircnn.cli.next_commands import command_line
from minircnn.cli.options import Json, Model, Overwrite
from minircnn.cli.output import note, print_json
from minircnn.cli.running import open_detector
from minircnn.detectors import RegionDetector, save_detector
from minircnn.detectors.storage import read_bundle
from minircnn.files import read_bytes, read_json, write_text
from minircnn.pretrained.card import ModelCard, card_of
from minircnn.training.old_runs import read_settings

_ENDING = ".safetensors"


def export(
    model: Model,
    file: Annotated[Path, Parameter(help=f"The file to write; its name ends in {_ENDING}.")],
    /,
    *,
    half: Annotated[bool, Parameter(negative="")] = False,
    card: Path | None = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write a detector to one file, to be handed on.

    All commands that ask for a detector take that file.

    For example:

        minircnn export runs/fast fast-small.safetensors --half

    Next: `minircnn detect fast-small.safetensors photo.jpg`.

    Parameters
    ----------
    half
        Store in half precision: half the size, nearly the same detections. What half precision cannot hold
        to a thousandth stays in single precision.
    card
        JSON file that says how the detector was made and what it reaches (minircnn.pretrained.ModelCard): it
        is completed by what the run knows, checked, and written beside FILE, with the ending .json.
    """
    if file.suffix != _ENDING:
        raise UsageError(f"the name of the file must end in {_ENDING}, got {file}")
    source, beside = model_file(model), file.with_suffix(".json")
    written = [file] if card is None else [file, beside]
    inputs = [source] if card is None else [source, card]
    refuse_to_overwrite(written, overwrite=overwrite, inputs=inputs, another="another file")
    detector = open_detector(model)
    described = None if card is None else _completed(card, source.parent, detector)
    require_writable(file.parent, another="another file")
    save_detector(file, detector, half=half)
    if described is not None:
        write_text(beside, replace(described, sha256=_digest(file)).to_json())
    size, single = file.stat().st_size, _kept_single(file)
    if json:
        print_json({"file": file, "card": described and beside, "bytes": size, "single": single})
    else:
        print(f"{file}: {size / 1e6:.2f} MB" + (f", its card: {beside}" if described else ""))
        if half and single:
            print(f"in single precision, since half would change them: {', '.join(single)}")
    note(f"next: {command_line('detect', file, 'photo.jpg')}")


def _completed(card: Path, run: Path, detector: RegionDetector[Any]) -> ModelCard:
    """Return the card, where it says nothing completed by the detector and by the settings of its run."""
    written = read_json(card)
    if not isinstance(written, dict):
        raise ValueError(f"{card}: a card is a JSON object of names and values")
    stored = read_settings(run)
    settings = {name: _without_place(value) for name, value in stored.items() if not name.startswith("data.")}
    of_run = {"settings": settings, "seed": stored.get("seed")} if stored else {}
    own = {"detector": detector.name, "class_names": list(detector.class_names), "sha256": "of the file"}
    return card_of({**of_run, **written, **own}, str(card))


def _without_place(value: Any) -> Any:
    """Return a setting without the folders of this machine."""
    return Path(value).name if isinstance(value, str) and os.sep in value else value


def _digest(file: Path) -> str:
    return hashlib.sha256(read_bytes(file)).hexdigest()


def _kept_single(file: Path) -> list[str]:
    """Return the arrays that were not stored in half precision, vectors apart."""
    arrays, _ = read_bundle(file)
    return [name for name, array in arrays.items() if array.ndim > 1 and array.dtype == np.float32]
