"""Kept proposals belong to a photo's content and a proposer's settings, never to a name."""

import dataclasses
import io
import json
import logging
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from minircnn.data import COCODataset, VOCDataset, export_voc
from minircnn.data.scenes import Scenes
from minircnn.imaging import write_image
from minircnn.proposals import (
    ProposalFile,
    SelectiveSearch,
    SlidingWindow,
    describe_proposer,
    write_proposals,
)
from minircnn.proposals.base import PROPOSERS
from minircnn.training import compute_proposals
from minircnn.training.proposals import _key

SEARCH = SelectiveSearch(mode="single", min_size=8.0)
SCENES = Scenes("train", count=3, size=64, heights=(16, 32))


@pytest.fixture
def asked(monkeypatch):
    """The photos that a selective search was made of."""
    seen = []
    propose = SelectiveSearch.propose

    def counted(self, image, *, image_id=""):
        seen.append(image_id)
        return propose(self, image, image_id=image_id)

    monkeypatch.setattr(SelectiveSearch, "propose", counted)
    return seen


def coco_of(folder, scenes):
    """A COCO file whose photos are numbered from 0, as every exporter numbers them."""
    folder.mkdir()
    images = []
    for i in range(len(scenes)):
        write_image(folder / f"{i}.png", scenes.image(i))
        images.append({"id": i, "file_name": f"{i}.png", "height": 64, "width": 64})
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "a"}]}
    (folder / "x.json").write_text(json.dumps(content))
    return COCODataset(folder / "x.json", folder)


def files_of(folder):
    return sorted(folder.rglob("*.npy"))


def assert_same(one, other):
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_coco_files_that_number_from_zero_share_a_folder(tmp_path):
    first = coco_of(tmp_path / "a", SCENES)
    second = coco_of(tmp_path / "b", Scenes("val", count=3, size=64, heights=(16, 32)))
    assert first.image_ids == second.image_ids
    fresh = compute_proposals(second, SEARCH, progress=False)
    compute_proposals(first, SEARCH, folder=tmp_path / "kept", progress=False)
    shared = compute_proposals(second, SEARCH, folder=tmp_path / "kept", progress=False)
    assert_same(shared, fresh)
    assert len(files_of(tmp_path / "kept")) == 6


def test_a_replaced_photo_gets_new_proposals_and_the_others_keep_theirs(tmp_path, asked):
    dataset = coco_of(tmp_path / "a", SCENES)
    compute_proposals(dataset, SEARCH, folder=tmp_path / "kept", progress=False)
    write_image(dataset.path(1), Scenes("test", count=1, size=64, heights=(16, 32)).image(0))
    asked.clear()
    kept = compute_proposals(dataset, SEARCH, folder=tmp_path / "kept", progress=False)
    assert asked == ["1"]
    assert_same(kept, compute_proposals(dataset, SEARCH, progress=False))


def test_a_photo_that_two_data_sets_share_is_computed_once(tmp_path, asked):
    export_voc(SCENES, tmp_path / "voc", "train")
    voc = VOCDataset(tmp_path / "voc")
    compute_proposals(voc, SEARCH, folder=tmp_path / "kept", progress=False)
    asked.clear()
    (tmp_path / "voc" / "JPEGImages").rename(tmp_path / "photos")
    images = [{"id": 7 - i, "file_name": voc.path(i).name, "height": 64, "width": 64} for i in range(3)]
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "a"}]}
    (tmp_path / "x.json").write_text(json.dumps(content))
    coco = COCODataset(tmp_path / "x.json", tmp_path / "photos")
    compute_proposals(coco, SEARCH, folder=tmp_path / "kept", progress=False)
    assert asked == []


class Named(Scenes):
    """Scenes with ids that are no file names, or the same one."""

    def __init__(self, *ids):
        super().__init__("train", count=len(ids), size=64, heights=(16, 32))
        self.image_ids = ids


def test_any_image_id_has_a_file_of_its_own(tmp_path):
    ids = ("a/b", "a__b", "A__b", "..", "../../x", "dot.", "dot", "nul\0", "x" * 300, "", "CON", "\udcff")
    dataset = Named(*ids)
    kept = compute_proposals(dataset, SEARCH, folder=tmp_path / "kept", progress=False)
    assert len(files_of(tmp_path)) == len(ids)
    assert all(path.parent.parent == tmp_path / "kept" for path in files_of(tmp_path))
    assert_same(compute_proposals(dataset, SEARCH, folder=tmp_path / "kept", progress=False), kept)
    assert_same(compute_proposals(dataset, SEARCH, progress=False), kept)


def test_the_same_photo_twice_is_computed_once(tmp_path, asked):
    class Twice(Scenes):
        def image(self, index):
            return super().image(0)

    boxes = compute_proposals(Twice("train", count=3), SEARCH, folder=tmp_path, progress=False)
    assert len(asked) == 1
    assert_same(boxes, boxes[:1] * 3)


def payload(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


BOXES = np.array([[0, 0, 8, 8], [2, 2, 9, 9]], np.float32)
DAMAGED = {
    "empty": b"",
    "no array": b"nothing of the kind",
    "cut": payload(BOXES)[:-5],
    "cut in the header": payload(BOXES)[:20],
    "a broken header": payload(BOXES).replace(b"'shape'", b"'shape("),
    "a number": payload(np.float32(3)),
    "a list": payload(BOXES[0]),
    "five columns": payload(np.zeros((2, 5), np.float32)),
    "another type": payload(BOXES.astype(np.float64)),
    "objects": payload(np.array([None])),
    "NaN": payload(np.where(BOXES == 9, np.nan, BOXES)),
    "infinity": payload(np.where(BOXES == 9, np.inf, BOXES)),
    "reversed": payload(BOXES[:, [2, 3, 0, 1]]),
    "huge": payload(BOXES).replace(b"(2, 4), }" + 12 * b" ", b"(2000000000000, 4), }"),
}


def test_a_file_with_a_flipped_bit_is_computed_again(tmp_path, asked):
    """Also where it still holds boxes, but others."""
    expected = compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False)
    path = files_of(tmp_path)[0]
    whole = path.read_bytes()
    assert_same([np.load(path)], [b for b in expected if np.array_equal(b, np.load(path))])
    for place in range(128, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        asked.clear()
        assert_same(compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False), expected)
        assert len(asked) == 1


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_computed_again_and_said(tmp_path, caplog, damage, asked):
    expected = compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False)
    files_of(tmp_path)[1].write_bytes(DAMAGED[damage])
    asked.clear()
    with caplog.at_level(logging.INFO, "minircnn"):
        assert_same(compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False), expected)
    assert len(asked) == 1
    assert [r.getMessage() for r in caplog.records] == [
        f"{files_of(tmp_path)[1].parent}: 1 file(s) are damaged and computed again, "
        f"first {files_of(tmp_path)[1].name}"
    ]
    caplog.clear()
    compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False)
    assert len(asked) == 1
    assert not caplog.records


def test_a_folder_of_version_0_1_0_is_not_trusted_and_said_so(tmp_path, caplog):
    old = tmp_path / _key(describe_proposer(SEARCH))
    old.mkdir()
    for image_id in SCENES.image_ids:
        np.save(old / f"{image_id}.npy", BOXES)
    with caplog.at_level(logging.INFO, "minircnn"):
        boxes = compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False)
    assert_same(boxes, compute_proposals(SCENES, SEARCH, progress=False))
    (said,) = (record.getMessage() for record in caplog.records)
    assert str(old) in said
    assert "do not prove" in said
    caplog.clear()
    compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False)
    assert not caplog.records  # once is enough


def test_boxes_of_other_settings_lie_apart(tmp_path):
    compute_proposals(SCENES, SEARCH, folder=tmp_path, progress=False)
    other = dataclasses.replace(SEARCH, min_size=20.0)
    fresh = compute_proposals(SCENES, other, progress=False)
    assert_same(compute_proposals(SCENES, other, folder=tmp_path, progress=False), fresh)
    limited = dataclasses.replace(SEARCH, limit=3, n_jobs=2)
    assert all(len(b) == 3 for b in compute_proposals(SCENES, limited, folder=tmp_path, progress=False))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_changed_file_of_boxes_is_read_again(tmp_path):
    path = tmp_path / "boxes.npz"
    for shift in (0, 1):
        write_proposals(path, {image_id: BOXES + shift for image_id in SCENES.image_ids})
        found = compute_proposals(SCENES, ProposalFile(path), folder=tmp_path / "kept", progress=False)
        assert_same(found, [BOXES + shift] * 3)
    assert not files_of(tmp_path / "kept")


@dataclass(frozen=True)
class Stubborn:
    """A proposer of somebody else's that looks at the name."""

    def propose(self, image, *, image_id=""):
        return np.array([[0, 0, 1 + len(image_id), 5]])


def test_a_proposer_that_may_depend_on_names_is_asked_every_time(tmp_path):
    """It need not be registered either: nothing is stored of it."""
    for ids in (("a", "bb"), ("ccc", "dddd")):
        boxes = compute_proposals(Named(*ids), Stubborn(), folder=tmp_path, progress=False)
        assert [b[0, 2] for b in boxes] == [1 + len(image_id) for image_id in ids]
        assert all(b.dtype == np.float32 for b in boxes)
    assert not files_of(tmp_path)


def test_an_heir_that_proposes_otherwise_does_not_inherit_the_boxes(tmp_path):
    @dataclass(frozen=True)
    class ByName(SlidingWindow):
        def propose(self, image, *, image_id=""):
            return super().propose(image)[: len(image_id)]

    for ids in (("a", "bb"), ("ccc", "dddd")):
        boxes = compute_proposals(Named(*ids), ByName(sizes=(32,)), folder=tmp_path, progress=False)
        assert [len(b) for b in boxes] == [len(image_id) for image_id in ids]
    assert not files_of(tmp_path)


def test_a_proposer_of_ones_own_can_have_its_boxes_kept(tmp_path, monkeypatch):
    calls = []

    @dataclass(frozen=True)
    class Whole:
        from_pixels_alone: ClassVar[bool] = True

        def propose(self, image, *, image_id=""):
            calls.append(image_id)
            return np.array([[0, 0, *image.shape[1::-1]]], np.float32)

    monkeypatch.setitem(PROPOSERS, "whole", Whole)
    for _ in range(2):
        compute_proposals(SCENES, Whole(), folder=tmp_path, progress=False)
    assert len(calls) == 3


@pytest.mark.parametrize("boxes", [[[0, 0, np.nan, 1]], [[0, 0, 1]], [[5, 0, 1, 1]], [0, 0, 1, 1]])
def test_a_proposer_that_returns_no_boxes_is_named(boxes):
    class Odd:
        def propose(self, image, *, image_id=""):
            return boxes

    with pytest.raises(ValueError, match=r"Odd proposed no \(R, 4\) array .* photo 'train_00000'"):
        compute_proposals(SCENES, Odd(), progress=False)


def test_no_proposals_are_an_answer_too(tmp_path):
    class Nothing:
        def propose(self, image, *, image_id=""):
            return []

    assert [b.shape for b in compute_proposals(SCENES, Nothing(), progress=False)] == [(0, 4)] * 3
    none = SlidingWindow(sizes=(500,))
    for _ in range(2):
        kept = compute_proposals(SCENES, none, folder=tmp_path, progress=False)
        assert [b.shape for b in kept] == [(0, 4)] * 3
