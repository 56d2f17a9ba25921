"""Wait for processes by locks and pipes: the kernel ends both with the last process that has them."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TIMEOUT = 30.0  # seconds that a server may take to come up or to end


class EmbeddedError(Exception):
    """Report why the embedded servers cannot start here, and what to do."""


def has_writer(reader: int) -> bool:
    """Return whether a process has a FIFO open for writing, after one has had it open before."""
    try:
        return os.read(reader, 1) != b""
    except BlockingIOError:
        return True


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Lock a file, once no other process has its lock. Child processes may inherit the handle."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        wait(lambda: _lock(handle), f"Another process still has the lock of {path}.")
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
    """Poll until `done`. Raises `EmbeddedError` with the message `otherwise` after `TIMEOUT`."""
    deadline = time.monotonic() + TIMEOUT
    while not done():
        if time.monotonic() > deadline:
            raise EmbeddedError(otherwise)
        time.sleep(0.005)
