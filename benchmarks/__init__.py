"""Side-by-side timings of minircnn and of compiled peers; ``python -m benchmarks --help``."""
