"""Opens the systems of a district. UpstreamSystems, tokens and call budgets are shared by all who open them."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import httpx
from prometheus_client import Gauge
from redis.asyncio import Redis

from gradesync.core.district import District, SchoologyAccess, SisAccess
from gradesync.core.ports import Finding
from gradesync.powerschool.connection import PowerSchool
from gradesync.schoology.auth import OAuth1
from gradesync.schoology.calls import SchoologyDialect
from gradesync.schoology.check import connection_findings
from gradesync.schoology.source import SchoologySource
from gradesync.sync.match_check import join_findings
from gradesync.sync.ports import Clock, Permit, Source, Target
from gradesync.upstream import skipped_districts
from gradesync.upstream.budget import Budget, apart, per_window
from gradesync.upstream.call_budget import Pace, open_circuits
from gradesync.upstream.client import Backoff, Upstream

SYSTEMS = ("schoology", "powerschool")
OPEN = Gauge(
    "gradesync_circuits_open",
    "Accounts of upstream systems that no new sync calls now, as every process sees them.",
    ["system"],
)


async def observe_circuits(redis: Redis) -> dict[str, int] | None:
    """How many circuits are open now, by system, told to the metric too; None while Redis is away."""
    found = await open_circuits(redis)
    if found is None:
        return None
    for system in SYSTEMS:
        OPEN.labels(system).set(found[system])
    return {system: found[system] for system in SYSTEMS}


@dataclass(slots=True)
class UpstreamSystems:
    """Fits `UpstreamSystems`. `call_timeout` is the total time of one upstream call, in seconds.

    `backoff`: how often a call is tried, and how long it waits in between.
    """

    client: httpx.AsyncClient
    redis: Redis
    clock: Clock
    call_timeout: float
    score_batch: int
    backoff: Backoff = field(default_factory=Backoff)
    _paces: dict[tuple[str, Budget | None], Pace] = field(default_factory=dict)
    _sources: dict[str, SchoologySource] = field(default_factory=dict)
    _targets: dict[SisAccess, PowerSchool] = field(default_factory=dict)

    async def reserve_sync(self, district: District) -> bool:
        """Whether a sync of the district could go on at once; takes its reads out of the budget if so."""
        if await self._reserve(district, district.schoology.calls_per_sync, leaving=0):
            return True
        await skipped_districts.note(self.redis, district.id)
        return False

    async def skipped_districts(self) -> list[str]:
        """The districts that were lately not `ready`, to whichever process asked."""
        return await skipped_districts.lately(self.redis)

    async def reserve_spare(self, district: District, calls: int) -> bool:
        """Whether nobody misses so many calls to Schoology; takes them out of the budget if so."""
        return await self._reserve(district, calls, leaving=district.schoology.calls_per_sync)

    async def open_circuits(self, district: District) -> tuple[str, ...]:
        """The systems of the district whose circuit is open."""
        paces = {
            "schoology": self._schoology_pace(district.schoology),
            district.sis.kind: self._sis_pace(district.sis),
        }
        return tuple([system for system, pace in paces.items() if await pace.open()])

    async def _reserve(self, district: District, calls: int, *, leaving: int) -> bool:
        if await self.open_circuits(district):
            return False
        return await self._schoology_pace(district.schoology).try_reserve(calls, leaving=leaving)

    def source(self, district: District, *, requester: str | None, until: datetime) -> Source:
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
                client=self.client,
                pace=self._schoology_pace(access),
                until=until,
                timeout=self.call_timeout,
                dialect=SchoologyDialect(),
                backoff=self.backoff,
                clock=self.clock,
            ),
            multiget_cost=access.multiget_cost,
            multiget_refused=before is not None and before.multiget_refused,
        )

    def target(self, district: District, *, permit: Permit, until: datetime) -> Target:
        return self._powerschool(district.sis).target(
            permit=permit,
            until=until,
            student_id=district.match.student_id,
            rows_per_write=self.score_batch,
        )

    async def check(
        self, district: District, *, until: datetime, section_id: str | None = None
    ) -> tuple[Finding, ...]:
        source = self._source(district, None, until)
        target = self._powerschool(district.sis).target(
            permit=None, until=until, student_id=district.match.student_id
        )
        schoology, sis = await asyncio.gather(connection_findings(source, section_id), target.check())
        found = (*schoology, *sis)
        if section_id is None or not all(one.ok for one in schoology):
            return found
        return (*found, *await join_findings(district, source, target, section_id))

    def _powerschool(self, access: SisAccess) -> PowerSchool:
        """One for all syncs of the district, so that they share a token and what was learnt."""
        opened = self._targets.get(access)
        if opened is None:
            opened = self._targets[access] = PowerSchool.open(
                access,
                self.client,
                self._sis_pace(access),
                timeout=self.call_timeout,
                backoff=self.backoff,
                clock=self.clock,
            )
        return opened

    def _schoology_pace(self, access: SchoologyAccess) -> Pace:
        budget = per_window(access.requests_per_window, float(access.window_seconds))
        return self._pace(f"schoology:{_short(access.base_url, access.consumer_key)}", budget)

    def _sis_pace(self, access: SisAccess) -> Pace:
        key = f"{access.kind}:{_short(access.base_url, access.client_id)}"
        return self._pace(key, apart(access.minimum_interval_ms))

    def _pace(self, key: str, budget: Budget | None) -> Pace:
        pace = self._paces.get((key, budget))
        if pace is None:
            pace = self._paces[key, budget] = Pace(self.redis, key, budget, clock=self.clock)
        return pace


def _short(*parts: str) -> str:
    """A name for an account that gives nothing of it away."""
    return sha256("\n".join(parts).encode()).hexdigest()[:16]
