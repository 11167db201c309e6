import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.boxes import AnchorSettings, base_anchors
from minircnn.viz import draw_anchor_sizes, draw_anchors, draw_objectness

PHOTO = np.full((100, 150, 3), 60, np.uint8)


def by_gid(ax, gid):
    return [tuple(patch.get_bbox().extents) for patch in ax.patches if patch.get_gid() == gid]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_anchors_of_a_cell_are_coloured_by_ratio_and_shown_beyond_the_photo():
    anchors = base_anchors(AnchorSettings(ratios=(1.0, 2.0), scales=(2.0, 4.0), rounded=False)) + 20
    centres = [[8, 8], [24, 8], [40, 8]]
    figure = draw_anchors(PHOTO, anchors, [[10, 10, 60, 60]], centres=centres)
    (ax,) = figure.axes
    np.testing.assert_allclose(by_gid(ax, "height : width = 1"), anchors[:2])
    np.testing.assert_allclose(by_gid(ax, "height : width = 2"), anchors[2:])
    assert by_gid(ax, "truth") == [(10, 10, 60, 60)]
    assert ax.get_xlim() == (-4, 150)
    assert ax.get_ylim() == (100, np.floor(anchors[:, 1].min()))
    (points,) = (c for c in ax.collections if c.get_gid() == "centre")
    np.testing.assert_array_equal(points.get_offsets(), centres)
    assert legend(figure) == ["height : width = 1", "height : width = 2", "ground truth"]
    assert figure.texts[0].get_text() == "4 anchors"


def test_labelled_anchors_are_coloured_by_what_they_are_to_say():
    anchors = [[0, 0, 20, 20], [5, 5, 30, 30], [50, 50, 90, 90], [60, 50, 90, 90]]
    figure = draw_anchors(PHOTO, anchors, labels=np.array([0, 1, -1, 0]))
    (ax,) = figure.axes
    assert by_gid(ax, "object") == [(5, 5, 30, 30)]
    assert [len(collection.get_segments()) for collection in ax.collections] == [1, 2]  # ignored ones first
    assert figure.texts[0].get_text() == "Anchors: 1 object, 2 background, 1 ignored"
    assert draw_anchors(PHOTO, anchors, title="mine", labels=[0, 1, -1, 0]).texts[0].get_text() == "mine"
    with pytest.raises(ValueError, match="4 anchors need as many labels, got 1"):
        draw_anchors(PHOTO, anchors, labels=[1])


def test_no_anchors_leave_the_photo():
    (ax,) = draw_anchors(PHOTO, []).axes
    assert ax.get_xlim() == (0, 150)


def test_objectness_has_a_panel_a_scale_with_the_likeliest_ratio():
    objectness = np.zeros((5, 8, 6))  # three ratios, two scales
    objectness[2, 3, 1], objectness[2, 3, 5] = 0.25, 0.75  # of the second scale
    objectness[4, 0, 2] = 0.5  # of the first
    figure = draw_objectness(PHOTO, objectness, ["small", "large"], num_scales=2, cell=20.0)
    photo, first, second = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["photo", "small", "large"]
    assert len(photo.images) == 1
    heat = [ax.images[1].get_array() for ax in (first, second)]
    assert (heat[0][4, 0], heat[0].sum(), heat[1][2, 3], heat[1].sum()) == (0.5, 0.5, 0.75, 0.75)
    assert list(first.images[1].get_extent()) == [0, 160, 100, 0]
    assert first.get_xlim() == (0, 150)
    assert first.images[1].get_clim() == (0, 1)


def test_objectness_of_each_scale_alone_covers_the_photo():
    figure = draw_objectness(PHOTO, np.ones((2, 3, 2)))
    assert [ax.get_title() for ax in figure.axes] == ["photo", "scale 1", "scale 2"]
    assert list(figure.axes[1].images[1].get_extent()) == [0, 150, 100, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_scales": 4}, "6 anchors of a cell cannot have 4 scales"),
        ({"num_scales": 0}, "cannot have 0 scales"),
        ({"num_scales": 2, "titles": ["a"]}, "2 scales need as many titles, got 1"),
    ],
)
def test_objectness_that_does_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        draw_objectness(PHOTO, np.zeros((2, 2, 6)), **options)
    with pytest.raises(ValueError, match=r"shape \(H, W, A\), got \(4,\)"):
        draw_objectness(PHOTO, np.zeros(4))


def test_sizes_of_objects_are_points_and_those_of_anchors_crosses():
    sides, anchors = [[10, 20], [300, 40]], {"suggested": [[16, 16]], "paper": [[128, 128], [256, 256]]}
    (ax,) = draw_anchor_sizes(sides, anchors).axes
    drawn = {collection.get_gid(): collection.get_offsets().tolist() for collection in ax.collections}
    assert drawn == {"objects": sides, **anchors}
    assert ax.get_xlim() == (8, 375)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["2 objects", "suggested", "paper"]
    with pytest.raises(ValueError, match="sides must be positive"):
        draw_anchor_sizes([[0, 1]], {})
