"""The log of a training, whole and torn."""

import json

import pytest

from minircnn.training import LogError, read_log
from minircnn.training.log import append_log, trim_log


def record(iteration):
    return {"iteration": iteration, "loss": 1 / iteration}


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "train.log.jsonl"
    for iteration in (1, 2, 3):
        append_log(path, record(iteration))
    return path


def test_what_was_appended_is_read(log):
    assert read_log(log) == [record(1), record(2), record(3)]
    assert read_log(log.with_name("none")) == []


@pytest.mark.parametrize(
    "tail", [b"\n", b"{", b'{"iteration": 4, "lo', b'{"iteration"', b"\xff\xfe", b"\0\0\0\0", b"[4]", b"4"]
)
def test_a_torn_last_line_is_dropped_and_goes_at_the_next_start(log, tail):
    whole = log.read_bytes()
    log.write_bytes(whole + tail)
    assert read_log(log) == [record(1), record(2), record(3)]
    trim_log(log, 3)
    assert log.read_bytes() == whole


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_log_cut_anywhere_is_read(log, cut):
    log.write_bytes(log.read_bytes()[:-cut])
    kept = read_log(log)
    assert kept in ([record(1), record(2)], [record(1), record(2), record(3)])
    trim_log(log, 3)
    append_log(log, record(4))
    assert read_log(log) == [*kept, record(4)]


def test_lines_after_the_checkpoint_are_dropped(log):
    trim_log(log, 1)
    assert read_log(log) == [record(1)]


@pytest.mark.parametrize(
    "line",
    ["{", "null", "[]", "5", "hello", '{"loss": 1}', '{"iteration": "2"}', '{"iteration": 2, "loss": {}}'],
)
def test_a_foreign_line_in_the_middle_is_named_and_the_mend_works(log, line):
    lines = log.read_text().splitlines()
    lines[1] = line
    log.write_text("\n".join(lines) + "\n")
    for use in (read_log, lambda path: trim_log(path, 3)):
        with pytest.raises(LogError, match=r"train\.log\.jsonl, line 2: .*; remove this line"):
            use(log)
    del lines[1]
    log.write_text("\n".join(lines) + "\n")
    assert read_log(log) == [record(1), record(3)]


def test_every_line_is_json(log):
    assert [json.loads(line)["iteration"] for line in log.read_text().splitlines()] == [1, 2, 3]
