"""The detectors that come with the package: found by name, loaded anew, and described."""

import json
import shutil

import numpy as np
import pytest
from trained_detectors import SCENES, train_shortly

from minircnn import pretrained
from minircnn.data.photos import EXAMPLES, load_photo
from minircnn.detectors import FastRCNN, save_detector
from minircnn.pretrained.card import card_of

MOST = 6e6
"""Bytes of the file: it is in the wheel."""


def described(**changes):
    names = list(SCENES.class_names)
    said = {
        "detector": "fast-rcnn",
        "class_names": names,
        "data": "four scenes",
        "settings": {"flip": True},
        "seed": 0,
        "command": "minircnn train fast-rcnn scenes",
        "scores": dict.fromkeys(names, 0.25) | {"3": None},
        "measured": "four scenes",
        "failures": ["everything"],
        "license": "BSD-3-Clause",
        "initial_weights": "random",
        "initial_weights_license": "none",
        "sha256": "0",
    }
    return said | changes


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train_shortly("fast-rcnn", tmp_path_factory.mktemp("run") / "run").model_path


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    for name in ("digits", pretrained.DEFAULT):
        shutil.copy(trained, tmp_path / f"{name}.safetensors")
    return tmp_path


def test_they_are_found_by_name(folder):
    assert set(pretrained.names()) == {"digits", pretrained.DEFAULT}
    assert pretrained.path() == folder / f"{pretrained.DEFAULT}.safetensors"
    assert pretrained.path("digits") == folder / "digits.safetensors"
    with pytest.raises(FileNotFoundError, match="no pretrained detector 'cats'; there are digits, "):
        pretrained.load("cats")


def test_every_call_gives_another_one(folder):
    one, other = pretrained.load(), pretrained.load()
    assert isinstance(one, FastRCNN)
    one.batch = 3
    for _, parameter in one.network.named_parameters():
        parameter.data[...] = 0
    assert other.batch != 3
    assert any(parameter.data.any() for _, parameter in other.network.named_parameters())


def test_where_there_is_none_it_is_said(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "empty")
    assert pretrained.names() == ()
    for ask in (pretrained.load, pretrained.path, pretrained.card):
        with pytest.raises(FileNotFoundError, match="comes without a pretrained detector"):
            ask()


def test_the_card_belongs_to_its_file(folder):
    with pytest.raises(FileNotFoundError, match=r"digits\.json"):
        pretrained.card("digits")
    (folder / "digits.json").write_text(json.dumps(described()))
    with pytest.raises(ValueError, match=r"digits\.json: is the card of another file"):
        pretrained.card("digits")


def test_a_card_can_be_read_by_people():
    card = card_of(described(failures=["small things " * 20, "shadows"]), "here")
    assert card.mean == 0.25
    text = str(card)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("known failure") == 2
    assert "2 0.25, 3 -, 4 0.25" in " ".join(text.split())
    assert card_of(json.loads(card.to_json()), "here") == card


@pytest.mark.parametrize("field", sorted(described()))
def test_every_field_of_a_card_must_be_said(field):
    rest = {name: value for name, value in described().items() if name != field}
    with pytest.raises(ValueError, match=f"here: card lacks the field '{field}'"):
        card_of(rest, "here")
    with pytest.raises(ValueError, match=f"card.{field} must be"):
        card_of(described(**{field: None}), "here")


def test_scores_are_of_the_classes():
    scores = described()["scores"]
    with pytest.raises(ValueError, match=r"card.scores has a score of cow, which is not among class_names"):
        card_of(described(scores=scores | {"cow": 0.5}), "here")


@pytest.mark.parametrize("name", pretrained.names() or [None])
def test_what_is_bundled(name, tmp_path):
    if name is None:
        pytest.skip("no detector lies in the package")
    assert pretrained.DEFAULT in pretrained.names()
    assert pretrained.path(name).stat().st_size < MOST
    card, detector = pretrained.card(name), pretrained.load(name)
    assert card.class_names == detector.class_names
    assert card.detector == detector.name
    save_detector(tmp_path / "again.safetensors", detector, half=True)
    assert (tmp_path / "again.safetensors").stat().st_size == pytest.approx(
        pretrained.path(name).stat().st_size, rel=0.01
    )
    for shown, file in EXAMPLES.items():
        found = detector.detect(load_photo(file))
        best = {"astronaut": "person"}.get(shown, shown)
        assert best in found.above(detector.usual_min_score).names()
        assert np.isfinite(found.boxes).all()
