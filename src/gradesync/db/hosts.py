"""Connect to the PostgreSQL of a URL that can be used, where it names several."""

from collections.abc import Sequence
from typing import Any

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, TargetServerAttributeNotMatched

CONNECT_SECONDS = 10.0  # for all hosts together


async def connect(
    *, host: str | Sequence[str] | None = None, port: int | Sequence[int] | None = None, **options: Any
) -> Any:
    """Connect to the first host that answers, and is what `target_session_attrs` asks for.

    Each has its share of the time. The driver would spend all of it on one that swallows what is sent, such
    as a machine that is gone, and never ask the next.
    """
    if host is None or isinstance(host, str):
        return await asyncpg.connect(host=host, port=port, timeout=CONNECT_SECONDS, **options)
    ports = [port] * len(host) if port is None or isinstance(port, int) else port
    last: Exception | None = None
    for one, its_port in zip(host, ports, strict=True):
        try:
            return await asyncpg.connect(
                host=one, port=its_port, timeout=CONNECT_SECONDS / len(host), **options
            )
        except (OSError, CannotConnectNowError, TargetServerAttributeNotMatched) as error:
            last = error
    raise last or ValueError("the URL names no host")
