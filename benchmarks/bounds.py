"""What bounds the pieces of work that a peer does faster, or that stay below their promise: the arithmetic.

Made of the measurements and of what is counted here and now; groups that were not measured are left out.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.growth_runs import training_step
from benchmarks.operations import moved_by_convolutions, operations
from benchmarks.page import duration, share_of_calls
from minircnn.backbones import squeezenet1_1, vgg16
from minircnn.kernels.block_descent import BLOCK

Entry = Mapping[str, Any]


def explanations(results: Sequence[Entry], machine: Entry) -> str:
    """Return a Markdown list, an entry for each group that was measured."""
    by_group: dict[str, list[Entry]] = {}
    for result in results:
        by_group.setdefault(result["group"], []).append(result)
    about = {
        "convolution forward": _convolution,
        "networks forward": _squeezenet,
        "training step": _small_steps,
        "warping": _warping,
        "cascade": _cascade,
        "20 linear SVMs": _svms,
        "SVM training with mining": _mining,
        "Fast R-CNN detection": _detectors,
    }
    texts = [tell(by_group[group], machine) for group, tell in about.items() if group in by_group]
    return "\n".join(f"- {' '.join(text.split())}" for text in texts if text)


def _convolution(results: Sequence[Entry], machine: Entry) -> str:
    peak = machine["peak_gflops"] * 1e9
    parts = []
    for r in results:
        layer, comma, _ = r["name"].partition(",")
        if comma and layer.startswith("VGG16"):
            products = duration(r["flops"] / 4 / peak)
            peer = f"{r['peer']} at {100 * r['flops'] / r['theirs'] / peak:.0f} %"
            parts.append(f"{products} of {duration(r['ours'])} ({layer}; {peer} of that rate)")
    if not parts:
        return ""
    return f"""
        **Convolution, 3 × 3.** Winograd's products are 36 / (16 · 9), a quarter, of the textbook's. At the
        rate of large products they would take {", ".join(parts)}. The rest is the way to the tiles and
        back: for every output pixel 36 / 16 · (C + O) numbers are written and read again around the
        products. And these are small (some hundred tiles by C by O), which BLAS does at a lower rate than
        large ones."""


def _squeezenet(results: Sequence[Entry], machine: Entry) -> str:
    measured = next((r for r in results if r["name"].startswith("SqueezeNet")), None)
    if measured is None:
        return ""
    layers, shape = [squeezenet1_1(widths=(8,)).features], (1, 400, 600)
    products = operations(layers, shape) / machine["peak_gflops"] / 1e9
    moved = moved_by_convolutions(layers, shape)
    copied = moved / 2 / machine["copy_gb_per_s"] / 1e9  # a copy reads and writes
    return f"""
        **SqueezeNet.** At the rate of large products its convolutions would take {duration(products)} of
        {duration(measured["ours"])} (PyTorch: {duration(measured["theirs"])}), and their maps,
        {moved / 1e6:.0f} MB read and written, {duration(copied)} at the rate of copying. But two of
        three are 1 × 1 over 16 to 512 channels, few operations for each number, and BLAS rearranges the whole
        map before it multiplies. A 3 × 3 convolution of so few channels gains little from Winograd's method:
        the way to the tiles and back is as long as ever."""


def _small_steps(results: Sequence[Entry], machine: Entry) -> str:
    measured = next((r for r in results if r["name"].startswith("tiny") and r.get("calls")), None)
    if measured is None:
        return ""
    step = training_step(2)
    step()
    profile = cProfile.Profile()
    profile.runcall(step)
    stats: Any = pstats.Stats(profile)
    # one piece alone is handed to nobody: `parallel_for` asks the workers to share several
    shared = sum(row[1] for (_, _, name), row in stats.stats.items() if name == "share")
    calls = measured["calls"]
    before = 1e-6 * (calls * machine["call_us"] + shared * machine["handover_us"])
    return f"""
        **A training step of the tiny network.** It makes {calls:,} calls, at {machine["call_us"]:.2f} µs for
        one into NumPy that has nothing to do, and shares work between threads {shared} times, at
        {machine["handover_us"]:.0f} µs for empty pieces: together about {duration(before)} of
        {duration(measured["ours"])}. The pieces, of a fraction of a millisecond, also wait for the
        interpreter lock, which one thread holds at a time. Larger networks, where a call does a hundred times
        as much, do not feel this."""


def _warping(results: Sequence[Entry], machine: Entry) -> str:
    crop, passes = 227 * 227 * 3 * 4, 8
    copied = duration(passes * crop / machine["copy_gb_per_s"] / 1e9)
    return f"""
        **Warping.** A crop of 227 × 227 pixels is {crop / 1e3:.0f} kB. Interpolating whole lines takes some
        {passes} passes over that (for both axes two lines are read and blended, and once the crop is turned),
        {copied} at the rate of copying; OpenCV interpolates both axes in one pass."""


def _cascade(results: Sequence[Entry], machine: Entry) -> str:
    measured = max(results, key=lambda r: r["ours"])
    calls = share_of_calls(measured, machine)
    if calls is None:
        return ""
    return f"""
        **Cascade.** Calls are {100 * calls:.0f} % of {duration(measured["ours"])}
        ({measured["name"]}). The rest is looking up: each feature of each window that is left takes 8 to 16
        numbers from the table of sums, at places of its own. NumPy writes each of them into an array before
        they are added; OpenCV's compiled loop adds them in registers, for several windows at once."""


def _svms(results: Sequence[Entry], machine: Entry) -> str:
    measured = results[0]
    calls = share_of_calls(measured, machine)
    if calls is None:
        return ""
    n, d = 5000, 4096
    inner = 2 * 2 * n * BLOCK * d / machine["peak_gflops"] / 1e9  # of two partitions
    return f"""
        **Twenty SVMs.** The inner products of all blocks, computed once, take {duration(inner)} of
        {duration(measured["ours"])} at the rate of large products. Every pass then multiplies all
        features twice by twenty columns: too few for that rate, as BLAS rearranges {BLOCK} × {d:,} numbers
        for each. And the steps themselves, one after the other on one thread, are {measured["calls"]:,}
        calls, {100 * calls:.0f} % of the time if they had nothing to do, and several times that with twenty
        numbers each."""


def _mining(results: Sequence[Entry], machine: Entry) -> str:
    return f"""
        **Mining.** Each class keeps hard negatives of its own, so a step of the descent, a handful of calls
        at {machine["call_us"]:.2f} µs or more, moves the variables of one or two classes instead of all
        twenty. Liblinear's compiled step touches the non-zero features of one example alone: of 1,024
        features, a quarter of them not zero, some 250 multiplications. With 4,096 features the products
        weigh more."""


def _detectors(results: Sequence[Entry], machine: Entry) -> str:
    backbone = vgg16()
    crops = operations([backbone.features, backbone.last_pool, backbone.head], (2000, 224, 224))
    photo = operations([backbone.features], (1, 600, 900))
    regions = operations([backbone.head], (2000, 7, 7))
    ratios = "; ".join(f"{r['name']}: **{1 / r['ratio']:.0f}×**" for r in results)
    return f"""
        **R-CNN over Fast R-CNN.** Measured: {ratios}. Fast R-CNN convolves the photo once
        ({photo / 1e12:.2f} TFLOP at 600 × 900) and runs fc6 and fc7 on 2,000 regions
        ({regions / 1e12:.2f} TFLOP); R-CNN runs all layers on 2,000 crops ({crops / 1e12:.1f} TFLOP). That is
        a factor of {crops / (photo + regions):.0f} in operations of the textbook method. Winograd's makes
        convolutions cheaper, and so nearly all of R-CNN's work, but not the fully connected layers that Fast
        R-CNN spends most of its time in. Truncated SVD takes those away. The paper (table 4) measured 146×,
        and 213× with SVD, on a GPU."""
