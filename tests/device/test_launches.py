"""What the page on speed says of launches and waits is what the code asks for, within the budgets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from launches import RESULT

BUDGETS = {
    "VGG16's convolutions, a photo of 600 × 1000": (90, 0),
    "AlexNet, 128 crops": (50, 0),
    "RoI pooling, 2,000 regions": (10, 0),
    "an update of Fast R-CNN, VGG16, two photos of 600 × 1000": (500, 4),
    "an update of R-CNN's fine-tuning, AlexNet, 128 crops": (250, 2),
}
"""Launches and waits, at most."""


def test_what_is_counted_stays_within_the_budgets():
    counted = {p["piece"]: (p["launches"], p["waits"]) for p in json.loads(RESULT.read_text())["pieces"]}
    assert counted.keys() == BUDGETS.keys()
    for piece, (launches, waits) in counted.items():
        assert launches <= BUDGETS[piece][0], piece
        assert waits <= BUDGETS[piece][1], piece


@pytest.mark.slow
def test_the_counts_of_the_page_are_those_of_the_code():
    script = Path(__file__).with_name("launches.py")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
