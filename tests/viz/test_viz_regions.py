import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.boxes import nms_explained
from minircnn.viz import draw_nms, draw_proposal_hierarchy, draw_proposals, draw_sampled_rois
from minircnn.viz.proposals import mean_colours, region_borders

PHOTO = np.full((100, 150, 3), 60, np.uint8)


def by_gid(ax, gid):
    return [tuple(patch.get_bbox().extents) for patch in ax.patches if patch.get_gid() == gid]


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_proposals_alone_fill_one_panel(rng):
    boxes = np.hstack([rng.uniform(0, 40, (30, 2)), rng.uniform(50, 90, (30, 2))])
    figure = draw_proposals(PHOTO, boxes, max_drawn=12)
    (ax,) = figure.axes
    (collection,) = ax.collections
    assert len(collection.get_segments()) == 12
    x1, y1, x2, y2 = boxes[0]
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
    np.testing.assert_allclose(collection.get_segments()[0], corners)
    assert ax.get_title() == "the first 12 of 30 proposals"


def test_hits_and_misses_are_told_apart():
    objects = [[0, 0, 50, 50], [100, 50, 140, 90], [60, 0, 70, 10]]
    boxes = [[0, 0, 50, 48], [100, 50, 120, 70]]
    figure = draw_proposals(PHOTO, boxes, objects)
    assert figure.texts[0].get_text() == "2 proposals: 1 of 3 objects hit at IoU ≥ 0.5"
    ax = figure.axes[1]
    assert words(ax) == ["IoU 0.96", "IoU 0.25", "IoU 0.00"]
    assert len(by_gid(ax, "truth")) == 3
    assert by_gid(ax, "proposal") == [(0, 0, 50, 48), (100, 50, 120, 70)]
    styles = [patch.get_linestyle() for patch in ax.patches if patch.get_gid() == "proposal"]
    assert styles == ["-", ":"]


@pytest.mark.parametrize("objects", [None, [], [[0, 0, 5, 5]]])
def test_no_proposals(objects):
    assert draw_proposals(PHOTO, [], objects).axes


def test_hierarchy_shows_every_level_in_mean_colours():
    photo = np.zeros((4, 6, 3), np.uint8)
    photo[:, 3:] = 200
    halves, whole = np.repeat([[7] * 3 + [9] * 3], 4, axis=0), np.zeros((4, 6), int)
    figure = draw_proposal_hierarchy(photo, np.stack([halves, whole]), borders=False)
    assert [ax.get_title() for ax in figure.axes] == ["photo", "2 regions", "1 regions"]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), photo)
    assert np.unique(figure.axes[2].images[0].get_array()).tolist() == [100]
    outlined = draw_proposal_hierarchy(photo, [halves], ["two"]).axes[1]
    assert (outlined.images[0].get_array()[:, 2] == 255).all()
    assert outlined.get_title() == "two"


def test_hierarchy_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"level 0 has shape \(2, 2\), the photo \(100, 150\)"):
        draw_proposal_hierarchy(PHOTO, [np.zeros((2, 2), int)])
    with pytest.raises(ValueError, match="1 levels need as many titles, got 2"):
        draw_proposal_hierarchy(PHOTO, [np.zeros((100, 150), int)], ["a", "b"])


def test_mean_colours_equal_naive_loops(rng):
    photo = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    labels = rng.integers(3, 6, (9, 7))
    painted = mean_colours(photo, labels)
    for label in np.unique(labels):
        inside = labels == label
        expected = np.rint(photo[inside].mean(axis=0))
        assert (painted[inside] == expected).all()


def test_borders_lie_between_regions():
    labels = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]])
    expected = [[False, True, False], [True, True, True], [False, False, False]]
    assert region_borders(labels).tolist() == expected


def test_nms_shows_who_removed_whom():
    boxes = np.array([[0, 0, 50, 50], [2, 0, 52, 50], [80, 20, 120, 60], [0, 2, 50, 52]], float)
    scores = np.array([0.9, 0.8, 0.7, 0.95])
    figure = draw_nms(PHOTO, boxes, scores, *nms_explained(boxes, scores, 0.5))
    before, after = figure.axes
    assert [before.get_title(), after.get_title()] == ["before: 4 boxes", "after: 2 boxes"]
    assert sorted(by_gid(after, "kept")) == [(0, 2, 50, 52), (80, 20, 120, 60)]
    assert words(after) == ["0.95, removed 2", "0.70"]
    assert sum(len(collection.get_segments()) for collection in before.collections) == 2


def test_nms_of_nothing():
    assert not draw_nms(PHOTO, [], np.zeros(0), np.zeros(0, int), np.zeros(0, int)).axes[1].patches


def test_sampled_rois_by_kind():
    rois = [[0, 0, 20, 20], [5, 5, 30, 30], [50, 50, 90, 90]]
    figure = draw_sampled_rois(PHOTO, rois, np.array([2, 0, 0]), [[0, 0, 22, 22]], class_names=("a", "b"))
    ax = figure.axes[0]
    assert by_gid(ax, "foreground") == [(0, 0, 20, 20)]
    assert len(by_gid(ax, "background")) == 2
    assert by_gid(ax, "truth") == [(0, 0, 22, 22)]
    assert words(ax) == ["b"]
    assert figure.texts[0].get_text() == "Regions of one batch: 1 foreground, 2 background"


def test_no_sampled_rois():
    assert not draw_sampled_rois(PHOTO, [], []).axes[0].patches
