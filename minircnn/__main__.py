"""``python -m minircnn`` does what the command ``minircnn`` does."""

import sys

from minircnn.cli import main

sys.exit(main())
