"""Explanations are made from what ran: each step once, and no region twice."""

import dataclasses

import numpy as np
import pytest
import small_detectors
from trained_detectors import SCENES, train_shortly

from minircnn.cli.explain.fast_rcnn import _cells_about
from minircnn.cli.explain.steps import follow, steps_of
from minircnn.cli.explain.strip import draw_strip
from minircnn.detectors import ImageScale, PostprocessSettings
from minircnn.proposals import SelectiveSearch
from minircnn.training import RECIPES

SEARCH = SelectiveSearch(mode="single", min_size=10, limit=30)


@pytest.mark.parametrize(
    "make", [small_detectors.fast_rcnn, small_detectors.rcnn, small_detectors.faster_rcnn]
)
def test_nothing_is_computed_twice(make, monkeypatch):
    own = make is small_detectors.faster_rcnn
    detector = make(SCENES.class_names, None if own else SEARCH)
    asked = {"look": 0, "propose": 0, "judge": 0}

    def counted(name, amount):
        method = getattr(detector, name)

        def run(*arguments):
            asked[name] += amount(*arguments)
            return method(*arguments)

        monkeypatch.setattr(detector, name, run)

    counted("look", lambda image: 1)
    counted("propose", lambda view, image_id: 1)
    counted("judge", lambda view, boxes: len(boxes))
    followed = follow(detector, SCENES.image(0))
    steps = steps_of(followed)
    assert asked == {"look": 1, "propose": 1, "judge": len(followed.proposals)}
    first = "features" if own else "proposals"
    assert [steps[0].key, steps[-2].key, steps[-1].key] == [first, "suppression", "detections"]


def test_the_map_comes_before_the_proposals_of_a_network_that_proposes():
    detector = small_detectors.faster_rcnn(SCENES.class_names, batch=64)
    followed = follow(detector, SCENES.image(0))
    steps = {step.key: step for step in steps_of(followed)}
    assert list(steps)[:5] == ["features", "anchors", "objectness", "moved", "proposals"]
    assert list(steps)[5:8] == ["pooling", "scores", "regression"]
    _, _, height, width = followed.view.map.shape
    assert steps["anchors"].fact == f"{height} × {width} cells × 4 = {height * width * 4:,} anchors"
    _, rows = steps["anchors"].table
    assert [row[:3] for row in rows] == [
        ["1", "1", "16 × 16"], ["1", "2", "32 × 32"], ["2", "1", "11 × 22"], ["2", "2", "22 × 44"]
    ]  # fmt: skip
    scores, _ = detector.network.rpn(followed.view.map)
    surest = (1 / (1 + np.exp(scores[0, :, 0] - scores[0, :, 1]))).max()
    assert max(row[3] for row in rows) == pytest.approx(surest, rel=1e-5)
    heat = [ax.images[1].get_array().max() for ax in steps["objectness"].figure.axes[1:]]
    assert max(heat) == pytest.approx(surest, rel=1e-5)
    shown = steps["moved"].figure.axes[1].patches
    best = next(patch.get_bbox().extents for patch in shown[::-1])
    np.testing.assert_allclose(best, followed.proposals[0], atol=1e-3)


def test_boxes_that_were_given_to_it_are_explained_as_those_of_fast_rcnn():
    detector = small_detectors.faster_rcnn(SCENES.class_names, SEARCH)
    keys = [step.key for step in steps_of(follow(detector, SCENES.image(0)))]
    assert keys[:3] == ["proposals", "features", "pooling"]


def test_anchors_are_drawn_in_pixels_of_the_photo():
    detector = small_detectors.faster_rcnn(SCENES.class_names)
    detector = dataclasses.replace(detector, scale=ImageScale(short_side=256))
    steps = {step.key: step for step in steps_of(follow(detector, SCENES.image(0)))}
    assert [row[2] for row in steps["anchors"].table[1]] == ["8 × 8", "16 × 16", "6 × 11", "11 × 22"]
    titles = [ax.get_title() for ax in steps["objectness"].figure.axes]
    assert titles == ["photo", "anchors of about 8 pixels", "anchors of about 16 pixels"]
    assert steps["objectness"].figure.axes[1].images[1].get_extent() == [0, 128, 128, 0]


def test_the_page_shows_what_detect_finds():
    detector = small_detectors.fast_rcnn(SCENES.class_names, SEARCH)
    followed = follow(detector, SCENES.image(0))
    found = detector.detect(SCENES.image(0))
    np.testing.assert_array_equal(followed.found.boxes, found.boxes)
    np.testing.assert_array_equal(followed.found.scores, found.scores)


def test_roi_align_is_shown_by_its_points():
    aligned = small_detectors.fast_rcnn(SCENES.class_names, SEARCH, roi_pooling="align")
    step = {step.key: step for step in steps_of(follow(aligned, SCENES.image(0)))}["pooling"]
    assert (step.title, step.fact[-12:]) == ("RoI align", "become 6 × 6")
    left, _ = step.figure.axes
    assert sum(line.get_gid() == "points" for line in left.lines) == 36
    assert all(len(line.get_xydata()) == 4 for line in left.lines)


@pytest.mark.parametrize(
    ("points", "cells"), [([0.4, 2.6], (0, 4)), ([-0.5, -0.2], (0, 1)), ([4.6, 4.9], (4, 5)), ([6.0], (4, 5))]
)
def test_cells_about_points_are_on_the_map(points, cells):
    assert _cells_about(np.array(points), 5) == cells


def test_the_words_are_those_of_the_detector():
    usual = small_detectors.fast_rcnn(SCENES.class_names, SEARCH)
    other = small_detectors.fast_rcnn(
        SCENES.class_names, SEARCH, class_agnostic=True, postprocess=PostprocessSettings(vote_iou=0.6)
    )
    del other.network.head.fc7
    texts = []
    for detector in (usual, other):
        followed = follow(detector, SCENES.image(0))
        texts.append({step.key: step.text for step in steps_of(followed)})
    assert [text["scores"].split(" the ")[0] for text in texts] == [
        "Two fully connected layers turn",
        "A fully connected layer turns",
    ]
    assert ["for every class" in text["regression"] for text in texts] == [True, False]
    assert "once for all classes" in texts[1]["regression"]
    assert ["box voting" in text["suppression"] for text in texts] == [False, True]
    assert "overlap it by 0.6 or more" in texts[1]["suppression"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_detector_explains_itself(recipe, tmp_path):
    detector = train_shortly(recipe, tmp_path / recipe).detector
    steps = steps_of(follow(detector, SCENES.image(0)))
    assert len(steps) >= 5
    assert len({step.key for step in steps}) == len(steps)
    for step in steps:
        assert step.fact
        assert step.figure.axes


def test_several_scales_are_told_of_and_only_regions_of_one_are_drawn(tmp_path):
    detector = train_shortly("sppnet", tmp_path / "sppnet").detector
    detector = dataclasses.replace(detector, scales=(96, 192, 384), target_side=60)
    steps = {step.key: step for step in steps_of(follow(detector, SCENES.image(0)))}
    assert "3 times, once at each scale" in steps["features"].text
    assert steps["features"].fact.endswith("computed at each of 3 scales")
    assert "50 bins" in steps["pyramid"].fact


def test_the_strip_is_the_photo_and_seven_steps():
    detector = small_detectors.fast_rcnn(SCENES.class_names, SEARCH)
    followed = follow(detector, SCENES.image(0))
    strip = draw_strip(followed)
    assert [heading[:3] for heading, _ in strip] == ["The", *(f"{step}. " for step in range(1, 8))]
    assert strip[2][0] == f"2. Propose: {len(followed.proposals)} boxes"
    shown = {heading: figure.axes[0].images[0].get_array() for heading, figure in strip}
    np.testing.assert_array_equal(shown["The photo"], SCENES.image(0))
    assert shown["1. Look: one feature map"].max() == followed.view.map[0].mean(axis=0).max()
    best = followed.best(3)
    patches = [patch.get_bbox().extents for patch in strip[4][1].axes[0].patches]
    np.testing.assert_allclose(patches, followed.proposals[best])


def test_the_strip_needs_a_feature_map():
    detector = small_detectors.rcnn(SCENES.class_names, SEARCH)
    with pytest.raises(TypeError, match="the strip shows Fast R-CNN, and this is R-CNN"):
        draw_strip(follow(detector, SCENES.image(0)))
