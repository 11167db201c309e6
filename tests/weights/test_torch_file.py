"""PyTorch's files: the arrays, or an error that names file and reason, in bounded time and memory."""

import io
import os
import pickle
import pickletools
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_files import archive, both_formats, dictionary, legacy, tensor, text, value

from minircnn.weights import WeightsError, read_weights

ARRAYS = {
    "conv1.weight": np.arange(6, dtype="<f4").reshape(2, 3),
    "conv1.bias": np.array([1.5, -2], "<f8"),
    "steps": np.array([3], "<i8"),
    "half": np.array([[0.5]], "<f2"),
}
ZIPPED, LEGACY = both_formats(ARRAYS)
ONE = tensor("0", "FloatStorage", 6, 0, (2, 3), (3, 1))
NUMBERS = ARRAYS["conv1.weight"].tobytes()


def read(tmp_path, content):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    return read_weights(path)


@pytest.mark.parametrize("content", [ZIPPED, LEGACY], ids=["zip", "legacy"])
def test_both_formats_are_read(tmp_path, content):
    found = read(tmp_path, content)
    assert list(found) == list(ARRAYS)
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype


def test_brain_floats_become_single_precision(tmp_path):
    exact = np.array([1.0, -2.5, 0.0, 3e38], "<f4")
    upper = (exact.view("<u4") >> 16).astype("<u2")
    made = dictionary({"w": tensor("0", "BFloat16Storage", 4, 0, (2, 2), (1, 2))})
    expected = (upper.astype("<u4") << 16).view("<f4").reshape(2, 2).T
    np.testing.assert_array_equal(read(tmp_path, archive(made, {"0": upper.tobytes()}))["w"], expected)


@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "model", "net"])
def test_tensors_are_found_in_the_dictionary_that_holds_them(tmp_path, name):
    """A checkpoint has more beside them: the epoch, say, or a loss."""
    inner = dictionary({"w": ONE}).removeprefix(b"\x80\x02").removesuffix(b".")
    made = dictionary({"epoch": value(3), name: inner, "loss": tensor("0", "FloatStorage", 6, 0, (1,), (1,))})
    assert list(read(tmp_path, archive(made, {"0": NUMBERS}))) == ["w"]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
def test_names_of_parallel_and_compiled_networks_are_their_own(tmp_path, prefix):
    made = dictionary({f"{prefix}conv.weight": ONE, f"{prefix}conv.bias": ONE})
    assert list(read(tmp_path, archive(made, {"0": NUMBERS}))) == ["conv.weight", "conv.bias"]
    made = dictionary({f"{prefix}conv.weight": ONE, "other": ONE})
    assert list(read(tmp_path, archive(made, {"0": NUMBERS}))) == [f"{prefix}conv.weight", "other"]


def test_an_ending_of_older_programs_is_known(tmp_path):
    (tmp_path / "best.pth.tar").write_bytes(ZIPPED)
    assert list(read_weights(tmp_path / "best.pth.tar")) == list(ARRAYS)


def nested(levels):
    """A tuple of two of the tuple before, and so on: hashing it takes 2^levels steps."""
    return b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(levels))


def pickled(body):
    return b"\x80\x02" + body + b"."


WRONG = {
    "a dictionary has a tuple as a key": pickled(b"}" + nested(60) + b"Ns"),
    "a dictionary has a float as a key": pickled(b"}G" + struct.pack(">d", 1.0) + b"Ns"),
    "a dictionary has a int as a key": pickled(b"}" + value(2**61 - 1) + b"Ns"),
    "has the key 'a' twice": pickled(b"}(" + 2 * (text("a") + ONE) + b"u"),
    "where a str belongs": pickled(b"}" + text("w") + ONE.replace(text("0"), nested(60)) + b"s"),
    "asks for os.system": pickled(b"cos\nsystem\n" + text("true") + b"\x85R"),
    "asks for builtins.eval": pickled(text("builtins") + text("eval") + b"\x93"),
    "instruction NEWOBJ": pickled(b"ccollections\nOrderedDict\n)\x81"),
    "instruction INST": pickled(b"(icollections\nOrderedDict\n"),
    "instruction OBJ": pickled(b"(ccollections\nOrderedDict\no"),
    "instruction EXT1": pickled(b"\x82\x01"),
    "instruction EMPTY_SET": pickled(b"\x8f"),
    "has a _Name where a dict belongs": pickled(
        b"ctorch._utils\n_rebuild_tensor_v2\nN}" + text("__defaults__") + b"Ns\x86b"
    ),
    "damaged at instruction": pickled(b"h\x05"),
    "no dictionary of tensors": pickled(b"]"),
    "has the number 3 as a name": pickled(b"}" + value(3) + ONE + b"s"),
    "unknown kind ComplexFloatStorage": pickled(
        b"}" + text("w") + ONE.replace(b"ctorch\nFloatStorage\n", text("ComplexFloatStorage")) + b"s"
    ),
    "another number of strides": dictionary({"w": tensor("0", "FloatStorage", 6, 0, (2, 3), (1,))}),
    "holds 24 bytes, not 7 numbers": dictionary({"w": tensor("0", "FloatStorage", 7, 0, (2, 3), (3, 1))}),
    "data/9 are not in the archive": dictionary({"w": tensor("9", "FloatStorage", 6, 0, (2, 3), (3, 1))}),
    "said to be FloatStorage and IntStorage": dictionary(
        {"w": ONE, "v": tensor("0", "IntStorage", 6, 0, (2, 3), (3, 1))}
    ),
    "pickle exhausted": b"\x80\x02}",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_no_weights_need_is_refused(tmp_path, words):
    with pytest.raises(WeightsError, match=rf"w\.pth: cannot be read \(.*{words}"):
        read(tmp_path, archive(WRONG[words], {"0": NUMBERS}))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (3, (2, 2), (2, 1)),
        (-1, (2,), (1,)),
        (0, (100,), (0,)),
        (5, (2,), (-1,)),
        (0, (2**62, 2**62), (0, 0)),
        (0, (-1, 0), (1, 1)),
        (2**70, (1,), (1,)),
        (0, (0, 2**62, 2**62), (1, 1, 1)),
        (0, (1,) * 70, (1,) * 70),
    ],
)
def test_a_tensor_stays_within_its_numbers(tmp_path, offset, shape, strides):
    made = dictionary({"w": tensor("0", "FloatStorage", 6, offset, shape, strides)})
    with pytest.raises(WeightsError, match=r"w\.pth: cannot be read"):
        read(tmp_path, archive(made, {"0": NUMBERS}))


def test_compressed_members_are_refused(tmp_path):
    bomb = archive(dictionary({"w": ONE}), {"0": bytes(10**7)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="members are compressed; PyTorch stores them"):
        read(tmp_path, bomb)


def test_members_that_share_their_bytes_are_refused(tmp_path):
    # each of 50 entries of the directory points at the same megabyte
    content = archive(dictionary({"w": ONE}), {"0": bytes(10**6)})
    at = content.rindex(b"PK\x01\x02")
    entry = content[at : content.index(b"PK\x05\x06")]
    end = bytearray(content[content.index(b"PK\x05\x06") :])
    copies = [entry.replace(b"data/0", b"data/" + bytes([c])) for c in range(65, 115)]
    struct.pack_into("<HH", end, 8, 52, 52)
    struct.pack_into("<I", end, 12, struct.unpack_from("<I", end, 12)[0] + sum(map(len, copies)))
    with pytest.raises(WeightsError, match="members are larger than the file"):
        read(tmp_path, content[: content.index(b"PK\x05\x06")] + b"".join(copies) + bytes(end))


def test_two_members_of_one_name_are_refused(tmp_path):
    buffer = io.BytesIO(archive(dictionary({"w": ONE}), {"0": NUMBERS}))
    with zipfile.ZipFile(buffer, "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("w/data/0", bytes(24))
    with pytest.raises(WeightsError, match="'w/data/0' is there twice"):
        read(tmp_path, buffer.getvalue())


OLD = dictionary({"w": tensor("0", "FloatStorage", 6, 0, (2, 3), (3, 1), b"N")})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (legacy(OLD, {"0": (2**62, NUMBERS)}), "more than the file holds"),
        (legacy(OLD, {"0": (-1, NUMBERS)}), "more than the file holds"),
        (legacy(OLD, {"0": (6, NUMBERS[:-1])}), "more than the file holds"),
        (legacy(OLD, {"0": (5, NUMBERS)}), "beyond its numbers"),
        (legacy(OLD, {"7": (6, NUMBERS)}), "belong to no tensor"),
        (legacy(OLD, {}), "refers to numbers that are not in the file"),
        (legacy(dictionary({}), {}).replace(b"P\x19", b"Q\x19"), "is no PyTorch file"),
        (pickle.dumps({"a": 1}, 2), "is no PyTorch file"),
        (legacy(OLD, {"0": (6, NUMBERS)})[:40], "cannot be read"),
    ],
)
def test_old_files_hold_what_they_promise(tmp_path, content, words):
    with pytest.raises(WeightsError, match=words):
        read(tmp_path, content)


def test_a_pickle_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("minircnn.weights.tensor_pickle.MOST_INSTRUCTIONS", 1000)
    with pytest.raises(WeightsError, match="more than 1000 instructions"):
        read(tmp_path, archive(pickled(b"}" * 2000), {}))


def test_reading_does_not_change_the_reader(tmp_path):
    state = b"N}" + text("__defaults__") + value((1,)) + b"s\x86b"
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        with pytest.raises(WeightsError, match="_Name where a dict belongs"):
            read(tmp_path, archive(pickled(b"ctorch._utils\n" + name.encode() + b"\n" + state), {}))
    assert len(read(tmp_path, ZIPPED)) == len(ARRAYS)


def outcome(path, content):
    """The arrays, or the error's words."""
    path.write_bytes(content)
    try:
        return read_weights(path)
    except WeightsError as error:
        return str(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutants")


PLACES = st.floats(0, 1, exclude_max=True)
mutants = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@mutants
@given(
    st.sampled_from([ZIPPED, LEGACY]),
    st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=4),
    st.floats(0.0, 1.0) | st.just(1.0),
)
def test_damaged_files_are_read_or_refused(folder, content, changes, share):
    damaged = bytearray(content)
    for place, byte in changes:
        damaged[int(place * len(damaged))] = byte
    damaged = bytes(damaged[: int(share * len(damaged))])
    tracemalloc.start()
    found = outcome(folder / "w.pth", damaged)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6
    assert isinstance(found, dict) or found.startswith(str(folder / "w.pth"))
    if damaged == content:
        for name, expected in ARRAYS.items():
            np.testing.assert_array_equal(found[name], expected)


OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
PIECES = [
    *OPCODES,
    b"cos\nmkdir\n",
    text("trap"),
    b"\x85R",
    nested(40),
    b"K\x05",
    ONE,
    text("w"),
    b"Ns",
    b"u",
]


@mutants
@given(
    st.booleans(),
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from(PIECES), st.integers(0, 3)), max_size=5
    ),
)
def test_edited_instructions_run_nothing(folder, zipped, edits):
    made = dictionary({"w": ONE if zipped else tensor("0", "FloatStorage", 6, 0, (2, 3), (3, 1), b"N")})
    for place, piece, drop in edits:
        at = int(place * len(made))
        made = made[:at] + piece + made[at + drop :]
    content = archive(made, {"0": NUMBERS}) if zipped else legacy(made, {"0": (6, NUMBERS)})
    before = set(os.listdir("."))
    found = outcome(folder / "w.pth", content)
    assert isinstance(found, dict) or found.startswith(str(folder / "w.pth"))
    assert set(os.listdir(".")) == before
