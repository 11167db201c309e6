"""Work on a GPU, ours by CuPy beside PyTorch's: ``python -m benchmarks.gpu --json benchmarks/gpu.json``.

Both sides multiply in float32, as CuPy does unless it is told otherwise. PyTorch is timed once more with
TF32, a coarser arithmetic in which the GPU's matrix units work, and ours once more on the processor of the
same machine, with all its cores. A run ends when the GPU has nothing left to do.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from cyclopts import App, Parameter
from torch import nn
from torch.nn import functional
from torchvision.ops import roi_pool

from benchmarks.convolution import better_layout
from benchmarks.detection import random_fast_rcnn
from benchmarks.harness import Contest, close_to, is_asked_for, run_contest
from benchmarks.machine import describe_machine, set_threads
from benchmarks.networks import our_forward, torch_forward, twin
from benchmarks.operations import operations
from benchmarks.training import CLASSES, LEARNING_RATE, our_step, random_batch, torch_step
from benchmarks.whole_peers import FastRCNNPeer
from minircnn.arrays import Array, like, synchronize, to_host
from minircnn.backbones import Backbone, alexnet, squeezenet1_1, tiny, vgg16
from minircnn.cli.output import note, table
from minircnn.detectors import FastRCNN, FastRCNNNetwork, RCNNNetwork
from minircnn.nn import SGD, Conv2d, Layer, RoIPool, softmax_cross_entropy

REGIONS = 2000
Run = Callable[[], Any]

app = App(name="python -m benchmarks.gpu", help=__doc__)


@dataclass(frozen=True)
class Case:
    """The same work on either side.

    Parameters
    ----------
    ours : callable
        Takes the array library (NumPy or CuPy) and returns our run.
    theirs : callable
        Takes a memory layout and returns PyTorch's run on the GPU.
    tolerance : float
        How far results may be apart, in units of their largest value.
    flops : float, optional
        Operations of the textbook method.
    """

    ours: Callable[[Any], Run]
    theirs: Callable[[torch.memory_format], Run]
    tolerance: float = 1e-3
    flops: float | None = None


def cases(gpu: str) -> dict[str, Callable[[], Case]]:
    """Return what makes each case, by its name; PyTorch's side on the device that it calls `gpu`."""
    rng = np.random.default_rng(0)
    return {
        "VGG16's convolutions, 600 × 1000": lambda: _forward(
            gpu, vgg16(rng=rng, widths=(8, 8)), (1, 600, 1000), whole=False
        ),
        "SqueezeNet 1.1's convolutions, 400 × 600": lambda: _forward(
            gpu, squeezenet1_1(rng=rng, widths=(8,)), (1, 400, 600), whole=False
        ),
        "AlexNet, 128 crops": lambda: _forward(gpu, alexnet(rng=rng), (128, 227, 227), whole=True),
        f"RoI pooling, {REGIONS:,} regions of VGG16's map": lambda: _pooling(gpu),
        "an update of Fast R-CNN, tiny, 2 × 192 × 192": lambda: _step(
            gpu, tiny(rng=rng, dropout=0.0), (192, 192)
        ),
        "an update of Fast R-CNN, VGG16, 2 × 600 × 1000": lambda: _step(
            gpu, vgg16(rng=rng, dropout=0.0), (600, 1000)
        ),
        "an update of R-CNN's fine-tuning, AlexNet, 128 crops": lambda: _tuning(gpu),
        f"Fast R-CNN's detection, VGG16, {REGIONS:,} proposals given": lambda: _detection(gpu),
    }


def _forward(gpu: str, backbone: Backbone, shape: tuple[int, int, int], *, whole: bool) -> Case:
    """A network, or only the convolutions of it, on photos or crops that lie on the device."""
    n, height, width = shape
    parts: list[Layer] = [backbone.features]
    if whole:
        parts += [backbone.last_pool, backbone.head]
    pixels = np.random.default_rng(1).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
    images = backbone.normalization.apply(pixels)
    for part in parts:
        part.eval()

    def ours(xp: Any) -> Run:
        for part in parts:
            part.to(xp)
        return our_forward(parts, like(images, xp.empty(0)))

    def theirs(layout: torch.memory_format) -> Run:
        for part in parts:
            part.to(np)
        return torch_forward(parts, images, layout, gpu)

    return Case(ours, theirs, flops=operations(parts, shape))


def _pooling(gpu: str) -> Case:
    """The regions of a photo from VGG16's map of it."""
    rng = np.random.default_rng(1)
    maps = rng.standard_normal((1, 37, 62, 512), dtype=np.float32).transpose(0, 3, 1, 2)
    rois = random_regions(REGIONS, (600, 1000))
    layer = RoIPool(7, 1 / 16)
    layer.eval()

    def ours(xp: Any) -> Run:
        x = like(maps, xp.empty(0))
        return lambda: layer.forward(x, rois)  # a network on a GPU is given its regions on the host

    def theirs(layout: torch.memory_format) -> Run:
        x = torch.tensor(maps, device=gpu).contiguous(memory_format=layout)
        last = [0, 0, 1, 1]  # torchvision includes the last pixel of a region
        boxes = [torch.tensor((rois - last).astype(np.float32), device=gpu)]
        return torch.inference_mode()(lambda: roi_pool(x, boxes, 7, 1 / 16))

    return Case(ours, theirs)


def random_regions(count: int, size: tuple[int, int]) -> Any:
    """Return boxes (`count`, 4) float32 in a photo of `size`, some 100 pixels wide and high."""
    rng = np.random.default_rng(2)
    height, width = size
    centre = rng.random((count, 2)) * [width, height]
    side = np.exp(rng.normal(4.6, 0.8, (count, 2)))
    boxes = np.concatenate([centre - side / 2, centre + side / 2], axis=1)
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes


def _step(gpu: str, backbone: Backbone, size: tuple[int, int]) -> Case:
    """An update from a batch that lies on the device, regions as either side is given them."""
    network = FastRCNNNetwork(backbone, CLASSES, rng=np.random.default_rng(1))
    for frozen in backbone.frozen:
        getattr(network.features, frozen).freeze()
    network.prepare_training()
    batch = random_batch(backbone, size)

    def ours(xp: Any) -> Run:
        network.to(xp)
        step = our_step(network, batch)
        return lambda: step()[1]

    def theirs(layout: torch.memory_format) -> Run:
        network.to(np)
        step = torch_step(network, batch, layout, gpu)
        return lambda: step()[1]

    return Case(ours, theirs, 1e-2)


def _tuning(gpu: str) -> Case:
    """An update of R-CNN's fine-tuning; dropout draws different units on either side, so it is left out."""
    backbone = alexnet(rng=np.random.default_rng(0), dropout=0.0)
    network = RCNNNetwork(backbone, CLASSES, rng=np.random.default_rng(1))
    network.prepare_training()
    rng = np.random.default_rng(2)
    crops = backbone.normalization.apply(rng.integers(0, 256, (128, 227, 227, 3), dtype=np.uint8))
    targets = rng.integers(0, CLASSES + 1, 128)
    first = next(layer for layer in network.features.modules() if isinstance(layer, Conv2d))

    def ours(xp: Any) -> Run:
        network.to(xp)
        x, labels = (like(a, xp.empty(0)) for a in (crops, targets))
        optimizer = SGD(network.named_parameters(), lr=LEARNING_RATE)

        def run() -> Array:
            optimizer.zero_grad()
            _, d_logits = softmax_cross_entropy(network.logits(x), labels)
            network.backward(d_logits)
            optimizer.step()
            return first.weight.grad

        return run

    def theirs(layout: torch.memory_format) -> Run:
        network.to(np)
        parts = [network.features, network.last_pool, network.head, network.fc8]
        module = nn.Sequential(*(twin(part) for part in parts)).to(gpu, memory_format=layout)
        optimizer = torch.optim.SGD(module.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=5e-4)
        x = torch.tensor(crops, device=gpu).contiguous(memory_format=layout)
        labels = torch.tensor(targets, device=gpu)
        weight = next(m for m in module.modules() if isinstance(m, nn.Conv2d)).weight

        def run() -> Any:
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(module(x), labels).backward()
            optimizer.step()
            return weight.grad

        return run

    return Case(ours, theirs, 1e-2)


def _detection(gpu: str) -> Case:
    """A photo on the host to boxes on the host, its proposals given."""
    photo = np.random.default_rng(3).integers(0, 256, (600, 1000, 3), dtype=np.uint8)
    proposals = random_regions(REGIONS, (600, 1000))

    def build() -> FastRCNN:
        return random_fast_rcnn(vgg16(rng=np.random.default_rng(0)), {})

    class OnGPU(FastRCNNPeer):
        device = gpu

        def propose(self, seen: Any) -> torch.Tensor:
            return torch.from_numpy(proposals).to(gpu)

    detector, host = build(), build()

    def ours(xp: Any) -> Run:
        detector.to(xp)
        return lambda: detector.detect(photo, proposals=proposals).boxes

    return Case(
        ours,
        lambda layout: OnGPU(host, photo, layout).detect,
        tolerance=np.inf,  # of random weights hundreds of boxes score alike: which ones stay is rounding
    )


@app.default
def main(
    *,
    only: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    seconds: float = 2.0,
    gpu: str = "cuda",
) -> None:
    """Time each case on the GPU, in turns with PyTorch.

    Parameters
    ----------
    only
        Cases whose name contains one of these words.
    json_file
        Also write everything to this file.
    seconds
        For each case, at least.
    gpu
        What PyTorch calls the device.
    """
    import cupy

    threads = os.cpu_count() or 1
    set_threads(threads)
    torch.backends.cudnn.benchmark = True  # it tries its methods, and takes the fastest
    machine = describe_machine(threads) | describe_gpu(cupy)
    note(json.dumps(machine))
    rows = []
    for name, make in cases(gpu).items():
        if not is_asked_for(name, only):
            continue
        row = {"name": name, **time_case(make(), cupy, seconds)}
        note(json.dumps(row, ensure_ascii=False))
        rows.append(row)
        cupy.get_default_memory_pool().free_all_blocks()
        torch.cuda.empty_cache()
    header = ["work", "ours ms", "PyTorch ms", "ratio", "PyTorch, TF32 ms", "ours, CPU ms"]
    columns = ("ours", "theirs", "ratio", "tf32", "cpu")
    print(table(header, [[row["name"], *(_shown(row, c) for c in columns)] for row in rows]))
    if json_file is not None:
        json_file.write_text(json.dumps({"machine": machine, "results": rows}, indent=2) + "\n")


def _shown(row: dict[str, Any], column: str) -> str:
    return f"{row[column]:.2f}" if column == "ratio" else f"{1e3 * row[column]:.2f}"


def time_case(case: Case, cupy: Any, seconds: float) -> dict[str, Any]:
    """Return the row of a case."""
    use_tf32(False)
    theirs = better_layout(lambda layout: _waiting(case.theirs(layout)))
    ours = case.ours(cupy)
    mark = cupy.empty(0)

    def run() -> Array:
        result = ours()
        synchronize(mark)
        return result

    close = close_to(case.tolerance)

    def check(one: Any, other: Any) -> str:
        return "" if np.isinf(case.tolerance) else close(to_host(one), torch.as_tensor(other).cpu().numpy())

    timing = run_contest(Contest(run, theirs, check, case.flops), seconds)
    use_tf32(True)
    tf32 = _median(theirs, seconds / 4)
    return {**asdict(timing), "tf32": tf32, "cpu": _median(case.ours(np), 0.0, rounds=2)}


def use_tf32(use: bool) -> None:
    """Let PyTorch's products and convolutions use TF32, or not."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = use


def _waiting(run: Run) -> Run:
    def waited() -> Any:
        result = run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return result

    return waited


def _median(run: Run, seconds: float, rounds: int = 5) -> float:
    run()
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < rounds or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def describe_gpu(cupy: Any) -> dict[str, Any]:
    """Return the GPU, its driver and CuPy, and what it does at most: products, copies, launches, waits."""
    runtime = cupy.cuda.runtime
    x = cupy.asarray(np.random.default_rng(0).standard_normal((8192, 8192), dtype=np.float32))
    y, small = cupy.empty_like(x), cupy.zeros(1, dtype=np.float32)
    mark = cupy.empty(0)

    def seconds(run: Run, times: int) -> float:
        def several() -> None:
            for _ in range(times):
                run()
            synchronize(mark)

        return _median(several, 0.0) / times

    return {
        "gpu": runtime.getDeviceProperties(0)["name"].decode(),
        "cuda": runtime.runtimeGetVersion(),
        "driver": runtime.driverGetVersion(),
        "cupy": cupy.__version__,
        "gpu_peak_gflops": 2 * 8192**3 / seconds(lambda: cupy.matmul(x, x, out=y), 3) / 1e9,
        "gpu_copy_gb_per_s": 2 * x.nbytes / seconds(lambda: cupy.copyto(y, x), 10) / 1e9,
        "launch_us": 1e6 * seconds(lambda: cupy.add(small, 1, out=small), 1000),
        "wait_us": 1e6 * seconds(lambda: float(small[0]), 200),
    }


if __name__ == "__main__":
    app()
