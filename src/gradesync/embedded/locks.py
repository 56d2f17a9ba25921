"""What is alive is told by the kernel: locks and pipes end with the last process that holds them."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a server may take to come up or to end."""


class EmbeddedError(Exception):
    """The embedded servers cannot be started here; the message says why and what to do."""


def is_held(reader: int) -> bool:
    """Tell whether anybody holds the writing end of a FIFO that somebody held before."""
    try:
        return os.read(reader, 1) != b""
    except BlockingIOError:
        return True


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a file's lock, once others let go of it. The handle may be given to child processes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        wait(lambda: _lock(handle), f"Another process still holds {path}.")
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise EmbeddedError(otherwise)
        time.sleep(0.005)
