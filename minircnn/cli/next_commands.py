"""Commands that are printed to be typed: complete, quoted, and for data that is there."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minircnn.data.opening import SCENES
from minircnn.data.problems import DatasetError
from minircnn.data.splits import parse_split
from minircnn.data.voc_folder import VOCFolder
from minircnn.data.voc_lists import list_name, usual_name


def command_line(*words: str | Path, options: Mapping[str, Any] | None = None) -> str:
    """Return ``minircnn`` with `words` and those `options` that have a value, quoted for a shell.

    No word of these is meant as an option: a file whose name begins with a dash is written ``./-name``.
    """
    places = (f"./{word}" if str(word).startswith("-") else str(word) for word in words)
    return shlex.join(["minircnn", *places, *option_words(options or {})])


def split_to_evaluate(data: str, trained: str | None) -> str | None:
    """Return a split of `data` that exists, another than the one `trained` on if there is one.

    None where the data set has only one: a COCO file, or a folder without lists.
    """
    if data == SCENES:
        return "test" if trained == "val" else "val"
    share = parse_split(trained)
    if share.is_share:
        rest = float(1 - (share.end - share.begin))
        return f"val:{rest:g}" if share.begin == 0 else f"train:{rest:g}"
    try:
        there = VOCFolder(data).splits if Path(data).is_dir() else []
    except DatasetError:
        there = []
    own = trained or list_name("train", there)
    for split in (list_name("val", there), list_name("test", there)):
        # val is a part of train + val
        if own is not None and split is not None and usual_name(split) not in usual_name(own):
            return split
    return own


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Return those `options` that have a value as they are typed; one with several is given several times."""
    words: list[str] = []
    for name, given in options.items():
        option = f"--{name.replace('_', '-')}"
        for value in given if isinstance(given, list) else [given]:
            if value is None or value is False:
                continue
            if str(value).startswith("-"):
                words.append(f"{option}={value}")
            else:
                words += [option] if value is True else [option, str(value)]
    return words
