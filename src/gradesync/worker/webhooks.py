"""Delivers what the outbox holds: signed (Standard Webhooks), to public addresses, tried again for a day."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from random import uniform
from typing import NamedTuple

import httpx
from prometheus_client import Counter
from standardwebhooks import Webhook
from structlog.contextvars import bound_contextvars

from gradesync.db import webhooks
from gradesync.db.session import Database
from gradesync.db.webhooks import DueDelivery
from gradesync.errors import SyncStopped
from gradesync.observability.periodic import tell
from gradesync.sync.ports import Clock

TRY_SECONDS = 10.0
HOLD_SECONDS = 60.0
"""How long a delivery is held for one attempt; longer than that attempt can take."""
AT_ONCE = 10
DISTRICTS_AT_ONCE = 5
MOST_ATTEMPTS = 10
FIRST_PAUSE = 5.0
GROWTH = 4
LONGEST_PAUSE = 6 * 3600.0

DELIVERIES = Counter("gradesync_webhook_attempts_total", "Attempts to deliver to webhooks.", ["answer"])


class Tried(NamedTuple):
    """How one attempt went: the HTTP status where there was one, and why it does not count as delivered."""

    answer: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """What deliveries are made with. `client` goes to public addresses alone, and follows no redirect.

    `patience`: seconds that one attempt may take.
    """

    database: Database
    client: httpx.AsyncClient
    clock: Clock
    patience: float = TRY_SECONDS

    async def deliver(self) -> int:
        """Make every delivery whose time has come, at most a few at once; answers how many were tried."""
        async with self.database.without_tenant() as door:
            due = await webhooks.due_districts(door)
        tried = await asyncio.gather(*(self._survive(one) for one in due[:DISTRICTS_AT_ONCE]))
        return sum(tried)

    async def _survive(self, district_id: str) -> int:
        """What goes wrong in one district is no other's trouble."""
        with bound_contextvars(district=district_id):
            try:
                return await self._deliver_of(district_id)
            except Exception as error:
                tell("deliver", error)
                return 0

    async def _deliver_of(self, district_id: str) -> int:
        async with self.database.district(district_id) as db:
            parcels = await webhooks.take(db, district_id, most=AT_ONCE, hold_seconds=HOLD_SECONDS)
        tried = await asyncio.gather(*(self._try(parcel) for parcel in parcels))
        async with self.database.district(district_id) as db:
            for parcel, (answer, error) in zip(parcels, tried, strict=True):
                again = pause_after(parcel.attempt) if error and answer != HTTPStatus.GONE else None
                await webhooks.close(db, parcel, answer=answer, error=error, again_in=again)
                DELIVERIES.labels(error or "delivered").inc()
        return len(parcels)

    async def _try(self, parcel: DueDelivery) -> Tried:
        try:
            async with asyncio.timeout(self.patience):
                answer = await self._send(parcel)
        except TimeoutError:
            return Tried(error="timed-out")
        except SyncStopped:
            return Tried(error="address-not-allowed")
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            ValueError,
        ):  # names that cannot be encoded are ValueErrors
            return Tried(error="no-answer")
        return Tried(answer, None if 200 <= answer < 300 else "refused")

    async def _send(self, parcel: DueDelivery) -> int:
        """The status of the answer; its body is of no interest."""
        request = self.client.build_request(
            "POST", parcel.url, content=parcel.payload.encode(), headers=self._signed(parcel)
        )
        answer = await self.client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code

    def _signed(self, parcel: DueDelivery) -> dict[str, str]:
        now = self.clock()
        signatures = (
            Webhook(secret).sign(parcel.delivery_id, now, parcel.payload) for secret in parcel.secrets
        )
        return {
            "content-type": "application/json",
            "user-agent": "gradesync",
            "webhook-id": parcel.delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def pause_after(attempt: int) -> float | None:
    """Seconds until the next attempt, spread a little; None after the last one."""
    if attempt >= MOST_ATTEMPTS:
        return None
    pause: float = min(FIRST_PAUSE * GROWTH ** (attempt - 1), LONGEST_PAUSE)
    return pause * uniform(0.9, 1.1)  # noqa: S311 - spreads load, keeps no secret
