"""Count what the papers' networks ask of a GPU, on CuPy's stand-in: ``python tests/device/launches.py``.

Writes ``benchmarks/launches.json``, from which the page on speed is made; with ``--check`` only compares, and
ends with exit code 1 where the file tells other counts. Products are left out, so that it takes minutes:
their numbers are not looked at.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "benchmarks" / "launches.json"


def pieces():
    """Yield the name of every piece and what it asks for."""
    # what they import must find the stand-in
    import cupy
    import numpy as np
    from counting import counted
    from test_step_budgets import Photos, papers_work

    from minircnn.backbones import build_backbone
    from minircnn.nn import RoIPool

    def evaluated(layer, *inputs):
        layer.forward(*inputs)  # brings the weights to their layout for good
        with counted() as work:
            layer.forward(*inputs)
        return work

    vgg16 = build_backbone("vgg16").features
    vgg16.to(cupy)
    vgg16.eval()
    photo = cupy.zeros((1, 3, 600, 1000), dtype=np.float32)
    yield "VGG16's convolutions, a photo of 600 × 1000", evaluated(vgg16, photo)
    alexnet = build_backbone("alexnet")
    alexnet.eval()
    for part in alexnet.parts():
        part.to(cupy)
    crops = cupy.zeros((128, 3, 227, 227), dtype=np.float32)
    yield "AlexNet, 128 crops", evaluated(alexnet, crops)
    corners = np.sort(np.random.default_rng(0).uniform(0, 1, (2000, 2, 2)), axis=1) * [1000, 600]
    maps, regions = cupy.zeros((1, 2, 37, 62), dtype=np.float32), corners.reshape(2000, 4)
    pool = RoIPool(7, 1 / 16)
    pool.eval()
    yield "RoI pooling, 2,000 regions", evaluated(pool, maps, regions)
    # photos of 120 × 200 pixels, scaled to 600 × 1000
    yield (
        "an update of Fast R-CNN, VGG16, two photos of 600 × 1000",
        papers_work("fast-rcnn", Photos(2, 120, 200)),
    )
    yield "an update of R-CNN's fine-tuning, AlexNet, 128 crops", papers_work("rcnn", Photos(2, 120, 200))


def main(*options):
    """Count and print; write, or compare with what was written."""
    os.environ["FAKECUPY_NOGEMM"] = "1"
    sys.path[:0] = [str(ROOT / part) for part in (".", "tests", "tests/device", "tests/device_double")]
    rows = []
    for name, work in pieces():
        rows.append({"piece": name, "launches": work.launches, "waits": work.waits})
        print(f"{name}: {work.launches} launches, {work.waits} waits", flush=True)
    text = json.dumps({"pieces": rows}, indent=2, ensure_ascii=False) + "\n"
    if "--check" not in options:
        RESULT.write_text(text, encoding="utf-8")
    elif RESULT.read_text(encoding="utf-8") != text:
        sys.exit(f"{RESULT} tells other counts: run without --check")


if __name__ == "__main__":
    main(*sys.argv[1:])
