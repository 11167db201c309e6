from .._ledger import ledger
from . import device, runtime
from .device import Device


class Stream:
    null = None

    def __init__(self, **k):
        pass

    def synchronize(self):
        ledger.note("sync")

    def __enter__(self):
        return self

    def __exit__(self, *a):
        return None


Stream.null = Stream()


def get_current_stream():
    return Stream.null


class MemoryPool:
    def used_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def free_all_blocks(self):
        pass


def is_available():
    return True
