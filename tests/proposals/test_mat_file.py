"""Files of MATLAB: the variables that SciPy finds, or an error in words."""

import io
import struct

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from minircnn.proposals import ProposalFile, ProposalFileError
from minircnn.proposals.mat_file import read_mat

PHOTO = np.zeros((30, 40, 3), np.uint8)


BOX = [[1.5, 2, 11, 12]]


def boxes(path, image_id="photo"):
    return ProposalFile(path).propose(PHOTO, image_id=image_id).tolist()


def cells(*values):
    cell = np.empty((1, len(values)), object)
    cell[0, :] = values
    return cell


def saved(write, *arguments, **options):
    buffer = io.BytesIO()
    write(buffer, *arguments, **options)
    return buffer.getvalue()


def test_names_may_lie_in_cells_of_cells(tmp_path):
    inner = cells("photo")
    savemat(
        tmp_path / "a.mat", {"boxes": cells(np.array(BOX), np.zeros((0, 0))), "images": cells(inner, "none")}
    )
    assert boxes(tmp_path / "a.mat") == BOX
    assert boxes(tmp_path / "a.mat", "none") == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"boxes": cells(BOX, BOX), "images": cells("a", "a")}, "photo 'a' is there twice"),
        ({"boxes": cells(BOX, BOX), "images": cells("a", "")}, "images, cell 2 is no name of a photo"),
        ({"boxes": cells(BOX, BOX), "images": cells("a", 5.0)}, "images, cell 2 is no name of a photo"),
        ({"boxes": cells(BOX, BOX), "images": cells("a", cells("b", "c"))}, "cell 2 is no name of a photo"),
        ({"boxes": cells(BOX, BOX), "images": cells("a")}, "1 images but 2 sets of boxes"),
        ({"boxes": cells(BOX, "text"), "images": cells("a", "b")}, "photo 'b': boxes are not numbers"),
        ({"boxes": {"x": 1.0}}, "boxes are not numbers|images"),
        ({"boxes": np.array(BOX) * 1j}, "boxes are not numbers"),
        ({"boxes": "text"}, "boxes are not numbers"),
    ],
)
def test_matlab_files_that_are_not_clear_are_refused(tmp_path, variables, words):
    savemat(tmp_path / "a.mat", variables)
    with pytest.raises(ProposalFileError, match=rf"a\.mat.*{words}"):
        ProposalFile(tmp_path / "a.mat")


def test_new_matlab_files_are_named_as_such(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "a.mat").write_bytes(header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ProposalFileError, match=r"a\.mat: .* MATLAB 7\.3 file; save it with the option -v7"):
        ProposalFile(tmp_path / "a.mat")


CASES = {
    "whole numbers, stored in few bits": np.array([[0.0, 0, 300, 200], [1, 2, 3, 70000]]),
    "fractions": np.array([[0.5, 1, 2, 3]]),
    "single": np.array([[1.25, 2, 3, 4]], np.float32),
    "bytes": np.array([[1, 2, 3, 4]], np.uint8),
    "signed": np.array([[-1, 2, 3, 4], [1, 2, 3, 2**40]]),
    "nothing": np.zeros((0, 4)),
    "three axes": np.arange(24.0).reshape(2, 3, 4),
    "text": "Größe ☃",
}


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_variables_are_what_scipy_says(tmp_path, compressed):
    for name, expected in CASES.items():
        other = {"zzz": {"a": 1}, "q": np.eye(3) * 1j}  # kinds that are passed by
        savemat(tmp_path / "a.mat", {**other, "boxes": expected, "w": 1}, do_compression=compressed)
        found = read_mat(tmp_path / "a.mat", ("boxes", "images"))
        assert list(found) == ["boxes"], name
        if name == "text":
            assert found["boxes"] == expected
            continue
        np.testing.assert_array_equal(found["boxes"], loadmat(tmp_path / "a.mat")["boxes"])
        assert found["boxes"].dtype == expected.dtype


def test_matlab_files_of_big_endian_machines_are_read(tmp_path):
    def element(kind, values, form):
        data = struct.pack(f">{len(values)}{form}", *values)
        return struct.pack(">II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")

    parts = (
        element(6, [6, 0], "I")
        + element(5, [1, 4], "i")
        + element(1, b"boxes", "b")
        + element(9, BOX[0], "d")
    )
    content = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + struct.pack(">II", 14, len(parts)) + parts
    (tmp_path / "photo.mat").write_bytes(content)
    assert loadmat(tmp_path / "photo.mat")["boxes"].tolist() == BOX
    assert boxes(tmp_path / "photo.mat") == BOX


def test_one_wrong_length_in_a_matlab_file_ends_no_process(tmp_path):
    # SciPy 1.17 reads beyond its memory here
    content = bytearray(saved(savemat, {"boxes": cells(BOX, BOX), "images": cells("photo", "other")}))
    content[143] = 128
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ProposalFileError, match=r"a\.mat: cannot be read \(promises 2147483656 bytes"):
        ProposalFile(tmp_path / "a.mat")
