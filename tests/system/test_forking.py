"""A child of a fork waits for no thread that it does not have."""

from __future__ import annotations

import os
import pickle
import threading
import time

import pytest

from elliptio.system.forking import ForkGate, Lock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def test_a_child_finds_every_lock_open() -> None:
    lock = Lock()
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            leave.wait(120)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(120)
    child = os.fork()
    if not child:
        # Were it held, the child would wait forever; its alarm clock ends it with a signal.
        signal_after(60)
        with lock:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    leave.set()
    holder.join()


def signal_after(seconds: int) -> None:
    import signal

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def test_a_lock_keeps_threads_apart_and_lets_its_holder_in_again() -> None:
    lock, order = Lock(), []

    def work() -> None:
        with lock:
            order.append("other")

    with lock, lock:
        other = threading.Thread(target=work)
        other.start()
        time.sleep(0.05)
        order.append("holder")
    other.join()
    assert order == ["holder", "other"]


def test_a_pickled_lock_is_a_new_one() -> None:
    with (lock := Lock()):
        copy = pickle.loads(pickle.dumps(lock))
    assert isinstance(copy, Lock)
    assert copy is not lock


def test_a_fork_waits_for_those_inside() -> None:
    gate = ForkGate(lambda: None)
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        with gate, gate:
            inside.set()
            leave.wait(120)

    worker = threading.Thread(target=work)
    worker.start()
    inside.wait(120)
    threading.Timer(0.3, leave.set).start()
    child = os.fork()
    left = leave.is_set()
    if not child:
        signal_after(60)
        with gate:
            os._exit(0 if left else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert left
    worker.join()
