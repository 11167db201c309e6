"""A closed terminal, a full disk, a reader that left and a small encoding end no work and are told."""

import io
import os
import signal
import subprocess
import sys

import pytest

from minircnn.cli import main
from minircnn.cli.errors import run_guarded
from minircnn.cli.output import note
from minircnn.cli.streams import GuardedStream, guarded_streams
from minircnn.training import loop

CHECK = ["gradcheck", "--elements", "1"]


class Failing(io.StringIO):
    """A stream into which nothing can be written."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


FULL = OSError(28, "No space left on device")
GONE = BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("stream", [None, Failing(FULL), Failing(GONE)], ids=["closed", "full", "gone"])
def test_a_lost_standard_error_costs_nothing(stream, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(CHECK) == 0
    assert "Conv2d" in capsys.readouterr().out
    assert main(["nonsense"]) == 2


@pytest.mark.parametrize(
    ("stream", "words"),
    [(None, "it is closed"), (Failing(FULL), "No space left"), (Failing(GONE), "")],
    ids=["closed", "full", "gone"],
)
@pytest.mark.parametrize("command", [CHECK, ["--version"], ["train", "--help"]], ids=" ".join)
def test_a_result_that_could_not_be_printed_is_no_success(command, stream, words, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(command) == 1
    complaint = capsys.readouterr().err
    assert words in complaint
    assert ("could not be printed" in complaint) == bool(words)
    assert "Traceback" not in complaint


def test_what_follows_a_failed_print_is_still_done(capsys, monkeypatch):
    done = []

    def command():
        print("the table")
        done.append("the file")

    monkeypatch.setattr(sys, "stdout", Failing(FULL))
    with guarded_streams():
        assert run_guarded(command) == 0
    assert done == ["the file"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "koi8-r", "utf-16"])
def test_characters_that_an_encoding_lacks_are_spelled_out(encoding, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert main(["train", "fast-rcnn", "--help"]) == 0
    assert main(CHECK) == 0
    with guarded_streams():
        print("λ ≥ 3 × 4, photo \udcff.jpg, 犬")
        note("λ ≥ 3 × 4, photo \udcff.jpg, 犬")
    last = written.getvalue().decode(encoding).splitlines()[-1]
    assert last.replace("lambda", "λ").replace(">=", "≥").replace("x 4", "× 4") in (
        "λ ≥ 3 × 4, photo \\udcff.jpg, \\u72ac",
        "λ ≥ 3 × 4, photo \\udcff.jpg, 犬",
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&-", ">/dev/full", ">&- 2>&-"])
def test_the_shell_gets_the_same_answers(redirection):
    command = f"{sys.executable} -m minircnn --version {redirection}"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == (1 if redirection.startswith(">") else 0)
    assert ended.stderr.count("\n") == (
        redirection in (">&-", ">/dev/full")
    )  # one line, and none of Python's
    assert ended.stdout.startswith("0.") == redirection.startswith("2")


def test_a_guarded_stream_is_a_stream():
    behind = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    guarded = GuardedStream(behind)
    assert (guarded.encoding, guarded.isatty(), guarded.writable()) == ("utf-8", False, True)
    assert guarded.write("abc") == 3
    behind.close()
    assert guarded.write("abc") == 3
    assert isinstance(guarded.lost, ValueError)


SIGNALS = [
    (name, code)
    for name, code in [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]
    if hasattr(signal, name)
]


@pytest.mark.parametrize(("name", "code"), SIGNALS)
def test_signals_end_with_the_code_that_shells_give_them(name, code, capsys):
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run_guarded(lambda: signal.raise_signal(getattr(signal, name))) == code
    finally:
        signal.signal(signal.SIGINT, former)
    assert capsys.readouterr().err == "minircnn: error: interrupted\n"


@pytest.mark.parametrize(("name", "code"), SIGNALS)
def test_a_training_that_a_signal_stopped_ends_with_its_code(name, code, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "append_log", lambda *_: signal.raise_signal(getattr(signal, name)))
    out = tmp_path / "run"
    words = ["train", "fast-rcnn", "scenes", "--preset", "scenes-quick", "--photos", "3", "--jobs", "1"]
    assert main([*words, "--out", str(out)]) == code
    assert "training stopped at iteration 1 of 180" in capsys.readouterr().err


def test_other_processes_work_without_a_standard_error(workspace, tmp_path):
    detect = f"-m minircnn detect {workspace / 'fast'} {workspace / 'photos'} --out {tmp_path} --jobs 2"
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} {detect} 2>&-"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert "test_00001.png" in ended.stdout
    assert len(list(tmp_path.glob("*.json"))) == 2
