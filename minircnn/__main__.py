"""``python -m minircnn`` and the command ``minircnn``."""

import sys


def main() -> int:
    """Run the command line of the process and return the exit code."""
    try:  # loading takes a second, in which Ctrl-C ends without a traceback too
        from minircnn.cli import main as command_line
    except KeyboardInterrupt:
        print("minircnn: error: interrupted", file=sys.stderr)
        return 130
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
