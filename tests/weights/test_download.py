"""Downloads from a server on this machine: whole, broken off, resumed, refused, exchanged."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from minircnn.cli import main
from minircnn.weights import CATALOGUE, FetchError, PublishedWeights, WeightsError, fetch, open_weights
from minircnn.weights import download as module

CONTENT = bytes(range(256)) * 3000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Sends CONTENT as `way` says, and notes from where on it was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.way, self.asked = "ranges", []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        way = self.server.way
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match else None
        self.server.asked.append(start)
        if way == "missing":
            self.send_error(404)
            return
        content = {"other": CONTENT[::-1], "endless": CONTENT * 3}.get(way, CONTENT)
        if start is None or way == "no ranges":
            start = 0
            self.send_response(200)
        elif start >= len(content):
            self.send_error(416)
            return
        else:
            self.send_response(206)
            first = 5 if way == "wrong range" else start
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if way != "no length":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + 500_000] if way == "breaks" else content[start:])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def published(server, monkeypatch):
    url = f"http://127.0.0.1:{server.server_port}/net-{DIGEST[:8]}.pth"
    known = PublishedWeights("tiny", url, DIGEST[:8], len(CONTENT), "here", "none")
    monkeypatch.setitem(CATALOGUE, "net", known)
    return known


def test_a_file_is_downloaded_once(server, published, tmp_path, capsys):
    for _ in range(2):
        path = fetch("net", tmp_path / "new")
        assert path == tmp_path / "new" / published.file_name
        assert path.read_bytes() == CONTENT
    assert server.asked == [None]
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]
    assert "known_hash" not in capsys.readouterr().err  # pooch's advice


def test_a_broken_download_goes_on_where_it_stopped(server, published, tmp_path):
    server.way = "breaks"
    part = tmp_path / f"{published.file_name}.part"
    with pytest.raises(FetchError, match=r"kept \([\d,]+ bytes\): the same call goes on from there"):
        fetch("net", tmp_path)
    size = part.stat().st_size
    assert 500_000 - (1 << 16) < size <= 500_000
    assert part.read_bytes() == CONTENT[:size]
    server.way = "ranges"
    assert fetch("net", tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, size]
    assert not part.exists()


@pytest.mark.parametrize("way", ["no ranges", "no length"])
@pytest.mark.parametrize("there", [0, 1000])
def test_servers_that_know_less_are_understood(server, published, tmp_path, way, there):
    server.way = way
    (tmp_path / f"{published.file_name}.part").write_bytes(CONTENT[:there])
    assert fetch("net", tmp_path).read_bytes() == CONTENT


def test_a_range_that_was_not_asked_for_is_another_file(server, published, tmp_path):
    server.way = "wrong range"
    part = tmp_path / f"{published.file_name}.part"
    part.write_bytes(CONTENT[:1000])
    with pytest.raises(FetchError, match="are another file: their SHA-256 is wrong"):
        fetch("net", tmp_path)
    assert not part.exists()


def test_a_part_that_is_already_all_is_taken(server, published, tmp_path):
    (tmp_path / f"{published.file_name}.part").write_bytes(CONTENT)
    assert fetch("net", tmp_path).read_bytes() == CONTENT
    assert server.asked == [len(CONTENT)]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("missing", r"was not downloaded: the server answers 404 Not Found\. "),
        ("other", r"the 768,000 bytes that came are another file: their SHA-256 is wrong\. "),
        ("endless", "the server sends more than twice the 768,000 bytes expected"),
    ],
)
def test_what_is_refused_says_how_to_get_the_file_otherwise(server, published, tmp_path, way, words):
    server.way = way
    with pytest.raises(FetchError, match=words) as caught:
        fetch("net", tmp_path)
    assert str(caught.value).startswith(published.url)
    assert str(caught.value).endswith(f"put it there: {tmp_path / published.file_name}")
    assert not (tmp_path / published.file_name).exists()
    assert not (way == "missing" and any(tmp_path.iterdir()))


def test_without_a_connection_the_file_can_be_brought(server, published, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(FetchError, match="no connection to the server") as caught:
        fetch("net", tmp_path)
    place = str(caught.value).rpartition("put it there: ")[2]
    (tmp_path / published.file_name).write_bytes(CONTENT)
    assert str(fetch("net", tmp_path)) == place


def test_an_interrupted_download_keeps_what_came(server, published, tmp_path, monkeypatch):
    def stop_after_one_piece(self, response, bar):
        yield next(pieces(self, response, bar))
        raise KeyboardInterrupt

    pieces = module._Download.pieces
    monkeypatch.setattr(module._Download, "pieces", stop_after_one_piece)
    with pytest.raises(KeyboardInterrupt):
        fetch("net", tmp_path)
    monkeypatch.undo()
    monkeypatch.setitem(CATALOGUE, "net", published)
    size = (tmp_path / f"{published.file_name}.part").stat().st_size
    assert 0 < size < len(CONTENT)
    assert fetch("net", tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, size]


def test_another_file_in_the_place_is_not_taken_and_not_replaced(published, tmp_path):
    path = tmp_path / published.file_name
    path.write_bytes(b"mine")
    with pytest.raises(WeightsError, match=r"is not the published file, whose SHA-256 is \w+: delete it"):
        fetch("net", tmp_path)
    assert path.read_bytes() == b"mine"


def test_a_full_disk_is_said_as_such(server, published, tmp_path, monkeypatch):
    def full(path, pieces):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("minircnn.weights.download.files.append_pieces", full)
    with pytest.raises(OSError, match="No space left on device"):
        fetch("net", tmp_path)


def test_a_name_stands_for_its_fetched_file(published, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRCNN_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=r"net: no such file, .*: minircnn weights fetch net$"):
        open_weights("net")
    fetch("net")
    (tmp_path / "net").mkdir()
    with pytest.raises(WeightsError, match=rf"{published.file_name}: cannot be read"):  # it holds no tensors
        open_weights("net")


def test_another_file_in_the_place_is_not_used_either(published, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIRCNN_CACHE", str(tmp_path))
    (tmp_path / published.file_name).write_bytes(b"mine")
    with pytest.raises(WeightsError, match=r"is not the published file net, .*: delete it, then fetch it"):
        open_weights("net")
    assert main(["weights", "list", "--json"]) == 0
    (row,) = (row for row in json.loads(capsys.readouterr().out) if row["name"] == "net")
    assert row["file"] is None


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(
        WeightsError, match="no published weights are called 'vgg19'; there are squeezenet1_1"
    ):
        fetch("vgg19")


def test_the_catalogue_is_consistent():
    for name, known in CATALOGUE.items():
        assert known.backbone == name
        assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", known.sha256)
        assert known.file_name.endswith(f"-{known.sha256[:8]}.pth")
