"""NumPy's files: the arrays, or an error before memory is taken."""

import io
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from minircnn.array_files import decode_npy, read_npy, read_npz


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


NUMBERS = np.arange(12.0).reshape(3, 4)


def write(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members of one name
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("array", [NUMBERS, NUMBERS.T, np.float32(3), np.zeros((0, 4)), np.ones(3, bool)])
def test_what_numpy_writes_is_read(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", one=array, **{"x/2": NUMBERS})
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == ["one", "x/2"]
    np.testing.assert_array_equal(found["one"], array)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "is empty"),
        (b"some text", "does not begin like"),
        (npy(NUMBERS)[:-1], "promises 96 bytes of numbers, 95 follow"),
        (npy(NUMBERS) + b"\0", "promises 96 bytes of numbers, 97 follow"),
        (npy(NUMBERS).replace(b"(3, 4)", b"(3e4)"), "shape"),
        (npy(np.array([{}]), allow_pickle=True), "holds Python objects"),
        (npy(NUMBERS)[:6] + b"\x09" + npy(NUMBERS)[7:], r"magic|version"),
        (npy(NUMBERS)[:20], "EOF|expected|reading"),
    ],
)
def test_what_is_no_array_is_refused(payload, words):
    with pytest.raises(ValueError, match=words):
        decode_npy(payload)


def test_a_header_takes_no_memory(tmp_path):
    huge = npy(NUMBERS).replace(b"(3, 4), }      ", b"(9999999999,), }")[:140]
    write(tmp_path / "a.npz", [("w.npy", huge)])
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"member 'w\.npy': the header promises"):
        read_npz(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("readme.txt", b"hello")], r"member 'readme\.txt' is no \.npy array"),
        ([("a.npy", b"hello")], r"member 'a\.npy': does not begin like"),
        ([("a.npy", npy(NUMBERS)), ("a.npy", npy(NUMBERS))], r"'a\.npy' is there twice"),
    ],
)
def test_every_member_is_an_array_of_its_own(tmp_path, members, words):
    with pytest.raises(ValueError, match=words):
        read_npz(write(tmp_path / "a.npz", members))


def test_archives_out_of_proportion_are_refused(tmp_path, monkeypatch):
    zeros = write(tmp_path / "zeros.npz", [("w.npy", npy(np.zeros(10**6)))])
    assert not read_npz(zeros)["w"].any()
    monkeypatch.setattr("minircnn.array_files.FREE_EXPANSION", 10**5)
    with pytest.raises(ValueError, match="out of all proportion"):
        read_npz(zeros)


def test_a_member_promises_no_more_than_the_file_holds(tmp_path):
    """That much would be asked of the memory before the first byte is read."""
    path = write(tmp_path / "a.npz", [("a.npy", npy(np.ones(3)))], zipfile.ZIP_STORED)
    payload = bytearray(path.read_bytes())
    payload[payload.index(b"PK\x01\x02") + 23] = 9  # the highest byte of the compressed size
    path.write_bytes(payload)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"member 'a\.npy' promises \d+ bytes, more than there are"):
        read_npz(path)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()
