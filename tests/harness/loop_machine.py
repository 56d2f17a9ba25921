"""Run a state machine's steps, which are coroutines, on the loop of the test that runs the machine."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from harness.environment import Environment

T = TypeVar("T")


class LoopMachine(RuleBasedStateMachine):
    """Hold what a history has open. A subclass sets `environment` and `loop`."""

    environment: Environment
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.stack = AsyncExitStack()

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(_awaited(work))


async def _awaited(work: Awaitable[T]) -> T:
    return await work
