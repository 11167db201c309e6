import numpy as np
import pytest
from box_strategies import integer_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.arrays import to_host
from minircnn.boxes import AnchorSettings, anchors_inside, base_anchors, box_area, grid_anchors

quick = settings(deadline=None, max_examples=40)

PUBLISHED = [
    [-84, -40, 99, 55],
    [-176, -88, 191, 103],
    [-360, -184, 375, 199],
    [-56, -56, 71, 71],
    [-120, -120, 135, 135],
    [-248, -248, 263, 263],
    [-36, -80, 51, 95],
    [-80, -168, 95, 183],
    [-168, -344, 183, 359],
]
"""What the released code makes (lib/rpn/generate_anchors.py): x1, y1, x2, y2, the last pixel included."""


def test_the_nine_of_the_released_code_to_the_last_digit():
    nine = base_anchors(AnchorSettings())
    assert nine.dtype == np.float64
    np.testing.assert_array_equal(nine - [0, 0, 1, 1], PUBLISHED)
    assert ((nine[:, :2] + nine[:, 2:]) / 2 == 8).all()  # the centre of the first cell at stride 16
    assert AnchorSettings().num_anchors == 9


def test_continuous_anchors_have_the_areas_and_ratios_of_the_paper():
    anchors = base_anchors(AnchorSettings(rounded=False))
    width, height = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    np.testing.assert_allclose(height / width, np.repeat([0.5, 1, 2], 3), rtol=1e-12)
    np.testing.assert_allclose(box_area(anchors), np.tile([128, 256, 512], 3) ** 2, rtol=1e-12)
    np.testing.assert_allclose((anchors[:, :2] + anchors[:, 2:]) / 2, 8, rtol=0, atol=1e-12)


def test_torchvision_rounds_the_continuous_ones_about_the_corner_of_the_cell():
    """A third set of numbers, 182 x 90 for our 184 x 96: half sides are rounded after the scale."""
    exact = base_anchors(AnchorSettings(rounded=False))
    theirs = np.round(exact - 8)
    sides = theirs[:, 2:] - theirs[:, :2]
    assert sides[:4].tolist() == [[182, 90], [362, 182], [724, 362], [128, 128]]
    ours = base_anchors(AnchorSettings())
    assert (ours[:, 2:] - ours[:, :2])[:4].tolist() == [[184, 96], [368, 192], [736, 384], [128, 128]]
    counts = [anchors_inside(grid_anchors(base, 38, 50, 16), (600, 800)).sum() for base in (theirs, exact)]
    assert counts == [5_954, 5_834]


def test_a_photo_of_600_by_800():
    anchors = grid_anchors(base_anchors(AnchorSettings()), 38, 50, 16)
    inside = anchors_inside(anchors, (600, 800))
    assert anchors.shape == (17_100, 4)
    assert inside.sum() == 5_944
    np.testing.assert_array_equal(
        inside, [min(x1, y1) >= 0 and x2 <= 800 and y2 <= 600 for x1, y1, x2, y2 in anchors]
    )


def test_the_border_itself_is_inside(xp):
    boxes = xp.asarray([[0.0, 0.0, 40.0, 30.0], [0.0, 0.0, 40.5, 30.0], [-1e-9, 0.0, 9.0, 9.0]])
    assert to_host(anchors_inside(boxes, (30, 40))).tolist() == [True, False, False]
    assert anchors_inside(np.zeros((0, 4)), (30, 40)).shape == (0,)


sizes = st.sampled_from([8.0, 16.0, 24.0, 30.5])
ratios = st.lists(st.sampled_from([0.25, 0.5, 0.8, 1.0, 1.7, 2.0, 4.0]), min_size=1, max_size=4)
scales = st.lists(st.sampled_from([0.5, 1.0, 2.5, 8.0]), min_size=1, max_size=3)


@quick
@given(sizes, ratios, scales, st.booleans(), st.integers(0, 4), st.integers(0, 4), st.sampled_from([4, 8.5]))
def test_equal_to_the_textbook(base_size, ratios, scales, rounded, height, width, stride):
    shape = AnchorSettings(base_size, tuple(ratios), tuple(scales), rounded)
    base = base_anchors(shape)
    assert base.shape == (shape.num_anchors, 4)
    np.testing.assert_allclose(base, textbook.base_anchors(base_size, ratios, scales, rounded), rtol=1e-14)
    grid = grid_anchors(base, height, width, stride)
    np.testing.assert_array_equal(grid, textbook.grid_anchors(base, height, width, stride))


@quick
@given(integer_boxes(max_count=4), st.integers(1, 5), st.integers(1, 5), st.integers(1, 32))
def test_anchors_move_with_the_map_by_the_stride(base, height, width, stride):
    small = grid_anchors(base, height, width, stride)
    large = grid_anchors(base, height + 1, width + 1, stride).reshape(height + 1, width + 1, -1, 4)
    np.testing.assert_array_equal(large[1:, 1:].reshape(-1, 4), small + stride)
    np.testing.assert_array_equal(large[:-1, :-1].reshape(-1, 4), small)
    np.testing.assert_array_equal(large[0, 0], base)


def test_anchors_follow_the_base(xp):
    base = xp.asarray(base_anchors(AnchorSettings()), dtype=xp.float32)
    anchors = grid_anchors(base, 2, 3, 8)
    assert (anchors.shape, anchors.dtype) == ((54, 4), xp.float32)
    np.testing.assert_array_equal(to_host(anchors), grid_anchors(to_host(base), 2, 3, 8))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"base_size": 0}, r"^anchors\.base_size must be above 0, got 0"),
        ({"ratios": ()}, r"^anchors\.ratios must be one value or more, got \(\)"),
        ({"ratios": (1.0, -2.0)}, r"^anchors\.ratios must be above 0, each of them"),
        ({"scales": (np.nan,)}, r"^anchors\.scales must be above 0, each of them"),
        ({"rounded": 1}, r"^anchors\.rounded must be true or false"),
        (
            {"base_size": 1.0, "ratios": (8.0,)},
            r"ratio 8 would measure 0 x 0 pixels.*larger scale or base_size",
        ),
        (
            {"scales": (0.01,)},
            r"^anchors\.scales: an anchor of ratio 0\.5 would measure 0\.23 x 0\.12 pixels",
        ),
    ],
)
def test_impossible_settings_are_named(values, words):
    with pytest.raises(ValueError, match=words):
        AnchorSettings(**values)


def test_impossible_maps_and_photos_are_named():
    base = base_anchors(AnchorSettings())
    with pytest.raises(ValueError, match=r"^height must be at least 0, got -1"):
        grid_anchors(base, -1, 3, 16)
    with pytest.raises(ValueError, match=r"^width must be a whole number, got 2\.5"):
        grid_anchors(base, 1, 2.5, 16)
    with pytest.raises(ValueError, match=r"^stride must be above 0, got 0"):
        grid_anchors(base, 1, 3, 0)
    with pytest.raises(ValueError, match=r"^base: row 1: nan is not finite"):
        grid_anchors([[0, 0, 1, 1], [0, np.nan, 1, 1]], 1, 1, 16)
    with pytest.raises(ValueError, match=r"^image_size must be \(height, width\), got 600"):
        anchors_inside(base, 600)
    with pytest.raises(ValueError, match=r"^width must be"):
        anchors_inside(base, (600, np.nan))
