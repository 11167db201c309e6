"""Folders of labelled images: what is read, what is refused by name, what is held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn.data import DatasetError, ImageFolder
from minircnn.data.labelled import SomeImages, held_out_share
from minircnn.imaging import write_image


@pytest.fixture
def folder(tmp_path):
    """Three cats, one of them deeper, and two dogs; of one gray each."""
    for number, name in enumerate(["cat/a.png", "cat/b.jpg", "cat/deep/c.png", "dog/a.png", "dog/z.png"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, np.full((20 + number, 30, 3), 10 * number, np.uint8))
    return tmp_path


def test_the_folder_is_the_class(folder):
    (folder / ".DS_Store").write_text("")
    (folder / "cat" / ".DS_Store").write_text("")
    images = ImageFolder(folder)
    assert images.class_names == ("cat", "dog")
    assert images.image_ids == ["cat/a.png", "cat/b.jpg", "cat/deep/c.png", "dog/a.png", "dog/z.png"]
    assert [images.label(i) for i in range(len(images))] == [0, 0, 0, 1, 1]
    assert images.image(3).shape == (23, 30, 3)
    assert images.image(3).max() == 30
    assert len({images.photo_digest(i) for i in range(5)}) == 5


def test_broken_and_foreign_files_are_refused_each_by_its_name(folder):
    (folder / "cat" / "broken.jpg").write_bytes((folder / "cat" / "b.jpg").read_bytes()[:300])
    (folder / "dog" / "notes.txt").write_text("notes")
    (folder / "list.csv").write_text("a,b")
    (folder / "empty").mkdir()
    with pytest.raises(DatasetError) as refused:
        ImageFolder(folder)
    text = str(refused.value)
    assert "4 problem(s)" in text
    for words in (
        f"{folder / 'cat' / 'broken.jpg'}: ",
        f"{folder / 'dog' / 'notes.txt'}: is no image by its name",
        f"{folder / 'list.csv'}: lies in no class's folder",
        f"{folder / 'empty'}: no image in this class",
        "--on-bad-photo drop",
    ):
        assert words in text
    kept = ImageFolder(folder, on_bad_photo="drop")
    assert kept.class_names == ("cat", "dog")
    assert len(kept) == 5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "no such folder; name a folder with a folder of images for each class"),
        ("cat/a.png", "is no folder"),
        ("cat", "cat: 2 problem"),
    ],
)
def test_what_is_no_folder_of_classes_is_refused(folder, name, words):
    with pytest.raises(DatasetError, match=words):
        ImageFolder(folder / name)


def test_one_class_is_too_few(folder):
    (folder / "one").mkdir()
    (folder / "dog").rename(folder / "one" / "dog")
    with pytest.raises(DatasetError, match="holds the one class dog; a classifier needs"):
        ImageFolder(folder / "one")


def test_a_folder_of_splits_is_no_folder_of_classes(folder):
    (folder / "all").mkdir()
    (folder / "cat").rename(folder / "all" / "train")
    (folder / "dog").rename(folder / "all" / "val")
    with pytest.raises(DatasetError, match=r"holds splits, not classes; name one of them: .*train"):
        ImageFolder(folder / "all")


def test_the_policy_is_one_of_two(folder):
    with pytest.raises(ValueError, match="on_bad_photo must be 'error' or 'drop', got 'ignore'"):
        ImageFolder(folder, on_bad_photo="ignore")


class Labels:
    """Images of which only the labels matter."""

    name, flippable = "labels", True

    def __init__(self, labels):
        self.labels = labels
        self.class_names = tuple("abcdefgh")
        self.image_ids = [str(i) for i in range(len(labels))]

    def label(self, index):
        return self.labels[index]


@given(
    st.lists(st.integers(0, 7), min_size=9, max_size=80),
    st.floats(0.01, 0.99),
    st.integers(0, 100),
)
def test_held_out_is_a_share_of_each_class_and_never_all_of_it(labels, share, seed):
    learnt, held_out = held_out_share(Labels(labels), share, seed)
    assert sorted([*learnt.image_ids, *held_out.image_ids], key=int) == [str(i) for i in range(len(labels))]
    for label in set(labels):
        count = labels.count(label)
        apart = sum(held_out.label(i) == label for i in range(len(held_out)))
        assert apart <= count - 1
        assert apart >= min(1, count - 1)
        assert abs(apart - share * count) <= 1
    again = held_out_share(Labels(labels), share, seed)[1]
    assert again.image_ids == held_out.image_ids


def test_where_no_class_has_two_nothing_can_be_tested():
    with pytest.raises(DatasetError, match="has one image of each class"):
        held_out_share(Labels([0, 1, 2]), 0.1, 0)


def test_some_images_are_those_of_the_whole(folder):
    images = ImageFolder(folder)
    some = SomeImages(images, [4, 0])
    assert some.image_ids == ["dog/z.png", "cat/a.png"]
    assert [some.label(i) for i in range(2)] == [1, 0]
    assert np.array_equal(some.image(0), images.image(4))
    assert some.photo_digest(1) == images.photo_digest(0)
