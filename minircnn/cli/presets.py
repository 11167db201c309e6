"""Settings from a preset, with options on top: a configuration layer under the command line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection, Token

from minircnn.cli.errors import UsageError
from minircnn.data.opening import SCENES
from minircnn.data.single_digits import DIGITS


def fill_from_preset(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Give every setting of ``train`` and ``pretrain`` that has no option the value of the preset.

    cyclopts calls this after it has read the options and before it converts them. With ``--resume`` the
    settings of the run stand in the place of the preset.
    """
    if commands[:1] != ("pretrain",) and (commands[:1] != ("train",) or len(commands) < 2):
        return  # also where --help is asked of ``train`` itself
    given = {argument.name: argument for argument in arguments}
    values = _stored_settings(given) or _preset(commands[-1], given)
    for name, value in values.items():
        argument = given.get(f"--{name.replace('_', '-').lower()}")  # `svm.C` is ``--svm.c``
        if argument is not None and not argument.tokens:
            for token in _tokens(argument.name, value):
                argument.append(token)


def _value(given: dict[str, Any], name: str) -> str | None:
    """Return what was written behind option `name`, None if it was not given."""
    argument = given.get(name)
    return argument.tokens[-1].value if argument is not None and argument.tokens else None


def _stored_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the run to resume, and how its data was opened; nothing where there is none."""
    resume, out = given.get("--resume"), _value(given, "--out")
    if resume is None or not resume.tokens or out is None:
        return {}
    from minircnn.training.old_runs import read_settings

    stored = read_settings(Path(out))
    return {name.removeprefix("data."): value for name, value in stored.items()}


def _preset(detector: str, given: dict[str, Any]) -> dict[str, Any]:
    # imported here: the training code takes a second to load and most commands do without
    from minircnn.training import as_json

    choose = pretraining_preset if detector == "pretrain" else partial(preset_of, detector)
    values = as_json(choose(_value(given, "--preset"), _value(given, "DATA")))
    return _for_backbone(_value(given, "--backbone.name"), values)


def _for_backbone(name: str | None, values: dict[str, Any]) -> dict[str, Any]:
    """Leave away what a preset says for its own network alone where another one, `name`, is asked for.

    That is what the other one cannot be given, and the size of crops, of which it has its own.
    """
    from minircnn.backbones import BACKBONES

    if name is None or name not in BACKBONES or name == values.get("backbone.name"):
        return values  # an unknown one is refused where it is used
    known = {"name", "weights", "frozen", *signature(BACKBONES[name]).parameters}
    options = [key.removeprefix("backbone.") for key in values if key.startswith("backbone.")]
    own = {"crop_size", *(f"backbone.{option}" for option in options if option not in known)}
    return {key: None if key in own else value for key, value in values.items()}


def pretraining_preset(name: str | None, data: str | None) -> Any:
    """Return the settings of the preset `name` of ``pretrain``; None: those that suit the images."""
    from minircnn.training.pretraining import PRETRAIN_PRESETS

    name = name or ("digits" if data == DIGITS else "small")
    if name not in PRETRAIN_PRESETS:
        raise UsageError(f"there is no preset {name!r} of pretrain; there are {', '.join(PRETRAIN_PRESETS)}")
    return PRETRAIN_PRESETS[name]


def preset_of(detector: str, name: str | None, data: str | None) -> Any:
    """Return the settings of the preset `name` of a detector; None: those that suit the data set."""
    from minircnn.training import RECIPES

    presets = RECIPES[detector].presets
    name = name or ("scenes" if data == SCENES else "paper")
    if name not in presets:
        raise UsageError(f"there is no preset {name!r} of {detector}; there are {', '.join(presets)}")
    return presets[name]


def _tokens(keyword: str, value: Any) -> Iterator[Token]:
    """Yield `value` as it would be written on the command line."""
    if value == []:  # what --empty-NAME says
        yield Token(keyword=keyword, implicit_value=(), source="preset")
    for item in value if isinstance(value, list) else [value]:
        if item is None:
            yield Token(keyword=keyword, implicit_value=None, source="preset")
        else:
            yield Token(keyword=keyword, value=str(item), source="preset")
