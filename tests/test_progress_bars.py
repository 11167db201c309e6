"""A progress bar that is lost does not end the work."""

import io
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from minircnn import progress
from minircnn.progress import duration, progress_bar, watched


def work_through(**options):
    return list(progress_bar(iter(range(5)), total=5, desc="work", mininterval=0, miniters=1, **options))


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", buffering=1)


def ascii_only():
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)


STREAMS = {
    "none": lambda: None,
    "closed": closed,
    "full": lambda: Path("/dev/full").open("w", buffering=1),  # noqa: SIM115
    "without reader": without_reader,
    "ascii": ascii_only,
}


@pytest.mark.parametrize("kind", STREAMS)
def test_the_work_is_done_without_the_bar(kind, monkeypatch):
    if kind == "full" and not os.path.exists("/dev/full"):
        pytest.skip("this system has no full device")
    stream = STREAMS[kind]()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        assert work_through() == [0, 1, 2, 3, 4]
        with progress_bar(total=2) as bar:
            bar.update()
            bar.set_postfix({"λ": "1"})
    with suppress(OSError, AttributeError):
        stream.close()


def test_the_bar_is_shown_where_it_can(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert work_through() == [0, 1, 2, 3, 4]
    assert "work: 100%" in stream.getvalue()
    stream.truncate(0)
    assert work_through(show=False) == [0, 1, 2, 3, 4]
    assert not stream.getvalue().strip("\0")


def test_all_bars_are_made_here():
    package = Path(progress.__file__).parent
    users = {path.name for path in package.rglob("*.py") if "import tqdm" in path.read_text("utf-8")}
    assert users == {"progress.py"}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (89, "89 s"), (420, "7 minutes"), (5400, "1.5 hours")]
)
def test_a_duration_is_said_as_exactly_as_it_is_known(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("each", "total", "said"),
    [
        (2.0, 500, "work: 500 photos, about 17 minutes"),
        (60.0, 1500, "work: 1,500 photos, about 25.0 hours"),
        (0.001, 500, None),  # done before it could be said
        (2.0, 20, None),  # not worth it
    ],
)
def test_long_work_is_announced_once_after_the_first_results(each, total, said, caplog):
    now = [0.0]

    def work():
        for number in range(total):
            now[0] += each
            yield number

    how = {"title": "work", "unit": "photo", "total": total, "clock": lambda: now[0]}
    with caplog.at_level("INFO", logger="minircnn"):
        results = watched(work(), **how)
        first = [next(results) for _ in range(min(6, total))]
        assert caplog.messages == ([said] if said else [])
        assert [*first, *results] == list(range(total))
        assert caplog.messages == ([said] if said else [])
        caplog.clear()
        assert list(watched(work(), show=False, **how)) == list(range(total))
        assert not caplog.messages


def test_what_was_done_before_is_no_work(caplog):
    now = iter(range(0, 10_000, 5))
    how = {"title": "work", "unit": "photo", "total": 100, "initial": 60, "clock": lambda: float(next(now))}
    with caplog.at_level("INFO", logger="minircnn"):
        list(watched(range(40), **how))
    assert caplog.messages == ["work: 40 photos, about 3 minutes"]


def test_what_is_announced_does_not_stand_behind_a_bar(monkeypatch, caplog):
    stream, now = io.StringIO(), iter(range(0, 10_000, 60))
    monkeypatch.setattr(sys, "stderr", stream)
    handler = logging.StreamHandler(stream)
    logging.getLogger("minircnn").addHandler(handler)
    try:
        with caplog.at_level("INFO", logger="minircnn"):
            how = {"title": "work", "unit": "photo", "total": 9, "clock": lambda: float(next(now))}
            list(watched(range(9), **how))
    finally:
        logging.getLogger("minircnn").removeHandler(handler)
    assert "\rwork: 9 photos, about 9 minutes\n" in stream.getvalue()
