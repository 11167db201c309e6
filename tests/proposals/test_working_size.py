"""Big photos are shrunk for the search, which tells what it will take and how far it is."""

import sys

import numpy as np
import pytest

from minircnn.proposals import ProposalSettings, SelectiveSearch, make_proposer, watched_search
from minircnn.proposals.selective_search import _first_of_equal

search_module = sys.modules[SelectiveSearch.__module__]  # its name also stands for the function in it


def photo_of(height, width):
    """A photo of four plain quarters."""
    photo = np.zeros((height, width, 3), np.uint8)
    photo[: height // 2, : width // 2] = 255, 0, 0
    photo[height // 2 :, width // 2 :] = 0, 0, 255
    return photo


def test_settings_shrink_photos_wider_than_a_thousand_pixels_unless_told_otherwise():
    assert make_proposer(ProposalSettings()).max_width == 1000
    assert make_proposer(ProposalSettings(max_width=None)).max_width is None
    assert make_proposer(ProposalSettings(max_width=500)).max_width == 500
    for width in (0, -1):
        with pytest.raises(ValueError, match=r"proposals.max_width must be at least 1, or none"):
            ProposalSettings(max_width=width)


def test_photos_up_to_the_working_size_are_searched_as_they_are(rng):
    photo = rng.integers(0, 256, (30, 1000, 3)).astype(np.uint8)
    usual, full = (
        make_proposer(ProposalSettings(mode="single", min_size=5, max_width=width)).propose(photo)
        for width in (1000, None)
    )
    np.testing.assert_array_equal(usual, full)


def test_boxes_of_a_big_photo_are_in_its_own_pixels(monkeypatch):
    seen, hierarchies = [], search_module._hierarchies
    monkeypatch.setattr(
        search_module,
        "_hierarchies",
        lambda image, *rest: seen.append(image.shape) or hierarchies(image, *rest),
    )
    boxes = make_proposer(ProposalSettings(mode="single")).propose(photo_of(300, 2000))
    assert seen == [(150, 1000, 3)]
    edges = {0, 1000, 2000}
    near = [[min(abs(side - edge) for edge in edges) for side in box[[0, 2]]] for box in boxes]
    assert min(map(max, near)) <= 4  # the quarters are found where they are
    assert boxes[:, 2].max() == 2000
    assert boxes[:, 3].max() == 300


def test_the_estimate_grows_with_the_pixels_that_are_searched():
    full, working = SelectiveSearch(), SelectiveSearch(max_width=1000)
    memory, seconds = full.estimate(6000, 8000)
    assert memory == pytest.approx(16e9, rel=0.2)
    assert seconds > 120
    assert full.estimate(3000, 4000)[0] == pytest.approx(memory / 4)
    assert working.estimate(6000, 8000)[0] == pytest.approx(full.estimate(750, 1000)[0])
    assert working.estimate(400, 600) == full.estimate(400, 600)
    assert SelectiveSearch("quality").estimate(100, 100)[1] > full.estimate(100, 100)[1]


def test_memory_stays_within_the_estimate(rng):
    import tracemalloc

    photo = np.kron(rng.integers(0, 256, (50, 60, 3)), np.ones((6, 6, 1))).astype(np.uint8)
    SelectiveSearch("single").search(photo)  # what is made once stays
    tracemalloc.start()
    try:
        SelectiveSearch("single").search(photo)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    memory, _ = SelectiveSearch("single").estimate(*photo.shape[:2])
    assert 0.4 * memory < peak < 1.1 * memory


@pytest.mark.parametrize(("mode", "steps"), [("single", 2), ("fast", 10)])
def test_a_search_says_how_far_it_is_to_whoever_watches(mode, steps):
    told = []
    with watched_search(lambda done, total: told.append((done, total))):
        SelectiveSearch(mode).propose(photo_of(40, 50))
    assert told == [(done, steps) for done in range(1, steps + 1)]
    SelectiveSearch(mode).propose(photo_of(40, 50))
    assert len(told) == steps


def test_boxes_beyond_sixteen_bits_are_told_apart():
    boxes = np.array([[0, 0, 65536 + 9, 5], [0, 0, 9, 5], [1, 0, 9, 5], [0, 0, 65536 + 9, 5]], np.float64)
    np.testing.assert_array_equal(_first_of_equal(boxes), [0, 1, 2])
