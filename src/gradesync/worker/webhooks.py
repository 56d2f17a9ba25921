"""Deliver webhooks from the outbox: signed (Standard Webhooks), to public addresses, retried for a day."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from random import uniform
from typing import NamedTuple

import httpx
from prometheus_client import Counter
from standardwebhooks import Webhook

from gradesync.core.ports import Clock
from gradesync.db import webhooks
from gradesync.db.session import Database
from gradesync.db.webhooks import DueDelivery
from gradesync.errors import SyncStopped
from gradesync.observability.rotation import Rotation

ATTEMPT_SECONDS = 10.0
LEASE_SECONDS = 60.0  # how long a delivery is leased for one attempt; longer than that attempt can take
DELIVERIES_AT_ONCE = 10
DISTRICTS_AT_ONCE = 5
MAX_ATTEMPTS = 10
FIRST_PAUSE = 5.0
GROWTH = 4
LONGEST_PAUSE = 6 * 3600.0

ATTEMPTS = Counter("gradesync_webhook_attempts_total", "Attempts to deliver webhooks.", ["result"])


class AttemptResult(NamedTuple):
    """Hold the HTTP status of an attempt, where there was one, and the reason that it failed."""

    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Send deliveries. `client` connects to public addresses only, and follows no redirect.

    `timeout`: seconds that one attempt may take.
    """

    database: Database
    client: httpx.AsyncClient
    clock: Clock
    timeout: float = ATTEMPT_SECONDS
    rotation: Rotation = field(default_factory=partial(Rotation, "deliver", DISTRICTS_AT_ONCE))

    async def deliver(self) -> int:
        """Attempt deliveries that are due, a few of each district; return how many were attempted."""
        async with self.database.without_tenant() as db:
            due = await webhooks.list_due_districts(db)
        return await self.rotation.serve(due, self._deliver_district)

    async def _deliver_district(self, district_id: str) -> int:
        async with self.database.district(district_id) as db:
            deliveries = await webhooks.claim(
                db, district_id, limit=DELIVERIES_AT_ONCE, lease_seconds=LEASE_SECONDS
            )
        results = await asyncio.gather(*(self._attempt(delivery) for delivery in deliveries))
        async with self.database.district(district_id) as db:
            for delivery, (status, error) in zip(deliveries, results, strict=True):
                pause = pause_after(delivery.attempt) if error and status != HTTPStatus.GONE else None
                await webhooks.close(db, delivery, answer=status, error=error, again_in=pause)
                ATTEMPTS.labels(error or "delivered").inc()
        return len(deliveries)

    async def _attempt(self, delivery: DueDelivery) -> AttemptResult:
        if not delivery.secrets:
            return AttemptResult(error="secret-unreadable")
        try:
            async with asyncio.timeout(self.timeout):
                status = await self._send(delivery)
        except TimeoutError:
            return AttemptResult(error="timed-out")
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
