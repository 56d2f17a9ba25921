"""Share one district's token, call budget and memory among all its syncs in a process."""

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

import httpx

from gradesync.core.district import District, SisAccess
from gradesync.core.ports import Clock, Permit
from gradesync.core.rehearsal import Writing
from gradesync.powerschool.calls import Calls, Memory
from gradesync.powerschool.refusals import MAX_READ_BYTES
from gradesync.powerschool.scores import Clearing
from gradesync.powerschool.target import CAPABILITIES, PowerSchoolTarget
from gradesync.upstream.auth import ClientCredentials
from gradesync.upstream.client import Backoff, Upstream
from gradesync.upstream.limits import Budget, RateLimit, minimum_interval
from gradesync.upstream.response import DEFAULT_PAUSE, UpstreamResponse, retry_after

TOKEN_PATH = "/oauth/access_token"  # noqa: S105 - a path

SYSTEM = "powerschool"


@dataclass(frozen=True, slots=True)
class PowerSchool:
    """Hold what all syncs of a district share, for as long as its access stands."""

    base_url: str
    transport: httpx.AsyncBaseTransport
    budget: Budget
    auth: ClientCredentials
    memory: Memory
    timeout: float
    backoff: Backoff
    clock: Clock

    @classmethod
    def open(
        cls,
        access: SisAccess,
        transport: httpx.AsyncBaseTransport,
        budget: Budget,
        *,
        plugin_id: str | None = None,
        timeout: float,
        backoff: Backoff,
        clock: Clock,
    ) -> "PowerSchool":
        """Return a connection that has sent nothing yet.

        `plugin_id`: as an earlier process read it. `timeout`: seconds per call.
        """
        tokens = Upstream(
            SYSTEM,
            access.base_url,
            httpx.BasicAuth(access.client_id, access.client_secret),
            transport,
            budget,
            until=clock(),
            timeout=timeout,
            dialect=PowerSchoolDialect(),
            backoff=backoff,
            clock=clock,
        )
        auth = ClientCredentials(tokens, TOKEN_PATH, "PowerSchool", clock=clock)
        return cls(access.base_url, transport, budget, auth, Memory(plugin_id), timeout, backoff, clock)

    @classmethod
    def rate(cls, access: SisAccess) -> RateLimit | None:
        """Return the limit of calls that the plugin's minimum interval makes; None where it is off."""
        return minimum_interval(access.minimum_interval_ms)

    @classmethod
    def relax_limit(cls, access: SisAccess, factor: int) -> SisAccess:
        """Return an access that allows so many times the calls."""
        return replace(access, minimum_interval_ms=ceil(access.minimum_interval_ms / factor))

    @classmethod
    def writing(cls, _: SisAccess, score_batch: int) -> Writing:
        """Return that each sync makes one call after another, of many scores."""
        return Writing(score_batch)

    def open_target(
        self, district: District, *, permit: Permit | None, until: datetime, rows_per_write: int
    ) -> PowerSchoolTarget:
        """Return a target for a district as it is configured."""
        return self.target(
            permit=permit,
            until=until,
            student_id=district.match.student_id,
            rows_per_write=rows_per_write,
            timezone=district.timezone,
            marks=district.policy.exception_flags,
        )

    def target(
        self,
        *,
        permit: Permit | None,
        until: datetime,
        student_id: str = "dcid",
        rows_per_write: int = CAPABILITIES.rows_per_write,
        clearing: Clearing = "nulls",
        timezone: str = "UTC",
        marks: bool = False,
    ) -> PowerSchoolTarget:
        """Return a target for one holder of a lease, which makes one call after another.

        So a district's SIS has as many at once as it has syncs. Retries go on until `until` at the latest.
        """
        upstream = Upstream(
            SYSTEM,
            self.base_url,
            self.auth,
            self.transport,
            self.budget,
            until=until,
            permit=permit,
            gate=asyncio.Semaphore(1),
            timeout=self.timeout,
            dialect=PowerSchoolDialect(),
            backoff=self.backoff,
            clock=self.clock,
        )
        calls = Calls(upstream, self.auth, self.memory)
        return PowerSchoolTarget(
            calls,
            student_id,
            clearing,
            timezone,
            marks,
            capabilities=replace(CAPABILITIES, rows_per_write=rows_per_write),
        )


_TOO_MANY = re.compile(r"too\s+many\s+requests|wait\s+(?:for\s+)?\d+(?:\.\d+)?\s*s", re.IGNORECASE)
_SECONDS = re.compile(r"\b(\d{1,9}(?:\.\d+)?)\s*s(?:ec|\b)", re.IGNORECASE)
# Calls that carry or concern what teachers type: their refusals may quote it.
_TYPED = re.compile(r"assignment|score|teacher_category|schema\.(assignment|teachercategory)")


class PowerSchoolDialect:
    """Recognize throttling, by text only where no teacher's text can be in it (R42)."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        status = response.status
        if status < 400 or status == 409:
            return None
        wait = retry_after(response)
        if wait is not None and (status < 500 or status == 503):
            return wait
        seconds = None if _TYPED.match(kind) else _read_seconds(response)
        if seconds is not None:
            return seconds
        return DEFAULT_PAUSE if status == 429 else None

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        # A deleted assignment answers 500, and a row that breaks a batch does: whoever called looks which.
        return kind == "score.write" or (kind == "assignment.get" and response.status == 500)


def _read_seconds(response: UpstreamResponse) -> float | None:
    """Return the seconds that a text asks to wait for; None where it does not ask."""
    text = response.body[:MAX_READ_BYTES].decode(errors="replace")
    if not _TOO_MANY.search(text):
        return None
    seconds = _SECONDS.search(text)
    return float(seconds[1]) if seconds else DEFAULT_PAUSE
