"""Open the systems of a district. Connections, tokens and call budgets are shared."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Protocol, Self

import httpx
from prometheus_client import Gauge
from redis.asyncio import Redis

from gradesync.core.district import District, SchoologyAccess, SisAccess
from gradesync.core.ports import BudgetState, Clock, Finding, Permit, Source, Target
from gradesync.core.rehearsal import Writing
from gradesync.oneroster.connection import OneRoster
from gradesync.powerschool.connection import PowerSchool
from gradesync.schoology.calls import SchoologyDialect
from gradesync.schoology.check import check_connection
from gradesync.schoology.source import SchoologySource
from gradesync.sync.match_check import check_match
from gradesync.upstream import skipped_districts
from gradesync.upstream.auth import OAuth1
from gradesync.upstream.call_budget import CallBudget
from gradesync.upstream.client import Backoff, Upstream
from gradesync.upstream.limits import Budget, RateLimit, count_open_circuits, per_window


def utc_now() -> datetime:
    """Return the time, as all but tests use it."""
    return datetime.now(UTC)


class Connection(Protocol):
    """Hold what all syncs of a district share of its SIS: tokens, and what was learned."""

    @classmethod
    def rate(cls, access: SisAccess) -> RateLimit | None:
        """Return the limit of calls; None where there is none."""
        ...

    @classmethod
    def relax_limit(cls, access: SisAccess, factor: int) -> SisAccess:
        """Return an access whose limit, where there is one, allows so many times the calls."""
        ...

    @classmethod
    def writing(cls, access: SisAccess, score_batch: int) -> Writing:
        """Return how it takes writes, of `score_batch` scores at most."""
        ...

    @classmethod
    def open(
        cls,
        access: SisAccess,
        transport: httpx.AsyncBaseTransport,
        budget: Budget,
        *,
        timeout: float,
        backoff: Backoff,
        clock: Clock,
    ) -> Self:
        """Return a connection that has sent nothing yet. `timeout`: seconds per call."""
        ...

    def open_target(
        self, district: District, *, permit: Permit | None, until: datetime, rows_per_write: int
    ) -> Target:
        """Return a target for one holder of a lease; retries go on until `until` at the latest."""
        ...


CONNECTIONS: Mapping[str, type[Connection]] = {"powerschool": PowerSchool, "oneroster": OneRoster}
SYSTEMS = ("schoology", *CONNECTIONS)
ACCOUNTS_KEPT = 1000  # whose names are remembered
OPEN_CIRCUITS = Gauge(
    "gradesync_circuits_open",
    "Accounts of upstream systems whose circuit is open, as every process sees them.",
    ["system"],
)


async def observe_circuits(redis: Redis) -> dict[str, int] | None:
    """Count the open circuits by system, and set the metric; None while Redis is away."""
    counts = await count_open_circuits(redis)
    if counts is None:
        return None
    for system in SYSTEMS:
        OPEN_CIRCUITS.labels(system).set(counts[system])
    return {system: counts[system] for system in SYSTEMS}


def describe_writing(access: SisAccess, score_batch: int) -> Writing:
    """Return how a district's SIS takes writes, of `score_batch` scores at most."""
    return CONNECTIONS[access.kind].writing(access, score_batch)


def has_limit(access: SisAccess) -> bool:
    """Return whether a district's SIS limits the calls to it."""
    return CONNECTIONS[access.kind].rate(access) is not None


def relax_limit(access: SisAccess, factor: int) -> SisAccess:
    """Return the access of a SIS that allows so many times the calls of this one."""
    return CONNECTIONS[access.kind].relax_limit(access, factor)


@dataclass(slots=True)
class UpstreamSystems:
    """Open the systems of districts over HTTP; implements `Systems`.

    `call_timeout` is the total time of one upstream call, in seconds. `backoff` sets how often a call is
    tried, and the pauses in between.
    """

    transport: httpx.AsyncBaseTransport
    redis: Redis
    clock: Clock
    call_timeout: float
    score_batch: int
    backoff: Backoff = field(default_factory=Backoff)
    _budgets: dict[tuple[str, RateLimit | None], CallBudget] = field(default_factory=dict)
    _sources: dict[str, SchoologySource] = field(default_factory=dict)
    _large_sections: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _connections: dict[SisAccess, Connection] = field(default_factory=dict)

    async def reserve_sync(self, district: District) -> bool:
        """Reserve the first reads of a sync; False where no budget is left now, or a circuit is open."""
        if await self._reserve(district, district.schoology.calls_per_sync, leaving=0):
            return True
        await skipped_districts.note(self.redis, district.id)
        return False

    async def give_back_sync(self, district: District) -> None:
        """Give back the first reads of a sync that was not there to be claimed."""
        await self._schoology_budget(district.schoology).give_back(district.schoology.calls_per_sync)

    async def skipped_districts(self) -> list[str]:
        """Return the districts that any process skipped lately."""
        return await skipped_districts.recent(self.redis)

    async def reserve_spare(self, district: District, calls: int) -> bool:
        """Reserve calls to Schoology; False where they would keep a sync from its first reads."""
        return await self._reserve(district, calls, leaving=district.schoology.calls_per_sync)

    async def open_circuits(self, district: District) -> tuple[str, ...]:
        """Return the systems of the district whose circuit is open."""
        budgets = self.budgets_of(district)
        return tuple([system for system, budget in budgets.items() if await budget.circuit.is_open()])

    async def read_states(self, district: District) -> dict[str, BudgetState | None]:
        """Return the state of each system's call budget; None while Redis is away."""
        return {system: await budget.read_state() for system, budget in self.budgets_of(district).items()}

    def budgets_of(self, district: District) -> dict[str, CallBudget]:
        """Return the call budget of each system of a district."""
        return {
            "schoology": self._schoology_budget(district.schoology),
            district.sis.kind: self._sis_budget(district.sis),
        }

    async def _reserve(self, district: District, calls: int, *, leaving: int) -> bool:
        budgets = self.budgets_of(district)
        return await budgets["schoology"].try_reserve(calls, leaving=leaving, closed=[*budgets.values()])

    def source(self, district: District, *, requester: str | None, until: datetime) -> Source:
        """Open Schoology for one district; `requester` is the uid of the teacher who made the request."""
        source = self._source(district, requester, until)
        self._sources[district.id] = source
        return source

    def _source(self, district: District, requester: str | None, until: datetime) -> SchoologySource:
        access, before = district.schoology, self._sources.get(district.id)
        return SchoologySource(
            Upstream(
                name="schoology",
                base_url=access.base_url,
                auth=OAuth1(
                    access.consumer_key,
                    access.consumer_secret,
                    run_as=requester if access.run_as_requester else None,
                ),
                transport=self.transport,
                budget=self._schoology_budget(access),
                until=until,
                timeout=self.call_timeout,
                dialect=SchoologyDialect(),
                backoff=self.backoff,
                clock=self.clock,
            ),
            multiget_cost=access.multiget_cost,
            multiget_refused=before is not None and before.multiget_refused,
            large=self._large_sections[district.id],
        )

    def target(self, district: District, *, permit: Permit | None, until: datetime) -> Target:
        """Open the SIS of one district. Retries stop at `until`."""
        return self._sis(district.sis).open_target(
            district, permit=permit, until=until, rows_per_write=self.score_batch
        )

    async def check(
        self, district: District, *, until: datetime, section_id: str | None = None
    ) -> tuple[Finding, ...]:
        """Test the credentials and grants of both systems, read-only."""
        source = self._source(district, None, until)
        target = self._sis(district.sis).open_target(
            district, permit=None, until=until, rows_per_write=self.score_batch
        )
        schoology, sis = await asyncio.gather(check_connection(source, section_id), target.check())
        findings = (*schoology, *sis)
        if section_id is None or not all(finding.ok for finding in schoology):
            return findings
        return (*findings, *await check_match(district, source, target, section_id))

    def _sis(self, access: SisAccess) -> Connection:
        """Return the connection of all syncs of the district: they share a token and what was learned."""
        connection = self._connections.get(access)
        if connection is None:
            connection = self._connections[access] = CONNECTIONS[access.kind].open(
                access,
                self.transport,
                self._sis_budget(access),
                timeout=self.call_timeout,
                backoff=self.backoff,
                clock=self.clock,
            )
        return connection

    def _schoology_budget(self, access: SchoologyAccess) -> CallBudget:
        rate = per_window(access.requests_per_window, float(access.window_seconds))
        return self._budget(f"schoology:{_digest(access.base_url, access.consumer_key)}", rate)

    def _sis_budget(self, access: SisAccess) -> CallBudget:
        key = f"{access.kind}:{_digest(access.base_url, access.client_id)}"
        return self._budget(key, CONNECTIONS[access.kind].rate(access))

    def _budget(self, key: str, rate: RateLimit | None) -> CallBudget:
        budget = self._budgets.get((key, rate))
        if budget is None:
            budget = self._budgets[key, rate] = CallBudget(self.redis, key, rate, clock=self.clock)
        return budget


@lru_cache(maxsize=ACCOUNTS_KEPT)
def _digest(*parts: str) -> str:
    """Return a name for an account that reveals nothing of it."""
    return sha256("\n".join(parts).encode()).hexdigest()[:16]
