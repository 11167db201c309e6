"""Settings that make no sense are refused before any work."""

import ast
import dataclasses
import inspect
import itertools
import textwrap

import numpy as np
import pytest

from minircnn.data import Scenes
from minircnn.proposals import ProposalSettings
from minircnn.training import (
    FAST_RCNN_PRESETS,
    RCNN_PRESETS,
    RECIPES,
    BackboneSettings,
    FineTuneSettings,
    RoISampling,
    SolverSettings,
    as_json,
    train,
)
from minircnn.training.backbone import make_backbone


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (SolverSettings, {"iterations": -5}, r"solver\.iterations must be at least 1, got -5"),
        (SolverSettings, {"learning_rate": float("nan")}, r"solver\.learning_rate"),
        (SolverSettings, {"momentum": 1.5}, r"solver\.momentum must be between 0 and 1"),
        (RoISampling, {"images": 0}, r"sampling\.images"),
        (RoISampling, {"fg_fraction": 2}, r"sampling\.fg_fraction"),
        (
            RoISampling,
            {"bg_iou_low": 0.6},
            r"sampling\.bg_iou_low must be below sampling\.bg_iou_high \(0\.5\)",
        ),
        (ProposalSettings, {"limit": 0}, r"proposals\.limit"),
        (FineTuneSettings, {"foreground": 0}, r"fine_tune\.foreground"),
    ],
)
def test_senseless_settings_are_named(kind, values, words):
    with pytest.raises(ValueError, match=words):
        kind(**values)


@pytest.mark.parametrize("presets", [FAST_RCNN_PRESETS, RCNN_PRESETS])
def test_presets_have_one_flat_form_with_plain_values(presets):
    for settings in presets.values():
        flat = as_json(settings)
        assert flat["proposals.limit"] == settings.proposals.limit
        assert all(isinstance(v, (int, float, str, bool, list, type(None))) for v in flat.values())


def test_a_changed_setting_changes_only_itself():
    preset = FAST_RCNN_PRESETS["scenes"]
    changed = as_json(dataclasses.replace(preset, seed=7))
    assert {k for k, v in as_json(preset).items() if changed[k] != v} == {"seed"}


def records_of(settings):
    """Yield a record of settings and all that it holds."""
    yield settings
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from records_of(value)


def explained(kind):
    """Return the fields of a class and its bases that have a text below them."""
    found = set()
    for base in kind.__mro__[:-1]:
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                found.add(field.target.id)
    return found


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_number_that_can_be_set_is_explained(recipe):
    for record in records_of(RECIPES[recipe].settings()):
        for field in dataclasses.fields(record):
            plain = not dataclasses.is_dataclass(getattr(record, field.name))
            if plain and field.name != "max_long_side":  # told with the shorter side
                assert field.name in explained(type(record)), (type(record), field.name)


def test_frozen_random_convolutions_are_refused_before_the_work(tmp_path):
    preset = FAST_RCNN_PRESETS["pretrained"]
    with pytest.raises(ValueError, match=r"random weights would stay random.*weights fetch squeezenet1_1"):
        train(Scenes("train", count=2), preset, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_an_option_that_a_network_does_not_have_is_named():
    settings = BackboneSettings("squeezenet1_1", widths=(8,), roi_size=3, dropout=0.25, pooled_scale=0.5)
    backbone = make_backbone(settings, np.random.default_rng(0))
    assert backbone.head.scale5.factor == 0.5
    assert backbone.head.drop6.rate == 0.25
    assert backbone.roi_size == 3
    with pytest.raises(ValueError, match=r"backbone\.pooled_scale is nothing that tiny can be given"):
        make_backbone(BackboneSettings("tiny", pooled_scale=0.5), np.random.default_rng(0))


@pytest.mark.parametrize("name", ["fast-rcnn", "sppnet"])
def test_maps_of_convolutions_that_learn_are_refused_before_the_work(name, tmp_path):
    settings = dataclasses.replace(RECIPES[name].presets["scenes"], keep_maps=True)
    with pytest.raises(ValueError, match=r"--backbone\.frozen convolutions, or leave --keep-maps away"):
        train(Scenes("train", count=2), settings, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
