"""Compute what takes long beside the event loop, so that other requests go on meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

# In one process: more would take turns with the event loop at the interpreter's lock, and end no sooner.
AT_ONCE = 2
_POOL = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="computing")
# What takes minutes has a thread of its own, and no request of seconds waits behind it.
_LONG = ThreadPoolExecutor(1, thread_name_prefix="computing-long")

T = TypeVar("T")


async def compute(work: Callable[[], T], *, long: bool = False) -> T:
    """Return the result of pure work, in a thread. Where it is cancelled while it waits, it never begins.

    `long`: it is a part of work that takes minutes.
    """
    pool = _LONG if long else _POOL
    return await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, work)
