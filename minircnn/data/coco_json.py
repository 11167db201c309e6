"""The JSON text of a COCO file: parsed, told from other tools' files, and cut into its three lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minircnn import files
from minircnn.data import dialects
from minircnn.data.fields import shown
from minircnn.data.problems import DatasetError, Problem

LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class COCOLists:
    """The three lists of a file, and the keys that it says twice."""

    images: Sequence[Any]
    annotations: Sequence[Any]
    categories: Sequence[Any]
    problems: tuple[Problem, ...]


def load_lists(file: Path) -> COCOLists:
    """Return the lists of a COCO instances file.

    Raises
    ------
    DatasetError
        If there is no such file, it is no JSON, or the JSON is another tool's or lacks a list.
    """
    content, twice = load_json(file)
    dialect = dialects.of_json(content)
    if dialect is not None:
        raise DatasetError(f"{file}: {dialects.refusal(dialect)}")
    if not isinstance(content, dict):
        raise DatasetError(f"{file}: is no COCO instances file (it holds {shown(content)})")
    for key in LISTS:
        if not isinstance(content.get(key), list):
            raise DatasetError(f"{file}: is no COCO instances file ({_lack(content, key)})")
    problems = tuple(Problem(str(file), "field", message) for message in twice)
    return COCOLists(content["images"], content["annotations"], content["categories"], problems)


def _lack(content: dict[str, Any], key: str) -> str:
    if key in content:
        return f"{key!r} is {shown(content[key])}, not a list"
    if key == "annotations" and isinstance(content.get("images"), list):
        return "it has no list 'annotations': files of a test set (image_info_*.json) hold none"
    return f"it has no list {key!r}"


def load_json(file: Path) -> tuple[Any, list[str]]:
    """Return what a JSON file holds, and one sentence for each key that an object says twice.

    Raises
    ------
    DatasetError
        If there is no such file or it cannot be read as JSON.
    """
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.extend(_said_twice(pairs, found))
        return found

    text = ""
    try:
        text = files.read_text(file)
        return json.loads(text, object_pairs_hook=once), twice
    except FileNotFoundError as error:
        raise DatasetError(f"{file}: no such file") from error
    except RecursionError as error:
        raise DatasetError(f"{file}: cannot be read as JSON (lists within lists without end)") from error
    except files.TextError as error:
        raise DatasetError(str(error)) from error
    except json.JSONDecodeError as error:
        raise DatasetError(f"{file}: {_one_a_line(text) or f'cannot be read as JSON ({error})'}") from error
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read ({error})") from error
    except (
        ValueError
    ) as error:  # a number of thousands of digits; what Python tells to do then is no mend here
        raise DatasetError(f"{file}: cannot be read as JSON ({str(error).split(';')[0]})") from error


def _one_a_line(text: str) -> str | None:
    """Return what to say of a file with one JSON object a line, None if it is none."""
    dialect = dialects.of_lines(text)
    return None if dialect is None else dialects.refusal(dialect)


def _said_twice(pairs: list[tuple[str, Any]], found: dict[str, Any]) -> list[str]:
    """Return what is wrong with an object whose keys are not all different; saying the same twice is not."""
    entry = f"the entry with id {shown(found['id'])}" if "id" in found else "an entry"
    wrong = {key for key, value in pairs if value != found[key]}
    return [f"{entry} says {key!r} twice, differently" for key in sorted(wrong)]
