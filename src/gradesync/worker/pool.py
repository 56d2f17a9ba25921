"""Run syncs in a pool: woken by the API, and looking for work every second where no wake-up comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast

from arq.typing import WorkerCoroutine
from arq.worker import Worker, func
from prometheus_client import Gauge

from gradesync.observability.periodic import cancel_all, log_failure, run_periodically
from gradesync.redis_client.pool import to_bytes
from gradesync.runtime import Runtime
from gradesync.sync import comparison
from gradesync.sync.claim import Claimed, claim
from gradesync.sync.context import SyncContext
from gradesync.sync.preflight import advance
from gradesync.sync.release import retry_releases
from gradesync.sync.run import run_sync
from gradesync.sync.runs import advance_runs
from gradesync.upstream.egress import limit_connections
from gradesync.wakeup import THERE_IS_WORK, Wakeup
from gradesync.worker.usage import SAVE_SECONDS, UsageMeter
from gradesync.worker.webhooks import WebhookSender

POLL_WAKEUPS_SECONDS = 0.1
LOOK_SECONDS = 1.0
NIGHTLY_SECONDS = 600.0
RELEASE_SECONDS = 1.0
DELIVER_SECONDS = 1.0
HEALTH_SECONDS = 15
WAIT_FOR_SLOT_SECONDS = 30.0  # for so long a full pool keeps a wake-up; it looks for work by itself meanwhile

T = TypeVar("T")

RUNNING = Gauge("gradesync_syncs_running", "Syncs that this worker runs now.")


@asynccontextmanager
async def run_worker(runtime: Runtime) -> AsyncIterator[None]:
    """Run syncs, deliver webhooks, advance reports and compare sections while the block lasts.

    At its end running syncs go back to the queue.
    """
    syncs = Syncs(runtime.context)
    pool = SyncPool(syncs, runtime.settings.max_syncs)
    sender = webhook_sender(runtime)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(retry_releases, runtime.context)  # what draining could not give back
        stack.push_async_callback(syncs.meter.save, runtime.redis)
        stack.push_async_callback(pool.drain)
        await stack.enter_async_context(
            run_periodically("look for work", pool.try_start, seconds=LOOK_SECONDS)
        )
        await stack.enter_async_context(
            run_periodically("release", lambda: retry_releases(runtime.context), seconds=RELEASE_SECONDS)
        )
        await stack.enter_async_context(sender.open())
        await stack.enter_async_context(run_periodically("deliver", sender.begin, seconds=DELIVER_SECONDS))
        feed = partial(advance_runs, runtime.context, runtime.settings.settle_seconds)
        # These wait for systems of districts: one that does not respond keeps no other district waiting.
        for name, step in (
            ("pre-flight", partial(advance, runtime.context)),
            ("comparison", partial(comparison.advance, runtime.context)),
            ("runs", feed),
        ):
            await stack.enter_async_context(
                run_periodically(name, step, seconds=LOOK_SECONDS, overlapping=True)
            )
        await stack.enter_async_context(
            run_periodically(
                "nightly", lambda: comparison.queue_nightly(runtime.context), seconds=NIGHTLY_SECONDS
            )
        )
        await stack.enter_async_context(
            run_periodically("usage", lambda: syncs.meter.save(runtime.redis), seconds=SAVE_SECONDS)
        )
        await stack.enter_async_context(run_periodically("listen", lambda: listen(runtime, pool), seconds=1))
        yield


def webhook_sender(runtime: Runtime) -> WebhookSender:
    """Return the sender of a process's webhooks."""
    # Slow addresses must leave connections to syncs, also where there are few.
    at_once = max(1, limit_connections() // 2)
    return WebhookSender(runtime.context.database, runtime.client, runtime.clock, at_once=at_once)


class Work(Protocol[T]):
    """Hold what a pool does: claim a sync, None where there is none, and run it."""

    async def claim(self) -> T | None: ...

    async def run(self, claimed: T) -> None: ...


@dataclass(frozen=True, slots=True)
class Syncs:
    """Claim the syncs of all districts, and run them."""

    context: SyncContext
    meter: UsageMeter = field(default_factory=UsageMeter)

    async def claim(self) -> Claimed | None:
        return await self.meter.claim(claim(self.context))

    async def run(self, claimed: Claimed) -> None:
        with self.meter.running():
            await run_sync(self.context, claimed)


class SyncPool(Generic[T]):
    """Run at most `limit` syncs at once; each task runs one after another until there is none."""

    def __init__(self, work: Work[T], limit: int) -> None:
        self._work = work
        self._free = asyncio.Semaphore(limit)
        self._tasks: set[asyncio.Task[None]] = set()

    async def try_start(self) -> None:
        """Start a task that looks for work, where a slot is free."""
        if not self._free.locked():
            await self.start()

    async def start(self) -> None:
        """Start a task that looks for work, as soon as a slot is free."""
        await self._free.acquire()
        task = asyncio.create_task(self._run_syncs())
        self._tasks.add(task)
        task.add_done_callback(self._release)

    async def drain(self) -> None:
        """Cancel the tasks: running syncs go back to the queue."""
        await cancel_all(self._tasks)

    async def _run_syncs(self) -> None:
        with RUNNING.track_inprogress():
            try:
                while claimed := await self._work.claim():
                    await self.try_start()  # where one sync waited, others may
                    await self._work.run(claimed)
            except Exception as error:
                log_failure("work", error)

    def _release(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free.release()


async def listen(runtime: Runtime, pool: SyncPool[Claimed]) -> None:
    """Receive wake-ups until it is canceled. Raises where Redis is away for long; the pool works without."""
    receiver = Worker(
        functions=[func(cast("WorkerCoroutine", there_is_work), name=THERE_IS_WORK, keep_result=0)],
        redis_pool=runtime.redis,
        ctx={"wakeup": runtime.wakeup, "pool": pool},
        max_jobs=1,  # while the pool is full, all other wake-ups are left to other workers
        poll_delay=POLL_WAKEUPS_SECONDS,
        job_timeout=2 * WAIT_FOR_SLOT_SECONDS,
        keep_result=0,
        health_check_interval=HEALTH_SECONDS,
        handle_signals=False,
        job_serializer=to_bytes,
        job_deserializer=json.loads,
        log_results=False,
    )
    try:
        await receiver.async_run()
    finally:
        for job in receiver.tasks.values():
            job.cancel()
        await asyncio.gather(*receiver.tasks.values(), return_exceptions=True)


async def there_is_work(context: dict[str, Any], district_id: str) -> None:
    """Handle a wake-up. The task that it starts finds out by itself what there is to do."""
    pool: SyncPool[Claimed] = context["pool"]
    wakeup: Wakeup = context["wakeup"]
    await wakeup.received(district_id)
    with suppress(TimeoutError):
        async with asyncio.timeout(WAIT_FOR_SLOT_SECONDS):
            await pool.start()
