"""A GPU is tried before any work, and what it lacks is said in one line, with the mend."""

import sys

import numpy as np
import pytest

from minircnn import load_detector, pretrained
from minircnn.arrays import device_namespace
from minircnn.cli import main
from minircnn.data import Scenes, export_voc

NEEDED = "pip install 'minircnn[cuda13]' or 'minircnn[cuda12]', as nvidia-smi says"


def refusal():
    with pytest.raises(RuntimeError) as caught:
        device_namespace("cuda")
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def double(double_of_cupy, monkeypatch):
    """The stand-in, whatever was tried before."""
    monkeypatch.setattr("minircnn.arrays._tried_cupy", None)
    return double_of_cupy


def failing(error):
    def function(*_, **__):
        raise error

    return function


def test_the_cpu_needs_nothing():
    assert device_namespace("cpu") is np


def test_a_gpu_that_computes_is_taken(double):
    assert device_namespace("cuda") is double


@pytest.mark.usefixtures("no_cupy")
def test_without_cupy():
    assert refusal() == f"device 'cuda' needs CuPy: {NEEDED} (or use device 'cpu')"


@pytest.mark.usefixtures("no_cupy")
def test_cupy_that_cannot_be_imported(tmp_path, monkeypatch):
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart.so.13: no such file\\nmore of it')")
    monkeypatch.syspath_prepend(tmp_path)
    assert refusal() == (
        "device 'cuda': CuPy is installed, but its import fails (libcudart.so.13: no such file): uninstall "
        "all packages whose names begin with cupy, and install one of them again (or use device 'cpu')"
    )


def test_without_a_driver(double, monkeypatch):
    words = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
    monkeypatch.setattr(double.cuda.runtime, "getDeviceCount", failing(RuntimeError(words)))
    assert refusal() == (
        f"device 'cuda': CuPy finds no usable GPU ({words}): nvidia-smi must run, and show the CUDA version "
        "that CuPy was installed for (or use device 'cpu')"
    )


def test_without_a_gpu(double, monkeypatch):
    monkeypatch.setattr(double.cuda.runtime, "getDeviceCount", lambda: 0)
    assert refusal() == "device 'cuda': CuPy finds no GPU (or use device 'cpu')"


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("__add__", "Failure finding libnvrtc.so"),  # the compiler of kernels
        ("__matmul__", "Failure finding libcublasLt.so"),
    ],
)
def test_without_one_of_cudas_libraries(double, monkeypatch, part, words):
    monkeypatch.setattr(double.ndarray, part, failing(RuntimeError(words)))
    assert refusal() == (
        f"device 'cuda': CuPy sees a GPU, but cannot compute on it ({words}): CUDA's libraries may be "
        f"missing, which come with {NEEDED} (or use device 'cpu')"
    )


def test_a_product_that_is_wrong(double, monkeypatch):
    monkeypatch.setattr(double.ndarray, "__matmul__", lambda a, b: a)
    assert refusal().startswith("device 'cuda': a product on the GPU is wrong: 10.0, not 54")


@pytest.mark.usefixtures("no_cupy")
@pytest.mark.parametrize(
    "command", ["detect", "evaluate", "explain", "train", "pretrain", "gradcheck", "demo"]
)
def test_commands_refuse_before_any_work(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(b"none: it is not looked at yet")
    (tmp_path / "broken.safetensors").write_bytes(b"none either")
    arguments = {
        "detect": ["broken.safetensors", "photo.png"],
        "evaluate": ["broken.safetensors", "scenes"],
        "explain": ["broken.safetensors", "photo.png"],
        "train": ["fast-rcnn", "scenes", "--out", "run"],
        "pretrain": ["digits", "--out", "run"],
        "gradcheck": [],
        "demo": ["--out", "demo"],
    }[command]
    assert main([command, *arguments, "--device", "cuda"]) == 1
    assert "needs CuPy" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.safetensors", "photo.png"]


@pytest.mark.usefixtures("no_cupy")
@pytest.mark.parametrize("command", ["check-data", "anchors"])
def test_commands_that_compute_on_the_cpu_go_on(command, tmp_path, capsys):
    export_voc(Scenes("train", count=2, size=96, heights=(20, 48)), tmp_path, "train")
    assert main([command, str(tmp_path), "--device", "cuda"]) == 0
    assert "--device cuda changes nothing here" in capsys.readouterr().err


@pytest.mark.usefixtures("no_cupy")
def test_a_detector_is_not_read_for_a_device_that_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="needs CuPy"):
        load_detector(tmp_path / "missing.safetensors", device="cuda")


def test_a_detector_of_python_runs_on_the_gpu(gpu):
    detector = load_detector(pretrained.path(), device="cuda")
    weight = next(parameter.data for _, parameter in detector.network.named_parameters())
    assert isinstance(weight, gpu.ndarray)
    assert "cupy" in sys.modules
