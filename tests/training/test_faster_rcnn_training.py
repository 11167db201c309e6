"""Batches, joint and alternating training of Faster R-CNN."""

import dataclasses

import numpy as np
import pytest
from mirrored_scenes import Mirrored

from minircnn.boxes import AnchorSettings, decode, flip_boxes
from minircnn.data import Scenes
from minircnn.detectors import load_detector, save_detector
from minircnn.nn import RoIAlign
from minircnn.training import (
    FASTER_RCNN_PRESETS,
    FasterRCNNTrainer,
    SolverSettings,
    TrainingInterrupted,
    read_log,
    train,
)
from minircnn.training.faster_rcnn.rpn import anchor_targets, loss_of_anchors

PRESET = FASTER_RCNN_PRESETS["scenes"]
SHORT = dataclasses.replace(
    PRESET,
    rpn=dataclasses.replace(PRESET.rpn, width=8, anchors_per_image=32),
    training_proposals=dataclasses.replace(PRESET.training_proposals, top_before=300, top_after=40),
    proposing=dataclasses.replace(PRESET.proposing, top_before=300, top_after=40),
    sampling=dataclasses.replace(PRESET.sampling, images=2, rois_per_image=16),
    solver=SolverSettings(iterations=3, learning_rate=0.01, step=10, clip_norm=10.0),
)


def _trainer(scenes, **changes):
    nothing = [np.zeros((0, 4), np.float32)] * len(scenes)
    return FasterRCNNTrainer(scenes, nothing, dataclasses.replace(SHORT, **changes))


@pytest.mark.parametrize("side", [160, 240])
def test_objects_move_with_scaled_and_mirrored_photos(side):
    scenes = Mirrored(Scenes("train", count=3))
    trainer = _trainer(scenes, training_scales=(side,), flip=True)
    seen = set()
    for iteration in range(6):
        batch = trainer.make_batch(iteration)
        for index, record, size in zip(
            trainer.sampler.photo_indices(iteration), batch.records, batch.sizes, strict=True
        ):
            truth = scenes.annotations(index)
            factor = side / truth.width
            upright = truth.boxes * factor
            mirrored = flip_boxes(truth.boxes, truth.width) * factor
            assert size == pytest.approx((truth.height * factor, truth.width * factor))
            ways = {
                name for name, b in (("u", upright), ("m", mirrored)) if np.allclose(record.gt, b, atol=1e-3)
            }
            assert ways
            seen |= ways
    assert seen == {"u", "m"}


def test_targets_lead_from_anchors_to_their_objects(rng):
    trainer = _trainer(Scenes("train", count=2))
    batch = trainer.make_batch(0)
    feature_map = trainer.network.features(batch.images)
    anchors, gt = trainer.network.anchors_on(feature_map), batch.records[0].gt
    labels, targets = anchor_targets(anchors, gt, batch.sizes[0], SHORT.rpn, rng)
    objects = labels == 1
    assert 0 < objects.sum() <= 16
    assert (labels >= 0).sum() == 32
    reached = decode(anchors[objects], targets[objects])
    distance = np.abs(reached[:, None] - gt[None]).max(axis=2).min(axis=1)
    assert distance.max() < 1e-2
    assert not targets[~objects].any()
    drawn = anchors[labels >= 0]
    assert (drawn >= 0).all()
    assert (drawn[:, 2:] <= batch.sizes[0][1]).all()


def test_padding_of_a_smaller_photo_holds_no_anchor_that_is_drawn(rng):
    """Photos of a batch may differ in size: the map covers the padding, the anchors that are drawn do not."""
    trainer = _trainer(Scenes("train", count=2))
    anchors = trainer.network.anchors_on(np.zeros((1, 64, 48, 48), np.float32))
    labels, _ = anchor_targets(anchors, np.zeros((0, 4), np.float32), (100.0, 60.0), SHORT.rpn, rng)
    drawn = anchors[labels >= 0]
    assert len(drawn) == 32
    assert (drawn[:, 2] <= 60).all()
    assert (drawn[:, 3] <= 100).all()


def test_a_step_reaches_every_parameter_of_both_branches():
    trainer = _trainer(Scenes("train", count=4))
    losses = trainer.step(0)
    assert set(losses) == {"loss", "objectness", "anchors", "classification", "localisation"}
    parts = losses["objectness"] + losses["anchors"] + losses["classification"] + losses["localisation"]
    assert losses["loss"] == pytest.approx(parts)
    for name, parameter in trainer.network.named_parameters():
        assert np.abs(parameter.grad).sum() > 0, name


def test_roi_align_is_trained_and_stored(tmp_path):
    trainer = _trainer(Scenes("train", count=2), roi_pooling="align")
    assert np.isfinite(trainer.step(0)["loss"])
    save_detector(tmp_path / "model.safetensors", trainer.detector(None))
    again = load_detector(tmp_path / "model.safetensors")
    assert isinstance(again.network.roi_pool, RoIAlign)


def test_the_map_gets_the_sum_of_both_branches_gradients(monkeypatch):
    trainer = _trainer(Scenes("train", count=4))
    network, seen = trainer.network, []
    monkeypatch.setattr(network.features, "backward", seen.append)
    rpn, regions = [], []
    of_rpn, of_regions = network.rpn.backward, network.backward_to_map
    monkeypatch.setattr(network.rpn, "backward", lambda *d: rpn.append(of_rpn(*d)) or rpn[0])
    monkeypatch.setattr(network, "backward_to_map", lambda *d: regions.append(of_regions(*d)) or regions[0])
    trainer.step(0)
    np.testing.assert_array_equal(seen[0], rpn[0] + regions[0])
    assert np.abs(rpn[0]).sum() > 0
    assert np.abs(regions[0]).sum() > 0


def test_the_same_batch_gives_the_same_losses_whatever_else_is_in_it(rng):
    """The loss of the anchors is the mean over the drawn ones of all photos of a step."""
    trainer = _trainer(Scenes("train", count=4))
    batch = trainer.make_batch(0)
    network = trainer.network
    network.eval()
    objectness, offsets = network.rpn(network.features(batch.images))
    anchors = network.anchors_on(np.zeros((1, 64, 48, 48), np.float32))
    both = loss_of_anchors(objectness, offsets, anchors, batch, SHORT.rpn, np.random.default_rng(0))
    draws, alone = np.random.default_rng(0), []
    for i in range(2):
        one = dataclasses.replace(
            batch,
            sizes=batch.sizes[i : i + 1],
            scales=batch.scales[i : i + 1],
            records=batch.records[i : i + 1],
        )
        alone.append(
            loss_of_anchors(objectness[i : i + 1], offsets[i : i + 1], anchors, one, SHORT.rpn, draws)
        )
    assert both.objectness == pytest.approx(np.mean([loss.objectness for loss in alone]), rel=1e-5)
    assert both.localization == pytest.approx(np.mean([loss.localization for loss in alone]), rel=1e-5)


@pytest.mark.parametrize(("scales", "fits"), [((2.0, 4.0), True), ((12.0, 20.0), False)])
def test_photos_in_which_no_anchor_fits_are_refused_before_training(scales, fits):
    """Silently they would teach nothing: anchors across the border are left out."""
    scenes = Scenes("train", count=2, size=128, heights=(24, 56))
    anchors = AnchorSettings(ratios=(1.0,), scales=scales)
    if fits:
        _trainer(scenes, anchors=anchors)
        return
    words = "smallest anchor has 192 x 192 pixels and the photos of scenes-train at most 128 x 128: none lies"
    with pytest.raises(ValueError, match=words):
        _trainer(scenes, anchors=anchors)


def test_objects_that_resemble_no_anchor_are_reported(caplog):
    scenes = Scenes("train", count=4, size=128, heights=(24, 40))
    _trainer(scenes, anchors=AnchorSettings(ratios=(1.0,), scales=(2.0,)))
    assert "resemble no anchor" not in caplog.text
    _trainer(scenes, anchors=AnchorSettings(ratios=(1.0,), scales=(7.0,)))
    assert "objects resemble no anchor (IoU below 0.3 even at the same place)" in caplog.text


def _train(folder, **options):
    scenes = Scenes("train", count=4, size=128, heights=(24, 56))
    settings = dataclasses.replace(SHORT, **options.pop("changes", {}))
    return train(scenes, settings, folder, progress=False, **options)


def test_alternating_stages_share_and_freeze_the_convolutions(tmp_path, monkeypatch):
    """From stage 2 on the convolutions stay as they are, bit for bit; so do the other frozen parts."""
    states = []
    from minircnn.training.faster_rcnn import alternating

    for kind in (alternating.RPNStage, alternating.RegionStage):
        before = kind.train

        def noted(self, loop, before=before):
            start = self.network.state_dict()
            before(self, loop)
            states.append((self.plan, start, self.network.state_dict()))

        monkeypatch.setattr(kind, "train", noted)
    _train(tmp_path / "run", changes={"schedule": "alternating"})
    plans = [plan for plan, _, _ in states]
    assert plans == list(alternating.STAGES)
    for plan, start, end in states:
        for name in start:
            frozen = name.split(".")[0] in plan.frozen
            assert np.array_equal(start[name], end[name]) == frozen, (plan.name, name)
    (_, first, _), (_, second, after_2), (_, _, after_3), (_, _, after_4) = states
    np.testing.assert_equal(first, second)  # both begin with the backbone's weights
    shared = [name for name in after_2 if name.startswith("features.")]
    assert shared
    for name in shared:
        np.testing.assert_array_equal(after_2[name], after_3[name])
        np.testing.assert_array_equal(after_2[name], after_4[name])
    for name in (name for name in after_3 if name.startswith("rpn.")):
        np.testing.assert_array_equal(after_3[name], after_4[name])
    logs = sorted(path.name for path in (tmp_path / "run").glob("*.log.jsonl"))
    assert logs == [
        "faster-rcnn-1-rpn.log.jsonl",
        "faster-rcnn-2-regions.log.jsonl",
        "faster-rcnn-3-rpn.log.jsonl",
        "faster-rcnn.log.jsonl",
    ]
    assert "objectness" in read_log(tmp_path / "run" / logs[0])[0]
    assert "classification" in read_log(tmp_path / "run" / logs[1])[0]


@pytest.mark.parametrize("schedule", ["joint", "alternating"])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path, schedule):
    changes = {"schedule": schedule}
    whole = _train(tmp_path / "whole", changes=changes)
    stops = 0
    for _ in range(5):
        try:
            again = _train(
                tmp_path / "parts", changes=changes, resume=stops > 0, stop_after=2 if stops == 0 else None
            )
        except TrainingInterrupted:
            stops += 1
    assert stops == 1
    one, other = whole.detector.network.state_dict(), again.detector.network.state_dict()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])
