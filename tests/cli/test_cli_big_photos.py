"""What a big photo will take is said before, where it is much; a bar shows how far it is."""

import re

import numpy as np
import pytest

import minircnn.cli.big_photos as big_module
from minircnn.cli import main
from minircnn.cli.big_photos import (
    note_big_photos,
    note_full_size,
    search_bar,
    sizes_of_dataset,
    sizes_of_files,
)
from minircnn.cli.running import open_detector
from minircnn.data import Scenes
from minircnn.detectors import ImageScale, save_detector
from minircnn.imaging import write_image
from minircnn.proposals import SelectiveSearch, SlidingWindow, watched_search
from minircnn.proposals.watching import Steps


@pytest.fixture
def wide(tmp_path):
    """A photo twice as wide as the working size."""
    photo = np.zeros((40, 2000, 3), np.uint8)
    photo[10:30, 300:900] = 250, 200, 0
    write_image(tmp_path / "wide.png", photo)
    return tmp_path / "wide.png"


def test_the_largest_photo_is_told_of_if_it_takes_a_gigabyte(capsys):
    sizes = [("a.jpg", 6000, 8000), ("b.jpg", 500, 500), ("c.jpg", 3000, 4000)]
    note_big_photos(SelectiveSearch(), sizes, "--max-width")
    said = capsys.readouterr().err
    assert "a.jpg has 48 megapixels: selective search will take about 15.8 GB and 5 minutes" in said
    assert "--max-width 1000 needs 0.2 GB and 4 s" in said
    note_big_photos(SelectiveSearch(max_width=1000), sizes, "--max-width")
    note_big_photos(SelectiveSearch(), sizes[1:2], "--max-width")
    note_big_photos(SlidingWindow(), sizes, "--max-width")
    note_big_photos(SelectiveSearch(), [], "--max-width")
    assert capsys.readouterr().err == ""
    note_big_photos(SelectiveSearch(max_width=1000), [("tower", 9000, 500)], "--max-width")
    note_big_photos(SelectiveSearch(max_width=1000), [("tower", 90000, 500)], "--max-width")
    assert "tower has 45 megapixels" in (said := capsys.readouterr().err)
    assert "--max-width 1000" not in said  # it would not help


def test_sizes_come_from_headers_and_annotations(wide, tmp_path):
    (tmp_path / "broken.jpg").write_text("no photo")
    assert list(sizes_of_files([wide, tmp_path / "broken.jpg", tmp_path / "none.jpg"])) == [
        (str(wide), 40, 2000)
    ]
    scenes = Scenes("test", count=2, size=96, heights=(20, 48))
    assert list(sizes_of_dataset(scenes)) == [(name, 96, 96) for name in scenes.image_ids]


@pytest.mark.parametrize("command", ["detect", "explain", "propose"])
def test_commands_say_what_a_big_photo_will_take_and_the_option_makes_it_less(
    command, wide, workspace, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(big_module, "_MUCH", 1e7)
    detector = open_detector(workspace / "fast")
    model = tmp_path / "old.safetensors"  # of a version that searched photos as they are
    detector.proposer = SelectiveSearch("single", min_size=5)
    save_detector(model, detector)
    full = ["--mode", "single", "--max-width", "none"] if command == "propose" else []
    call = [command, *([] if command == "propose" else [model]), wide, "--out", tmp_path / "out"]
    assert main([str(word) for word in [*call, *full]]) == 0
    said = capsys.readouterr().err
    assert "wide.png has 0.08 megapixels" in said
    assert "--max-width 1000 needs" in said
    smaller = ["--overwrite", "--max-width", "1000"]
    assert main([str(word) for word in [*call, *full[:2], *smaller]]) == 0
    assert "selective search will take" not in capsys.readouterr().err


def test_propose_draws_the_hierarchy_of_a_shrunk_photo(wide, tmp_path):
    assert main(["propose", str(wide), "--out", str(tmp_path / "out"), "--mode", "single"]) == 0
    assert (tmp_path / "out" / "wide.hierarchy.png").is_file()


def test_the_width_of_the_search_can_be_chosen_for_a_stored_detector(workspace, tmp_path):
    assert open_detector(workspace / "fast").proposer.max_width == 1000
    assert open_detector(workspace / "fast", max_width=300).proposer.max_width == 300
    with pytest.raises(ValueError, match="--max-width must be 1 or more, got 0"):
        open_detector(workspace / "fast", max_width=0)


def test_the_bar_follows_one_search_after_the_other(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, **options):
            self.n, self.total, self.closed = 0, total, False
            assert options["delay"] >= 1
            bars.append(self)

        def update(self, more):
            self.n += more

        def close(self):
            self.closed = True

    monkeypatch.setattr(big_module, "progress_bar", Bar)
    with search_bar("a.jpg"):
        assert bars == []
        for total in (2, 3):
            steps = Steps(total)
            for _ in range(total):
                steps.step()
    assert [(bar.n, bar.total, bar.closed) for bar in bars] == [(2, 2, True), (3, 3, True)]
    with watched_search(lambda done, total: None):
        Steps(1).step()
    assert len(bars) == 2


def test_a_network_that_takes_photos_at_full_size_is_told_of(workspace, capsys):
    detector = open_detector(workspace / "fast")
    assert detector.scale.short_side is None
    sizes = [("a.jpg", 6000, 8000), ("b.jpg", 500, 500)]
    note_full_size(detector, sizes, "cpu")
    memory = re.search(r"a.jpg has 48 megapixels.* about (\S+) GB", capsys.readouterr().err)
    assert 2 < float(memory[1]) < 10
    note_full_size(detector, sizes[1:], "cpu")
    note_full_size(detector, [], "cpu")
    note_full_size(detector, sizes, "cuda")
    detector.scale = ImageScale(600)
    note_full_size(detector, sizes, "cpu")
    note_full_size(open_detector(workspace / "rcnn"), sizes, "cpu")
    assert capsys.readouterr().err == ""
