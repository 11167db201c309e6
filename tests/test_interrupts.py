"""SIGTERM and SIGHUP end work as Ctrl-C does."""

import signal
import threading
from contextlib import contextmanager

import pytest

from minircnn.interrupts import interrupt_flag, interruptible

ENDING = [name for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


@contextmanager
def handled_by(name, handler):
    former = signal.signal(getattr(signal, name), handler)
    try:
        yield
    finally:
        signal.signal(getattr(signal, name), former)


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_interrupts_and_its_handler_comes_back(name):
    seen = []
    with handled_by(name, lambda *_: seen.append(name)):
        with pytest.raises(KeyboardInterrupt, match=name), interruptible():
            signal.raise_signal(getattr(signal, name))
        assert not seen
        signal.raise_signal(getattr(signal, name))
        assert seen == [name]


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("block", [interruptible, interrupt_flag])
def test_an_ignored_signal_stays_ignored(name, block):
    with handled_by(name, signal.SIG_IGN), block() as flag:
        signal.raise_signal(getattr(signal, name))
        assert not flag


@pytest.mark.parametrize("name", ["SIGINT", *ENDING])
def test_the_first_signal_is_noted_and_the_second_interrupts(name):
    with handled_by("SIGINT", signal.default_int_handler), interruptible(), interrupt_flag() as flag:
        assert not flag
        signal.raise_signal(getattr(signal, name))
        assert flag
        assert flag.signum == getattr(signal, name)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(getattr(signal, name))


def test_other_threads_change_no_handler():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work():
        with interruptible(), interrupt_flag() as flag:
            seen.append((bool(flag), signal.getsignal(signal.SIGTERM) is before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, True)]
