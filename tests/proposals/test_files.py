import numpy as np
import pytest
from scipy.io import savemat

from minircnn.proposals import ProposalFile, ProposalFileError, write_proposals

BOXES = np.array([[0.0, 0, 10, 5], [3, 2, 40, 30]])
PHOTO = np.zeros((30, 40, 3), np.uint8)


def legacy(boxes, convention, y_first):
    """Half-open boxes as a file of another convention writes them."""
    shift = {"half-open": [0, 0, 0, 0], "inclusive-0based": [0, 0, -1, -1], "inclusive-1based": [1, 1, 0, 0]}
    written = boxes + shift[convention]
    return written[:, [1, 0, 3, 2]] if y_first else written


def write(path, boxes):
    if path.suffix == ".npz":
        np.savez(path, photo=boxes, none=np.zeros((0, 4)))
    elif path.suffix == ".npy":
        np.save(path, boxes)
    elif path.suffix == ".csv":
        lines = ["image_id,x1,y1,x2,y2"] + ["photo," + ",".join(str(v) for v in b) for b in boxes]
        path.write_text("\n".join(lines) + "\n")
    else:
        cell, names = np.empty((1, 2), object), np.empty((2, 1), object)
        cell[0, 0], cell[0, 1] = boxes, np.zeros((0, 4))
        names[0, 0], names[1, 0] = "photo", "none"
        savemat(path, {"boxes": cell, "images": names})


@pytest.mark.parametrize("ending", [".npz", ".npy", ".csv", ".mat"])
@pytest.mark.parametrize("convention", ["half-open", "inclusive-0based", "inclusive-1based"])
@pytest.mark.parametrize("y_first", [False, True])
def test_every_kind_and_convention(tmp_path, ending, convention, y_first):
    path = tmp_path / f"photo{ending}"
    write(path, legacy(BOXES, convention, y_first).astype(np.uint16))
    proposer = ProposalFile(path, convention, y_first)
    found = proposer.propose(PHOTO, image_id="photo")
    np.testing.assert_array_equal(found, BOXES)
    assert found.dtype == np.float32
    if ending in (".npz", ".mat"):
        assert proposer.propose(PHOTO, image_id="none").shape == (0, 4)


def test_folder_and_single_photo_names(tmp_path):
    np.save(tmp_path / "a_boxes.npy", BOXES)
    (tmp_path / "b.csv").write_text("x1,y1,x2,y2\n0,0,10,5\n")
    savemat(tmp_path / "c_boxes.mat", {"boxes": BOXES})
    folder = ProposalFile(tmp_path)
    assert [len(folder.propose(PHOTO, image_id=i)) for i in "abc"] == [2, 1, 2]
    assert len(ProposalFile(str(tmp_path / "a_boxes.npy")).propose(PHOTO)) == 2
    with pytest.raises(ProposalFileError, match="no boxes for photo 'd'"):
        folder.propose(PHOTO, image_id="d")


def test_write_and_read_back(tmp_path):
    proposals = {"file": BOXES.astype(np.float32), "x/1": np.zeros((0, 4), np.float32)}
    write_proposals(tmp_path / "p.npz", proposals)
    proposer = ProposalFile(tmp_path / "p.npz")
    for image_id, boxes in proposals.items():
        np.testing.assert_array_equal(proposer.propose(PHOTO, image_id=image_id), boxes)
    for path in ("p.csv", "p.npz/such.npz"):
        with pytest.raises(ProposalFileError, match=path):
            write_proposals(tmp_path / path, proposals)


def test_mistakes_name_file_photo_and_box(tmp_path):
    cases = {
        "reversed": ([[0, 0, 5, 5], [9, 0, 5, 5]], "box 1"),
        "empty": ([[5, 5, 5, 9]], "box 0"),
        "nan": ([[0, 0, np.nan, 9]], "not finite"),
        "columns": ([[0, 0, 5, 5, 0.9]], r"\(1, 5\)"),
    }
    for name, (boxes, words) in cases.items():
        np.savez(tmp_path / f"{name}.npz", **{"my photo": np.array(boxes, float)})
        with pytest.raises(ProposalFileError, match=words) as report:
            ProposalFile(tmp_path / f"{name}.npz")
        assert f"{name}.npz" in str(report.value)
        assert "my photo" in str(report.value)


def test_boxes_of_another_photo_are_noticed(tmp_path):
    np.savez(tmp_path / "p.npz", a=[[0, 0, 41, 30]], b=[[0, 0, 40.3, 30]])
    proposer = ProposalFile(tmp_path / "p.npz")
    with pytest.raises(ProposalFileError, match=r"photo 'a': box 0 .* 40×30 pixels"):
        proposer.propose(PHOTO, image_id="a")
    np.testing.assert_array_equal(proposer.propose(PHOTO, image_id="b"), [[0, 0, 40, 30]])
    with pytest.raises(ProposalFileError, match="no boxes for photo 'c'; the file has a, b"):
        proposer.propose(PHOTO, image_id="c")


def test_broken_files_are_named(tmp_path):
    (tmp_path / "a.npz").write_text("not a zip")
    (tmp_path / "b.csv").write_text("x1,y1\n1,2\n")
    (tmp_path / "c.csv").write_text("x1,y1,x2,y2\n1,2,3,4\n1,2,three,4\n")
    (tmp_path / "d.mat").write_text("?")
    (tmp_path / "e.txt").write_text("?")
    np.save(tmp_path / "f.npy", np.array([{"a": 1}]), allow_pickle=True)
    savemat(tmp_path / "g.mat", {"other": 1})
    words = {"a.npz": "cannot be read", "b.csv": "lacks x2, y2", "c.csv": "line 3", "d.mat": "cannot be read"}
    words |= {"e.txt": "unknown kind", "f.npy": "cannot be read", "g.mat": "no variable", "h.npz": "no such"}
    for name, expected in words.items():
        with pytest.raises(ProposalFileError, match=expected) as report:
            ProposalFile(tmp_path / name)
        assert name in str(report.value)
    with pytest.raises(ValueError, match="convention must be one of"):
        ProposalFile(tmp_path, "1-based")


def test_the_original_demo_boxes(shared_data):
    folder = ProposalFile(shared_data / "demo_voc2007", "inclusive-0based")
    photo = np.zeros((406, 500, 3), np.uint8)
    boxes = folder.propose(photo, image_id="000004")
    assert boxes.shape == (2888, 4)
    np.testing.assert_array_equal(boxes.max(axis=0)[2:], [500, 406])
    matlab = ProposalFile(shared_data / "demo_voc2007/000004_boxes.mat", "inclusive-0based")
    np.testing.assert_array_equal(matlab.propose(photo), boxes)
