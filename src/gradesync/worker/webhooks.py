"""Deliver webhooks from the outbox: signed (Standard Webhooks), to public addresses, retried for a day."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from random import uniform
from typing import NamedTuple

import httpx
from prometheus_client import Counter
from standardwebhooks import Webhook
from structlog.contextvars import bound_contextvars

from gradesync.core.ports import Clock
from gradesync.db import webhooks
from gradesync.db.session import Database
from gradesync.db.webhooks import DueDelivery, Room
from gradesync.errors import SyncStopped
from gradesync.observability.periodic import cancel_all, log_failure
from gradesync.observability.rotation import Rotation

ATTEMPT_SECONDS = 10.0
LEASE_SECONDS = 60.0  # how long a delivery is leased for one attempt; longer than that attempt can take
AT_ONCE = 50
WEBHOOK_AT_ONCE = 10
MAX_ATTEMPTS = 10
FIRST_PAUSE = 5.0
GROWTH = 4
LONGEST_PAUSE = 6 * 3600.0
TIMED_OUT = "timed-out"

ATTEMPTS = Counter("gradesync_webhook_attempts_total", "Attempts to deliver webhooks.", ["result"])


class AttemptResult(NamedTuple):
    """Hold the HTTP status of an attempt, where there was one, and the reason that it failed."""

    status: int | None = None
    error: str | None = None


@dataclass(slots=True)
class _UnderWay:
    """Hold the attempts under way, each with its webhook, and the webhooks whose last attempt timed out."""

    attempts: dict[asyncio.Task[None], str] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Send deliveries. `client` connects to public addresses only, and follows no redirect.

    `timeout`: seconds that one attempt may take; `at_once`: attempts at the same time. A webhook gets its
    next messages once its last ones have ended: one that is slow delays itself alone.
    """

    database: Database
    client: httpx.AsyncClient
    clock: Clock
    timeout: float = ATTEMPT_SECONDS
    at_once: int = AT_ONCE
    # One district after another: each sees how much room the one before left.
    rotation: Rotation = field(default_factory=partial(Rotation, "deliver"))
    _under_way: _UnderWay = field(default_factory=_UnderWay, init=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Cancel at the end of the block what is under way: it is due again when its lease has ended."""
        try:
            yield
        finally:
            await cancel_all(self._under_way.attempts)

    async def deliver(self) -> int:
        """Attempt what is due, and wait for the end of all attempts; return how many were begun."""
        begun = await self.begin()
        if attempts := [*self._under_way.attempts]:
            await asyncio.wait(attempts)
        return begun

    async def begin(self) -> int:
        """Begin the attempts that are due, a few of each webhook, and return how many."""
        async with self.database.without_tenant() as db:
            due = await webhooks.list_due_districts(db)
        return await self.rotation.serve(due, self._begin_district)

    async def _begin_district(self, district_id: str) -> int:
        attempts, slow = self._under_way.attempts, self._under_way.slow
        free = min(self.at_once - len(attempts), WEBHOOK_AT_ONCE)
        if free <= 0:
            return 0
        room = Room(free, busy=frozenset(attempts.values()), slow=frozenset(slow))
        async with self.database.district(district_id) as db:
            deliveries = await webhooks.claim(db, district_id, room, lease_seconds=LEASE_SECONDS)
        for delivery in deliveries:
            task = asyncio.create_task(self._deliver_one(district_id, delivery))
            attempts[task] = delivery.webhook_id
            task.add_done_callback(attempts.pop)
        return len(deliveries)

    async def _deliver_one(self, district_id: str, delivery: DueDelivery) -> None:
        with bound_contextvars(district=district_id):
            try:
                await self._record(district_id, delivery, await self._attempt(delivery))
            except Exception as error:
                log_failure("deliver", error)

    async def _record(self, district_id: str, delivery: DueDelivery, result: AttemptResult) -> None:
        status, error = result
        change = self._under_way.slow.add if error == TIMED_OUT else self._under_way.slow.discard
        change(delivery.webhook_id)
        pause = pause_after(delivery.attempt) if error and status != HTTPStatus.GONE else None
        async with self.database.district(district_id) as db:
            await webhooks.close(db, delivery, answer=status, error=error, again_in=pause)
        ATTEMPTS.labels(error or "delivered").inc()

    async def _attempt(self, delivery: DueDelivery) -> AttemptResult:
        if not delivery.secrets:
            return AttemptResult(error="secret-unreadable")
        try:
            async with asyncio.timeout(self.timeout):
                status = await self._send(delivery)
        except TimeoutError:
            return AttemptResult(error=TIMED_OUT)
        except SyncStopped:
            return AttemptResult(error="address-not-allowed")
        # Host names that cannot be encoded are ValueErrors.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return AttemptResult(error="no-response")
        return AttemptResult(status, None if 200 <= status < 300 else "refused")

    async def _send(self, delivery: DueDelivery) -> int:
        """Send a delivery, and return the status of the response; its body is not read."""
        request = self.client.build_request(
            "POST", delivery.url, content=delivery.payload.encode(), headers=self._sign(delivery)
        )
        response = await self.client.send(request, stream=True)
        await response.aclose()
        return response.status_code

    def _sign(self, delivery: DueDelivery) -> dict[str, str]:
        now = self.clock()
        signatures = (
            Webhook(secret).sign(delivery.delivery_id, now, delivery.payload) for secret in delivery.secrets
        )
        return {
            "content-type": "application/json",
            "user-agent": "gradesync",
            "webhook-id": delivery.delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def pause_after(attempt: int) -> float | None:
    """Return the seconds until the next attempt, with jitter; None after the last one."""
    if attempt >= MAX_ATTEMPTS:
        return None
    pause: float = min(FIRST_PAUSE * GROWTH ** (attempt - 1), LONGEST_PAUSE)
    return pause * uniform(0.9, 1.1)  # noqa: S311 - spreads load, keeps no secret
