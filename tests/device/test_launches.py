"""What the page on speed says of launches and waits is what the code asks for."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_counts_of_the_page_are_those_of_the_code():
    script = Path(__file__).with_name("launches.py")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
