"""A GPU is tried before any work, and what it lacks is said in one line, with the mend."""

import sys

import numpy as np
import pytest

from minircnn import load_detector, pretrained
from minircnn.arrays import array_namespace, device_namespace
from minircnn.cli import main
from minircnn.data import Scenes, export_voc
from minircnn.imaging import write_image

NEEDED = "pip install 'minircnn[cuda13]' or 'minircnn[cuda12]', as nvidia-smi says"

AS_CUPY_SAYS_IT = """
try:
    import _core_of_cupy
except ImportError as error:
    raise ImportError("\\n====\\nFailed to import CuPy.\\n\\nIf you installed CuPy via wheels") from error
"""


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
def test_a_folder_left_behind_is_no_cupy(tmp_path, monkeypatch):
    (tmp_path / "cupy").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert refusal() == f"device 'cuda' needs CuPy: {NEEDED} (or use device 'cpu')"
    assert array_namespace(np.zeros(2)).__name__ == "array_api_compat.numpy"  # which an import would break


@pytest.mark.usefixtures("no_cupy")
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ImportError('libcudart.so.13: no such file\\nmore of it')", "libcudart.so.13: no such file"),
        (AS_CUPY_SAYS_IT, "No module named '_core_of_cupy'"),
    ],
    ids=["one reason", "a page of advice"],
)
def test_cupy_that_cannot_be_imported(source, reason, tmp_path, monkeypatch):
    (tmp_path / "cupy.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert refusal() == (
        f"device 'cuda': CuPy is installed, but its import fails ({reason}): uninstall all packages whose "
        "names begin with cupy, and install one of them again (or use device 'cpu')"
    )


def test_without_a_driver(double, monkeypatch):
    words = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
    monkeypatch.setattr(double.cuda.runtime, "getDeviceCount", failing(RuntimeError(words)))
    assert refusal() == (
        f"device 'cuda': CuPy finds no usable driver ({words}): nvidia-smi must run, and show the CUDA "
        "version that CuPy was installed for (or use device 'cpu')"
    )


@pytest.mark.parametrize(
    "count", [lambda: 0, failing(RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected"))]
)
def test_without_a_gpu(count, double, monkeypatch):
    monkeypatch.setattr(double.cuda.runtime, "getDeviceCount", count)
    assert refusal() == (
        "device 'cuda': there is a driver, but no GPU: nvidia-smi -L lists those of this machine, and the "
        "environment variable CUDA_VISIBLE_DEVICES hides some (or use device 'cpu')"
    )


def test_without_the_compiler_of_kernels(double, monkeypatch):
    words = 'Failure finding "libnvrtc.so.13 or libnvrtc.so.12": No such file'
    monkeypatch.setattr(double, "arange", failing(RuntimeError(f"{words}\n")))
    assert refusal() == (
        f"device 'cuda': no kernel runs on the GPU ({words}): NVRTC, which compiles it, comes with "
        f"{NEEDED} (or use device 'cpu')"
    )


def test_without_the_library_for_products(double, monkeypatch):
    words = 'Failure finding "libcublasLt.so.13 or libcublasLt.so.12": No such file'
    monkeypatch.setattr(double.ndarray, "__matmul__", failing(ImportError(f"{words}\n")))
    assert refusal() == (
        f"device 'cuda': no product runs on the GPU ({words}): cuBLAS, which multiplies, comes with "
        f"{NEEDED} (or use device 'cpu')"
    )


def test_a_gpu_that_is_wrong(double, monkeypatch):
    monkeypatch.setattr(double.ndarray, "__matmul__", lambda a, b: a)
    assert refusal() == "device 'cuda': the GPU computes 20.0, where 64 is right (or use device 'cpu')"


def test_a_gpu_is_tried_once(double, monkeypatch):
    device_namespace("cuda")
    monkeypatch.setattr(double.cuda.runtime, "getDeviceCount", failing(RuntimeError("asked again")))
    assert device_namespace("cuda") is double


def test_what_was_missing_is_looked_for_again(double, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(double.cuda.runtime, "getDeviceCount", lambda: 0)
        refusal()
    assert device_namespace("cuda") is double


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
@pytest.mark.parametrize(
    "arguments",
    [
        ["check-data", "voc"],
        ["anchors", "voc", "--preset", "scenes"],
        ["propose", "voc", "--split", "train", "--photos", "1", "--method", "sliding-window"],
        ["evaluate", "voc", "--split", "train", "--detections", "found.json"],
    ],
    ids=lambda words: words[0],
)
def test_commands_that_compute_on_the_cpu_go_on(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    export_voc(Scenes("train", count=1, size=96, heights=(20, 48)), tmp_path / "voc", "train")
    (tmp_path / "found.json").write_text("[]")
    assert main([*arguments, "--device", "cuda"]) == 0
    assert "--device cuda changes nothing here: this command computes on the CPU" in capsys.readouterr().err


@pytest.mark.usefixtures("no_cupy")
@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (["train", "hog-svm", "scenes", "--out", "run"], "HOG + SVM"),
        (["detect", "--cascade", "lbp-face", "photo.png"], "Viola–Jones"),
    ],
)
def test_a_detector_that_runs_on_the_cpu_alone_asks_for_no_cupy(
    arguments, title, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "photo.png", np.zeros((8, 8, 3), dtype=np.uint8))
    assert main([*arguments, "--device", "cuda"]) == 1
    assert capsys.readouterr().err == f"minircnn: error: {title} runs on the CPU: leave --device cpu\n"


@pytest.mark.usefixtures("no_cupy")
def test_a_detector_is_not_read_for_a_device_that_is_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="needs CuPy"):
        load_detector(tmp_path / "missing.safetensors", device="cuda")


def test_a_detector_of_python_runs_on_the_gpu(gpu):
    detector = load_detector(pretrained.path(), device="cuda")
    weight = next(parameter.data for _, parameter in detector.network.named_parameters())
    assert isinstance(weight, gpu.ndarray)
    assert "cupy" in sys.modules
