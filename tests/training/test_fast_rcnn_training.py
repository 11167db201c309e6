"""Batches and training of Fast R-CNN."""

import dataclasses

import numpy as np
import pytest
from mirrored_scenes import Mirrored

from minircnn.boxes import decode
from minircnn.data import Scenes
from minircnn.nn import RoIAlign
from minircnn.training import FAST_RCNN_PRESETS, BackboneSettings, FastRCNNSettings, FastRCNNTrainer
from minircnn.training.backbone import check_backbone, make_backbone
from minircnn.training.photo_inputs import MapInputs, PhotoInputs

PRESET = FAST_RCNN_PRESETS["scenes"]


def _jittered(scenes, rng, copies=15):
    proposals = []
    for i in range(len(scenes)):
        gt = scenes.annotations(i).boxes
        boxes = np.concatenate([gt + rng.uniform(-15, 15, gt.shape) for _ in range(copies)])
        boxes = np.clip(boxes, 0, 192)
        proposals.append(boxes[((boxes[:, 2:] - boxes[:, :2]) > 3).all(axis=1)])
    return proposals


def _trainer(dataset, rng, **changes):
    settings = dataclasses.replace(PRESET, **changes)
    return FastRCNNTrainer(dataset, _jittered(dataset, rng), settings)


def test_a_batch_keeps_the_bounds_of_its_samples(rng):
    trainer = _trainer(Scenes("train", count=4), rng)
    sampling = trainer.settings.sampling
    batch = trainer.make_batch(0)
    assert batch.images.shape[:2] == (sampling.images, 3)
    per_image = np.bincount(batch.image_index)
    assert (per_image <= sampling.rois_per_image).all()
    for index in range(sampling.images):
        foreground = (batch.labels[batch.image_index == index] > 0).sum()
        assert 0 < foreground <= round(sampling.fg_fraction * sampling.rois_per_image)
    assert (batch.bbox_targets[batch.labels > 0] != 0).any()


@pytest.mark.parametrize("sides", [(), (160,)])
def test_a_batch_is_float32_with_channels_last_in_memory(sides, rng):
    """As the layers take it: nothing is converted or rearranged on the way."""
    trainer = _trainer(Mirrored(Scenes("train", count=3)), rng, training_scales=sides, flip=True)
    for iteration in range(4):
        batch = trainer.make_batch(iteration)
        assert {batch.images.dtype, batch.rois.dtype, batch.bbox_targets.dtype} == {np.dtype(np.float32)}
        assert batch.images.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("sides", [(), (160,), (240,)])
def test_regions_move_with_scaled_and_mirrored_photos(sides, rng):
    """Decoding the targets of a batch gives the objects of the photo as the network sees it."""
    scenes = Mirrored(Scenes("train", count=3))
    trainer = _trainer(scenes, rng, training_scales=sides, flip=True)
    seen_mirrored = False
    for iteration in range(6):
        photos = trainer.sampler.photo_indices(iteration)
        batch = trainer.make_batch(iteration)
        factor = (sides[0] if sides else 240 if trainer.settings.scale.short_side else 192) / 192
        if not sides:
            factor = batch.images.shape[2] / 192
        for place, photo in enumerate(photos):
            own = (batch.image_index == place) & (batch.labels > 0)
            labels = batch.labels[own]
            offsets = batch.bbox_targets[own] * trainer.target_std[labels] + trainer.target_mean[labels]
            objects = decode(batch.rois[own], offsets)
            gt = scenes.annotations(photo).boxes * factor
            mirrored = gt[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [192 * factor, 0, 192 * factor, 0]
            distances = [
                np.abs(objects[:, None] - boxes[None]).max(axis=2).min(axis=1).max()
                for boxes in (gt, mirrored)
            ]
            assert min(distances) < 0.05
            seen_mirrored |= distances[1] < 0.05 < distances[0]
    assert seen_mirrored


def test_photos_of_different_size_are_padded_with_the_mean_colour(rng):
    class Two:
        name, class_names, flippable, image_ids = "two", ("cat",), False, ("a", "b")

        def __len__(self):
            return 2

        def image(self, index):
            return np.full(((60, 80), (100, 40))[index] + (3,), 200, np.uint8)

        def annotations(self, index):
            from minircnn.structures import Annotations

            return Annotations(np.array([[5.0, 5, 30, 30]]), np.array([1]), ("cat",), 100, 100, str(index))

    settings = dataclasses.replace(
        PRESET, scale=dataclasses.replace(PRESET.scale, short_side=None), training_scales=()
    )
    trainer = FastRCNNTrainer(Two(), [np.array([[4.0, 5, 30, 31], [20, 20, 38, 38]])] * 2, settings)
    batch = trainer.make_batch(0)
    assert batch.images.shape[2:] == (100, 80)
    for place, photo in enumerate(trainer.sampler.photo_indices(0)):
        height, width = ((60, 80), (100, 40))[photo]
        assert (batch.images[place, :, :height, :width] != 0).all()
        assert (batch.images[place, :, height:] == 0).all()
        assert (batch.images[place, :, :, width:] == 0).all()


def test_training_lowers_the_loss(rng):
    trainer = _trainer(Scenes("train", count=2), rng)
    batch = trainer.make_batch(0)
    trainer.state.optimizer.lr = 0.01
    losses = []
    for _ in range(25):
        trainer.network.zero_grad()
        losses.append(trainer.gradients(batch)["loss"])
        trainer.state.optimizer.step()
    assert losses[-1] < 0.6 * losses[0]


def test_frozen_layers_stay_and_the_others_move(rng):
    trainer = _trainer(
        Scenes("train", count=2), rng, backbone=BackboneSettings("tiny", frozen=("conv1", "conv2"))
    )
    before = trainer.network.state_dict()
    trainer.step(0)
    trainer.state.optimizer.step()
    after = trainer.network.state_dict()
    for name in before:
        frozen = name.startswith(("features.conv1", "features.conv2"))
        assert np.array_equal(before[name], after[name]) == frozen, name


def test_freezing_a_layer_that_does_not_exist_names_those_that_do():
    with pytest.raises(ValueError, match=r"no layer 'conv9'.*conv1"):
        make_backbone(BackboneSettings("tiny", frozen=("conv9",)), np.random.default_rng(0))


def _frozen(rng, tmp_path, **changes):
    backbone = dataclasses.replace(PRESET.backbone, frozen=("convolutions",))
    settings = dataclasses.replace(PRESET, backbone=backbone, flip=True, keep_maps=True, **changes)
    scenes = Mirrored(Scenes("train", count=3))
    return FastRCNNTrainer(scenes, _jittered(scenes, rng), settings, map_folder=tmp_path / "maps")


def test_kept_maps_are_those_of_the_photos(rng, tmp_path):
    trainer = _frozen(rng, tmp_path)
    pixels = PhotoInputs(trainer.photos, trainer.backbone.normalization, 1)
    in_memory = MapInputs(trainer.photos, trainer.backbone.normalization, trainer.network, None)
    for index, mirrored in ((0, False), (1, True), (0, False)):
        shown, factor = trainer.sampler.inputs.read(index, trainer.settings.scale, mirrored=mirrored)
        photo, expected_factor = pixels.read(index, trainer.settings.scale, mirrored=mirrored)
        expected = trainer.network.features(photo[None])[0]
        np.testing.assert_allclose(shown, expected, rtol=1e-3, atol=1e-6)  # half precision
        for _ in range(2):
            again, _ = in_memory.read(index, trainer.settings.scale, mirrored=mirrored)
            np.testing.assert_array_equal(again, shown)
        assert shown.dtype == np.float32
        assert factor == expected_factor
    assert len(list((tmp_path / "maps").rglob("*.npy"))) == 2


def test_maps_on_the_disk_are_read_and_damaged_ones_made_again(rng, tmp_path, monkeypatch, caplog):
    inputs = _frozen(rng, tmp_path).sampler.inputs
    first, _ = inputs.read(0, PRESET.scale, mirrored=False)
    (path,) = (tmp_path / "maps").rglob("*.npy")
    whole = path.read_bytes()
    again = _frozen(rng, tmp_path).sampler.inputs
    with monkeypatch.context() as patch:
        patch.setattr(again.network, "features", None)  # nothing is computed
        patch.setattr(again.photos, "read", None)  # nor is the photo read
        np.testing.assert_array_equal(again.read(0, PRESET.scale, mirrored=False)[0], first)
    path.write_bytes(whole[:-40] + b"0" * 40)
    np.testing.assert_array_equal(again.read(0, PRESET.scale, mirrored=False)[0], first)
    assert "damaged" in caplog.text
    assert path.read_bytes() == whole


def test_a_step_on_kept_maps_moves_the_head_only(rng, tmp_path):
    trainer = _frozen(rng, tmp_path)
    before = trainer.network.state_dict()
    losses = trainer.step(0)
    assert np.isfinite(losses["loss"])
    trainer.state.optimizer.step()
    moved = {name for name, array in trainer.network.state_dict().items() if (array != before[name]).any()}
    assert moved
    assert not any(name.startswith("features") for name in moved)
    batch = trainer.make_batch(1)
    assert batch.images.shape[1] == trainer.backbone.channels
    assert batch.images.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_step_on_maps_of_the_first_layers_is_a_step_on_photos(rng, monkeypatch):
    def unrounded(self, pixels, index):
        return self.layers(pixels[None])[0].transpose(1, 2, 0)

    monkeypatch.setattr(MapInputs, "_compute", unrounded)
    backbone = dataclasses.replace(PRESET.backbone, frozen=("conv1",))
    scenes = Scenes("train", count=3)
    boxes = _jittered(scenes, rng)
    losses, gradients = [], []
    for keep_maps in (False, True):
        settings = dataclasses.replace(PRESET, backbone=backbone, keep_maps=keep_maps, seed=3)
        trainer = FastRCNNTrainer(scenes, boxes, settings)
        losses.append(trainer.step(0)["loss"])
        parameters = dict(trainer.network.named_parameters())
        assert parameters.pop("features.conv1.weight").grad is None
        assert parameters.pop("features.conv1.bias").grad is None
        gradients.append({name: parameter.grad for name, parameter in parameters.items()})
    assert trainer.make_batch(1).images.shape[1] == trainer.network.features.conv1.weight.data.shape[0]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    for name, expected in gradients[0].items():
        atol = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(gradients[1][name], expected, rtol=1e-4, atol=atol, err_msg=name)


def test_maps_of_convolutions_that_learn_are_not_kept(rng, tmp_path):
    settings = dataclasses.replace(PRESET, keep_maps=True)
    scenes = Scenes("train", count=2)
    with pytest.raises(
        ValueError, match="keep_maps is for networks whose first convolutions are not trained"
    ):
        FastRCNNTrainer(scenes, _jittered(scenes, rng), settings, map_folder=tmp_path)


def test_one_regression_for_all_classes(rng):
    trainer = _trainer(Scenes("train", count=4), rng, class_agnostic=True)
    assert trainer.network.outputs.bbox_pred.bias.data.shape == (4,)
    assert (trainer.target_mean == trainer.target_mean[0]).all()
    assert np.isfinite(trainer.step(0)["loss"])
    assert trainer.network.outputs.bbox_pred.weight.grad.any()


def test_roi_align_is_trained_through(rng):
    trainer = _trainer(Scenes("train", count=4), rng, roi_pooling="align")
    assert isinstance(trainer.network.roi_pool, RoIAlign)
    assert np.isfinite(trainer.step(0)["loss"])
    assert trainer.network.features.conv1.weight.grad.any()


def test_l2_has_the_steeper_gradient(rng):
    """Beyond one standard deviation; the classes' gradient is the same."""
    layers = []
    for bbox_loss in ("smooth-l1", "l2"):
        trainer = _trainer(Scenes("train", count=4), np.random.default_rng(0), bbox_loss=bbox_loss)
        trainer.step(0)
        layers.append(trainer.network.outputs)
    smooth, square = layers
    np.testing.assert_array_equal(smooth.cls_score.weight.grad, square.cls_score.weight.grad)
    assert np.linalg.norm(square.bbox_pred.bias.grad) > np.linalg.norm(smooth.bbox_pred.bias.grad)


def test_all_convolutions_may_be_frozen_where_a_detector_is_begun_with():
    """Its convolutions have learnt; without it they would stay random."""
    frozen = BackboneSettings(frozen=("convolutions",))
    with pytest.raises(ValueError, match="random weights would stay random"):
        check_backbone(FastRCNNSettings(backbone=frozen))
    backbone = check_backbone(FastRCNNSettings(backbone=frozen, start="run"))
    assert not backbone.features.trainable


def test_a_photo_narrower_than_the_network_takes_is_padded(rng):
    scenes = Scenes("train", count=1)
    trainer = _trainer(scenes, rng)
    read = PhotoInputs(trainer.photos, trainer.backbone.normalization, 250).read
    pixels, factor = read(0, trainer.settings.scale, mirrored=False)
    assert pixels.shape == (3, 250, 250)
    assert factor == 1
    assert not pixels[:, 192:].any()
    assert not pixels[:, :, 192:].any()
    assert pixels[:, :192, :192].all(axis=0).any()
