"""Which of the devkit's files belong together: sets, classes and competitions, told by names."""

import pytest

from minircnn.evaluation import find_voc_files, read_voc_files
from minircnn.evaluation.voc_names import file_name


def folder_of(folder, *names):
    for name in names:
        (folder / name).write_text("1 0.5 1 1 5 5\n")
    return folder


def test_the_only_set_is_found_by_itself(tmp_path):
    folder_of(
        tmp_path, "comp4_det_val_dog.txt", "comp4_det_val_cat.txt", "comp4_det_val_cow.txt", "notes.txt"
    )
    found = find_voc_files(tmp_path, ("cat", "dog", "owl"), "test")
    assert (found.set_name, found.competition) == ("val", "comp4")
    assert list(found.paths) == ["cat", "dog", "cow"]  # of the data set, in its order, then others


def test_of_several_sets_the_one_that_was_named(tmp_path):
    folder_of(tmp_path, "comp4_det_val_dog.txt", "comp4_det_test_dog.txt")
    assert find_voc_files(tmp_path, ("dog",), "test").set_name == "test"
    with pytest.raises(ValueError, match="files of the sets test, val; say which one is meant"):
        find_voc_files(tmp_path, ("dog",))


def test_underscores_in_sets_and_classes(tmp_path):
    folder_of(tmp_path, "comp4_det_my_test_pole.txt", "comp4_det_my_test_traffic_pole.txt")
    found = find_voc_files(tmp_path, ("pole", "traffic_pole"))
    assert (found.set_name, list(found.paths)) == ("my_test", ["pole", "traffic_pole"])


def test_names_of_other_programs(tmp_path):
    # R-CNN's code puts a mark of the run behind the competition
    folder_of(tmp_path, "comp4-44503_det_test_dog.txt", "comp4-44503_det_test_cat.txt")
    found = find_voc_files(tmp_path, ("cat", "dog"))
    assert (found.competition, found.set_name, list(found.paths)) == ("comp4-44503", "test", ["cat", "dog"])
    folder_of(tmp_path, "comp3_det_test_dog.txt")
    with pytest.raises(ValueError, match="files of comp3 and comp4-44503"):
        find_voc_files(tmp_path, ("cat", "dog"))


@pytest.mark.parametrize(
    "name", ["a/b", "a\\b", "50%", "a%2Fb", "what?", "x:y", "two words", "tab\there", "ö"]
)
def test_any_class_has_a_file(tmp_path, name):
    folder_of(tmp_path, file_name("comp4", "test", name))
    assert list(find_voc_files(tmp_path, (name,)).paths) == [name]
    assert list(find_voc_files(tmp_path, ("other",), "test").paths) == [name]  # told from the file alone


def test_different_classes_have_different_files():
    names = ["a/b", "a%2Fb", "a%2fb", "a\\b", "a_b", "a b"]
    assert len({file_name("comp4", "test", name) for name in names}) == len(names)


def test_an_accent_is_one_sign_or_two(tmp_path):
    folder_of(tmp_path, "comp4_det_test_cafe\u0301.txt")  # as macOS writes names
    assert list(find_voc_files(tmp_path, ("caf\u00e9",)).paths) == ["caf\u00e9"]


def test_folders_without_detections_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file comp4_det"):
        find_voc_files(tmp_path, ("cat",))
    folder_of(tmp_path, "comp4_det_test_cat.txt")
    with pytest.raises(ValueError, match=r"no file of any class of dog; there is \.\.\._test_cat\.txt"):
        find_voc_files(tmp_path, ("dog",))
    folder_of(tmp_path, "comp4_det_test_a%2Fb.txt", "comp4_det_test_a%2fb.txt")
    with pytest.raises(ValueError, match="are both of the class 'a/b'"):
        find_voc_files(tmp_path, ("cat",))


def test_photos_with_blanks_and_files_of_windows(tmp_path):
    path = tmp_path / "comp4_det_test_cat.txt"
    path.write_bytes("\ufeffmy photo 1 0.5 1 1 5 5\r\nmy photo 0.25\t2  2 6 6 \r\n\r\n".encode())
    one, other = read_voc_files({"cat": path}, ["my photo", "my photo 1"])
    assert (one.scores.tolist(), other.scores.tolist()) == ([0.25], [0.5])
    path.write_bytes("my photo 0.25 1 1 5 5\r".encode("utf-16"))
    assert read_voc_files({"cat": path}, ["my photo"])[0].boxes.tolist() == [[0, 0, 5, 5]]


def test_reversed_boxes_are_named(tmp_path):
    path = tmp_path / "comp4_det_test_cat.txt"
    path.write_text("1 0.5 1 1 5 5\n1 0.5 9 1 5 5\n")
    with pytest.raises(ValueError, match=r"cat\.txt, line 2: the box is reversed"):
        read_voc_files({"cat": path}, ["1"])
