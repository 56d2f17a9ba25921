"""Find ports of this machine that are free."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

_idle: list[int] = []


def free_port() -> int:
    """Return a port that is free now."""
    return _take_port(0)


@contextmanager
def lend_port() -> Iterator[int]:
    """Lend a port to one borrower after another: an application is built anew for each address."""
    port = _idle.pop() if _idle else 0
    try:
        port = _take_port(port)
    except OSError:  # somebody else has it by now
        port = _take_port(0)
    yield port
    _idle.append(port)


def _take_port(wanted: int) -> int:
    """Return this port if it is free, or a free one for 0. Raises `OSError` where it is taken."""
    with socket.create_server(("127.0.0.1", wanted)) as listener:
        port: int = listener.getsockname()[1]
        return port
