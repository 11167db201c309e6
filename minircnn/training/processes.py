"""How many processes share the photos of a data set."""

from __future__ import annotations

from joblib import effective_n_jobs


def process_count(n_jobs: int, tasks: int) -> int:
    """Return in how many processes to do `tasks`: what `n_jobs` asks for, as joblib counts, but none idle."""
    return max(1, min(int(effective_n_jobs(n_jobs)), tasks))
