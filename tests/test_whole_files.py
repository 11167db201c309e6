"""Files are written whole or not at all; text is read whatever its encoding."""

import errno
import os

import pytest

from minircnn import files


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    files.write_text(path, "first")
    assert files.write_text(path, "λ") == path
    assert path.read_text("utf-8") == "λ"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("operation", ["open", "write", "fsync", "replace"])
def test_a_failure_at_any_operation_leaves_the_old_file(tmp_path, monkeypatch, operation):
    path = files.write_text(tmp_path / "file.txt", "old")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere.partial")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, operation, full)
        with pytest.raises(OSError, match="No space left") as caught:
            files.write_text(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda handle, data: write(handle, data[:3]))
    assert files.write_bytes(tmp_path / "f", b"0123456789").read_bytes() == b"0123456789"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    files.write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_lines_are_appended(tmp_path):
    files.append_line(tmp_path / "log", "a")
    files.append_line(tmp_path / "log", "b")
    assert (tmp_path / "log").read_text() == "a\nb\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_byte_order_mark_is_read(tmp_path, encoding):
    path = tmp_path / "list.txt"
    path.write_bytes("façade 1\r\n".encode(encoding))
    assert files.read_text(path) == "façade 1\r\n"


@pytest.mark.parametrize("payload", [b"fa\xe7ade", "façade".encode("utf-16-le"), b"\xef\xbb\xbf\xff"])
def test_other_text_is_refused_by_name(tmp_path, payload):
    path = tmp_path / "list.txt"
    path.write_bytes(payload)
    with pytest.raises(files.TextError, match=r"list\.txt.*save it as UTF-8"):
        files.read_text(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe"):
        files.read_text(tmp_path / "pipe")
