"""The command from its first moment on."""

import subprocess
import sys

INTERRUPTED_WHILE_LOADING = """
import signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "minircnn.cli.errors":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from minircnn.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_while_the_command_is_loaded_gives_one_line():
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (130, "minircnn: error: interrupted\n")
