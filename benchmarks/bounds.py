"""What bounds the pieces of work that a peer does faster, or that stay below their promise: the arithmetic.

Made of the measurements and of what is counted here and now; groups that were not measured are left out.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.growth_runs import training_step
from benchmarks.operations import operations
from minircnn.backbones import vgg16

Entry = Mapping[str, Any]


def explanations(results: Sequence[Entry], machine: Entry) -> str:
    """Return a Markdown list, an entry for each group that was measured."""
    by_group: dict[str, list[Entry]] = {}
    for result in results:
        by_group.setdefault(result["group"], []).append(result)
    about = {
        "convolution forward": _convolution,
        "training step": _small_steps,
        "warping": _warping,
        "SVM training with mining": _mining,
        "Fast R-CNN detection": _detectors,
    }
    texts = [tell(by_group[group], machine) for group, tell in about.items() if group in by_group]
    return "\n".join(f"- {' '.join(text.split())}" for text in texts if text)


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"


def _convolution(results: Sequence[Entry], machine: Entry) -> str:
    peak = machine["peak_gflops"] * 1e9
    parts = []
    for r in results:
        layer, comma, _ = r["name"].partition(",")
        if comma and layer.startswith("VGG16"):
            products = _milliseconds(r["flops"] / 4 / peak)
            peer = f"{r['peer']} at {100 * r['flops'] / r['theirs'] / peak:.0f} %"
            parts.append(f"{products} of {_milliseconds(r['ours'])} ({layer}; {peer} of that rate)")
    if not parts:
        return ""
    return f"""
        **Convolution, 3 × 3.** Winograd's products are 36 / (16 · 9), a quarter, of the textbook's. At the
        rate of large products they would take {", ".join(parts)}. The rest is the way to the tiles and
        back: for every output pixel 36 / 16 · (C + O) numbers are written and read again around the
        products. And these are small (some hundred tiles by C by O), which BLAS does at a lower rate than
        large ones."""


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
        {machine["handover_us"]:.0f} µs for empty pieces: together about {_milliseconds(before)} of
        {_milliseconds(measured["ours"])}. The pieces, of a fraction of a millisecond, also wait for the
        interpreter lock, which one thread holds at a time. Larger networks, where a call does a hundred times
        as much, do not feel this."""


def _warping(results: Sequence[Entry], machine: Entry) -> str:
    crop, passes = 227 * 227 * 3 * 4, 8
    copied = _milliseconds(passes * crop / machine["copy_gb_per_s"] / 1e9)
    return f"""
        **Warping.** A crop of 227 × 227 pixels is {crop / 1e3:.0f} kB. Interpolating whole lines takes some
        {passes} passes over that (for both axes two lines are read and blended, and once the crop is turned),
        {copied} at the rate of copying; OpenCV interpolates both axes in one pass."""


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
