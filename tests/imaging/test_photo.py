"""What is no photo is refused, with what makes it one: the same numbers must not mean another brightness."""

import re

import numpy as np
import pytest
from PIL import Image

from minircnn.imaging import as_image
from minircnn.proposals import ProposalFile, SelectiveSearch, SlidingWindow, selective_search

PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)

CASES = {
    "float in 0..1": (PHOTO / 255, "float64"),
    "float32 in 0..1": ((PHOTO / 255).astype(np.float32), "float32"),
    "float in 0..255": (PHOTO.astype(float), "float64"),
    "bool": (PHOTO > 99, "bool"),
    "uint16": (PHOTO.astype(np.uint16) * 257, "uint16"),
    "uint16 in 0..255": (PHOTO.astype(np.uint16), "uint16"),
    "int64": (PHOTO.astype(np.int64), "int64"),
    "int8": ((PHOTO // 2).astype(np.int8), "int8"),
    "grey": (PHOTO[..., 0], r"shape \(20, 30\)"),
    "grey with an axis": (PHOTO[..., :1], r"shape \(20, 30, 1\)"),
    "RGBA": (np.concatenate([PHOTO, PHOTO[..., :1]], axis=-1), r"shape \(20, 30, 4\)"),
    "channels first": (PHOTO.transpose(2, 0, 1), r"shape \(3, 20, 30\)"),
    "PIL": (Image.fromarray(PHOTO), "got a Image"),
    "grey PIL": (Image.fromarray(PHOTO[..., 0]), "got a Image"),
    "masked": (np.ma.masked_array(PHOTO, PHOTO > 250), "got a MaskedArray"),
}
NO_PHOTO = {
    "empty": np.zeros((0, 5, 3), np.uint8),
    "no columns": np.zeros((5, 0, 3), np.uint8),
    "batch": PHOTO[None],
    "row": PHOTO[0, 0],
    "two channels": PHOTO[..., :2],
    "text": np.full((2, 2, 3), "a"),
    "complex": np.zeros((2, 2, 3), complex),
    "objects": np.zeros((2, 2, 3), object),
    "list": PHOTO.tolist(),
    "path": "photo.jpg",
    "nothing": None,
}


@pytest.mark.parametrize("case", CASES)
def test_the_mend_that_is_told_makes_a_photo(case):
    image, words = CASES[case]
    with pytest.raises(
        ValueError, match=rf"a photo must be an \(H, W, 3\) array of uint8, RGB, .*{words}"
    ) as error:
        as_image(image)
    mend = re.search(r"(numpy\.\w+\(.*|\(?image.*)$", str(error.value))[1].partition(", or ")[0]
    made = as_image(eval(mend, {"numpy": np, "image": image}))  # the words are our own
    same = PHOTO
    if "grey" in case:
        same = np.repeat(PHOTO[..., :1], 3, axis=-1)
    elif case == "bool":
        same = (PHOTO > 99).astype(np.uint8) * 255
    elif case == "int8":
        same = PHOTO // 2
    if case != "masked":
        assert np.abs(made.astype(int) - same).max() <= 1


@pytest.mark.parametrize("case", NO_PHOTO)
def test_what_is_no_photo_is_refused(case):
    with pytest.raises(ValueError, match=r"a photo must be an \(H, W, 3\) array of uint8"):
        as_image(NO_PHOTO[case])


def test_a_photo_comes_back_as_it_is_however_it_lies_in_memory():
    read_only = PHOTO.copy()
    read_only.flags.writeable = False
    for photo in (PHOTO, PHOTO[::2, ::-1], np.asfortranarray(PHOTO), read_only, PHOTO[:1, :1]):
        assert as_image(photo) is photo


@pytest.mark.parametrize(
    "image", [PHOTO / 255, PHOTO > 9, PHOTO[..., 0], Image.fromarray(PHOTO)], ids=range(4)
)
def test_every_proposer_asks_for_a_photo(image, tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0, 0, 9, 9]]))
    for proposer in (SelectiveSearch("single"), SlidingWindow(), ProposalFile(tmp_path / "a.npy")):
        with pytest.raises(ValueError, match="a photo must be"):
            proposer.propose(image, image_id="a")
    with pytest.raises(ValueError, match="a photo must be"):
        selective_search(image)
