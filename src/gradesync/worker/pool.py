"""The worker: hands that carry syncs, woken by bells, and looking for themselves where nobody rings."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, cast

from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from prometheus_client import Gauge

from gradesync.observability.periodic import end, repeated, tell
from gradesync.runtime import Runtime
from gradesync.sync.claim import claim
from gradesync.sync.context import SyncContext
from gradesync.sync.preflight import advance
from gradesync.sync.run import perform
from gradesync.wakeup import THERE_IS_WORK, Wakeup, to_bytes
from gradesync.worker.webhooks import WebhookSender

LISTEN_SECONDS = 0.1
LOOK_SECONDS = 1.0
POST_SECONDS = 1.0
HEALTH_SECONDS = 15
HELD_SECONDS = 30.0
"""How long a worker whose hands are full keeps a bell; by then its hands have looked for themselves."""

WORKING = Gauge("gradesync_syncs_running", "SyncPool of this worker that carry a sync now.")


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncIterator[None]:
    """Carry syncs while the block lasts, and make deliveries and reports beside.

    At its end what is being carried goes back to the queue.
    """
    hands = SyncPool(runtime.engine, runtime.settings.max_syncs)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(hands.rest)
        await stack.enter_async_context(repeated("look for work", hands.wake, seconds=LOOK_SECONDS))
        await stack.enter_async_context(repeated("deliver", post(runtime).deliver, seconds=POST_SECONDS))
        await stack.enter_async_context(
            repeated("pre-flight", lambda: advance(runtime.engine), seconds=LOOK_SECONDS)
        )
        await stack.enter_async_context(repeated("listen", lambda: listen(runtime, hands), seconds=1))
        yield


def post(runtime: Runtime) -> WebhookSender:
    """What a process delivers webhooks with."""
    return WebhookSender(runtime.database, runtime.client, runtime.clock)


class SyncPool:
    """Carries at most `most` syncs at once; each hand takes one after another until there is none."""

    def __init__(self, engine: SyncContext, most: int) -> None:
        self._engine = engine
        self._free = asyncio.Semaphore(most)
        self._busy: set[asyncio.Task[None]] = set()

    async def wake(self) -> None:
        """Let a hand look for work, where one is free."""
        if not self._free.locked():
            await self.take()

    async def take(self) -> None:
        """Let a hand look for work, as soon as one is free."""
        await self._free.acquire()
        hand = asyncio.create_task(self._carry())
        self._busy.add(hand)
        hand.add_done_callback(self._rested)

    async def rest(self) -> None:
        """Give back everything that is being carried."""
        await end(self._busy)

    async def _carry(self) -> None:
        with WORKING.track_inprogress():
            try:
                while claimed := await claim(self._engine):
                    await self.wake()  # where one sync waited, others may
                    await perform(self._engine, claimed)
            except Exception as error:
                tell("work", error)

    def _rested(self, hand: asyncio.Task[None]) -> None:
        self._busy.discard(hand)
        self._free.release()


async def listen(runtime: Runtime, hands: SyncPool) -> None:
    """Hear bells for ever. Raises where Redis is away for long; the hands go on by themselves."""
    ears = Worker(
        functions=[func(cast("WorkerCoroutine", there_is_work), name=THERE_IS_WORK, keep_result=0)],
        redis_pool=runtime.redis,
        ctx={"bell": runtime.bell, "hands": hands},
        max_jobs=1,  # with full hands, all other bells are left to other workers
        poll_delay=LISTEN_SECONDS,
        job_timeout=2 * HELD_SECONDS,
        keep_result=0,
        health_check_interval=HEALTH_SECONDS,
        handle_signals=False,
        job_serializer=to_bytes,
        job_deserializer=json.loads,
        log_results=False,
    )
    try:
        await ears.async_run()
    finally:
        for hearing in ears.tasks.values():
            hearing.cancel()
        await asyncio.gather(*ears.tasks.values(), return_exceptions=True)


async def there_is_work(context: dict[str, Any], district_id: str) -> None:
    """A bell: the hand that it wakes finds out itself what there is to do."""
    hands: SyncPool = context["hands"]
    bell: Wakeup = context["bell"]
    await bell.heard(district_id)
    with suppress(TimeoutError):
        async with asyncio.timeout(HELD_SECONDS):
            await hands.take()
