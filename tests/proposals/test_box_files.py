"""Files of boxes as spreadsheets, MATLAB and people write them: the right boxes, or an error in words."""

import io
import os
import warnings
import zipfile

import numpy as np
import pytest
from damaged_files import damaged
from hypothesis import given, settings
from scipy.io import savemat

from minircnn.proposals import ProposalFile, ProposalFileError, as_proposals, write_proposals

PHOTO = np.zeros((30, 40, 3), np.uint8)
BOX = [[1.5, 2, 11, 12]]


def boxes(path, image_id="photo"):
    return ProposalFile(path).propose(PHOTO, image_id=image_id).tolist()


@pytest.mark.parametrize(
    "content",
    [
        "image_id,x1,y1,x2,y2\nphoto,1.5,2,11,12\n",
        "image_id;x1;y1;x2;y2\r\nphoto;1.5;2;11;12\r\n",
        "image_id\tx1\ty1\tx2\ty2\nphoto\t1.5\t2\t11\t12",
        "\ufeffimage_id, x1, y1, x2, y2\nphoto, 1.5, 2.0, 1.1e1, 12\n\n,,,,\n",
        'X1 ,Y1,X2,Y2,score,"image_id"\n1.5,2,11,12,0.9,"photo"\n',
        "x1,y1,x2,y2\n1.5,2,11,12,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_tables_of_any_program_are_read(tmp_path, content, encoding):
    (tmp_path / "photo.csv").write_bytes(
        content.removeprefix("\ufeff" * (encoding == "utf-16")).encode(encoding)
    )
    assert boxes(tmp_path / "photo.csv") == BOX


def test_a_table_without_a_line_is_no_box(tmp_path):
    (tmp_path / "photo.csv").write_text("x1,y1,x2,y2\n")
    assert boxes(tmp_path / "photo.csv") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"the header lacks x1, y1, x2, y2"),
        (b"x1,y1,x2,y2,x1\n1,2,3,4,5\n", "the header has x1 twice"),
        (b"x1,y1,x2,y2\n1,2,3,4\n1,2,3\n", "line 3: 3 values in 4 columns"),
        (b"x1,y1,x2,y2\n1,5,2,3,4\n", "line 2: 5 values in 4 columns"),
        (b"x1;y1;x2;y2\n1,5;2;3;4\n", r"line 2: x1 is not a number: '1,5'; write decimals with a point"),
        (b"x1,y1,x2,y2\n1,2,,4\n", "line 2: x2 is missing"),
        (b"x1,y1,x2,y2\n1,2,1_0,4\n", "line 2: x2 is not a number: '1_0'"),
        (b"x1,y1,x2,y2\n1,2,nan,4\n", "line 2: x2 is not a number: 'nan'"),
        (b"x1,y1,x2,y2\n1,2,0x10,4\n", "line 2: x2 is not a number"),
        (b"x1,y1,x2,y2\n1,2,1e999,4\n", "photo 'a': box 0 .*not finite"),
        (b"image_id,x1,y1,x2,y2\n,1,2,3,4\n", "line 2: no image_id"),
        (b'x1,y1,x2,y2\n1,2,"3,4\n', "cannot be read"),
        (b"x1,y1,x2,y2\n1,2,3,4\xe4\n", "is no UTF-8 text"),
    ],
)
def test_a_table_that_is_not_clear_is_refused_with_its_line(tmp_path, content, words):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ProposalFileError, match=rf"a\.csv.*{words}"):
        ProposalFile(tmp_path / "a.csv")


def cells(*values):
    cell = np.empty((1, len(values)), object)
    cell[0, :] = values
    return cell


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.float64(3), r"shape \(R, 4\), got \(\)"),
        (np.zeros((1, 4), [("x", float)]), "boxes are not numbers"),
        (np.array([["1", "2", "3", "4"]]), "boxes are not numbers"),
        (np.array([[1, 2, 3, 4j]]), "boxes are not numbers"),
        (np.ones((1, 4), bool), "boxes are not numbers"),
        (np.array([[0, 0, np.inf, 4]]), "box 0 .*not finite"),
    ],
)
def test_arrays_that_are_no_boxes_are_refused(tmp_path, array, words):
    (tmp_path / "a.npy").write_bytes(npy(array))
    np.savez(tmp_path / "a.npz", a=array)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ProposalFileError, match=rf"{name}: photo 'a': .*{words}"):
            ProposalFile(tmp_path / name)


def test_a_nan_of_the_signalling_kind_is_refused_like_any_other(tmp_path):
    boxes = np.array([[1, 2, 3, 4.0]])
    boxes.view(np.uint64)[0, 0] = 0x7FF0000000000001
    np.save(tmp_path / "a.npy", boxes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ProposalFileError, match=r"box 0 is .*not finite"):
            ProposalFile(tmp_path / "a.npy").propose(np.zeros((9, 9, 3), np.uint8), image_id="a")
        with pytest.raises(ValueError, match="proposal 0 is not finite"):
            as_proposals(boxes, (9, 9))


def test_proposals_that_are_masked_are_refused():
    """A mask hides a box, the numbers under it would be judged."""
    with pytest.raises(ValueError, match="proposals must have no masked numbers"):
        as_proposals(np.ma.array([[1, 2, 3, 4], [1, 2, 5, 5]], mask=[[0] * 4, [1] * 4]), (9, 9))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("a.npy", b"not an array")], r"member 'a\.npy': does not begin"),
        ([("a.txt", npy(BOX))], r"member 'a\.txt' is no \.npy array"),
        ([("a.npy", npy(BOX)), ("a.npy", npy(BOX))], r"'a\.npy' is there twice"),
        ([("a.npy", npy(BOX)[:-8])], "promises 32 bytes of numbers, 24 follow"),
    ],
)
def test_archives_that_are_not_clear_are_refused(tmp_path, members, words):
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    with pytest.raises(ProposalFileError, match=rf"p\.npz: cannot be read \(.*{words}"):
        ProposalFile(tmp_path / "p.npz")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.npz")
    (tmp_path / "empty.npy").touch()
    for name, words in {"p.npz": "a pipe", "empty.npy": "is empty"}.items():
        with pytest.raises(ProposalFileError, match=words):
            ProposalFile(tmp_path / name)


def test_two_files_of_a_photo_must_agree(tmp_path):
    np.save(tmp_path / "a.npy", np.array(BOX))
    np.save(tmp_path / "a_boxes.npy", np.array(BOX))
    assert boxes(tmp_path, "a") == BOX
    np.save(tmp_path / "a_boxes.npy", np.array(BOX) + 1)
    with pytest.raises(ProposalFileError, match=r"a\.npy and a_boxes\.npy hold different boxes of photo 'a'"):
        boxes(tmp_path, "a")


def test_photos_in_subfolders_and_photos_called_boxes(tmp_path):
    (tmp_path / "day 1").mkdir()
    np.save(tmp_path / "day 1" / "a.npy", np.array(BOX))
    np.save(tmp_path / "b_boxes.npy", np.array(BOX))
    assert boxes(tmp_path, "day 1/a") == BOX
    assert boxes(tmp_path, "b_boxes") == BOX
    assert boxes(tmp_path / "b_boxes.npy", "b_boxes") == boxes(tmp_path / "b_boxes.npy", "b") == BOX
    np.savez(tmp_path / "c.npz", other=np.array(BOX))
    with pytest.raises(ProposalFileError, match="no boxes for photo 'c'; the file has other"):
        boxes(tmp_path / "c.npz", "c")


@pytest.mark.parametrize("name", ["../a", "x/../../a", "..\\a", "a\0b"])
def test_a_name_does_not_lead_out_of_the_folder(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").mkdir()
    np.save(tmp_path / "a.npy", np.array(BOX))
    with pytest.raises(ProposalFileError, match="has no file in this folder"):
        boxes(tmp_path / "in", name)
    with pytest.raises(ProposalFileError, match="has no file in this folder"):
        boxes(tmp_path / "in", str(tmp_path / "a"))


@pytest.mark.parametrize(
    ("proposals", "words"),
    [
        ({"../a": BOX}, "cannot be the name of a photo"),
        ({"/a": BOX}, "cannot be the name of a photo"),
        ({"": BOX}, "cannot be the name of a photo"),
        ({"a\0b": BOX}, "cannot be the name of a photo"),
        ({"a": [[0, 0, np.nan, 4]]}, "photo 'a': box 0 .*not finite"),
        ({"a": [[0, 0, 4, 4], [5, 0, 4, 4]]}, "photo 'a': box 1 .*reversed"),
        ({"a": [[0, 0, 4]]}, r"photo 'a': boxes must have shape \(R, 4\)"),
        ({"a": np.array([[{}] * 4])}, "photo 'a': boxes are not numbers"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, proposals, words):
    write_proposals(tmp_path / "p.npz", {"good": np.array(BOX)})
    before = (tmp_path / "p.npz").read_bytes()
    with pytest.raises(ProposalFileError, match=rf"p\.npz: .*{words}"):
        write_proposals(tmp_path / "p.npz", {k: np.asarray(v) for k, v in proposals.items()})
    assert (tmp_path / "p.npz").read_bytes() == before


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_proposals(tmp_path / "p.npz", {"good": np.array(BOX)})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ProposalFileError, match=r"p\.npz: cannot be written \(No space left"):
        write_proposals(tmp_path / "p.npz", {"other": np.array(BOX)})
    monkeypatch.undo()
    assert boxes(tmp_path / "p.npz", "good") == BOX
    assert [path.name for path in tmp_path.iterdir()] == ["p.npz"]


def saved(write, *arguments, **options):
    buffer = io.BytesIO()
    write(buffer, *arguments, **options)
    return buffer.getvalue()


VALID = {
    "photo.npy": npy(BOX),
    "photo.npz": saved(np.savez, photo=BOX, other=BOX),
    "packed.npz": saved(np.savez_compressed, photo=BOX),
    "photo.csv": b"image_id,x1,y1,x2,y2\nphoto,1.5,2,11,12\nother,1,2,3,4\n",
    "photo.mat": saved(savemat, {"boxes": cells(BOX, BOX), "images": cells("photo", "other")}),
    "packed.mat": saved(savemat, {"boxes": np.array(BOX)}, do_compression=True),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@settings(deadline=None, max_examples=300)
@given(damaged(VALID))
def test_damaged_files_are_read_or_refused(folder, drawn):
    name, content = drawn
    (folder / name).write_bytes(content)
    try:
        found = ProposalFile(folder / name)._loaded
    except ProposalFileError as error:
        found = str(error)
    if content == VALID[name]:
        assert BOX in [values.tolist() for values in found.values()]
    elif isinstance(found, str):
        assert found.startswith(str(folder / name))
    else:
        assert all(values.shape[1] == 4 and np.isfinite(values).all() for values in found.values())
