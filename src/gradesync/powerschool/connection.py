"""One district's PowerSchool in one process: the token, the budget and what was learnt, for all its syncs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from gradesync.core.district import SisAccess
from gradesync.powerschool.auth import ClientCredentials
from gradesync.powerschool.calls import Calls, Memory
from gradesync.powerschool.refusals import PowerSchoolDialect
from gradesync.powerschool.scores import Clearing
from gradesync.powerschool.target import CAPABILITIES, PowerSchoolTarget, with_batches
from gradesync.upstream.client import Backoff, Pace, Permit, Upstream

SYSTEM = "powerschool"


@dataclass(frozen=True, slots=True)
class PowerSchool:
    """Kept by the runtime for as long as the district's access stands. `memory.plugin_id` may be stored."""

    base_url: str
    client: httpx.AsyncClient
    pace: Pace
    auth: ClientCredentials
    memory: Memory
    timeout: float
    backoff: Backoff
    clock: Callable[[], datetime]

    @classmethod
    def open(
        cls,
        access: SisAccess,
        client: httpx.AsyncClient,
        pace: Pace,
        *,
        plugin_id: str | None = None,
        timeout: float = 30.0,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "PowerSchool":
        """Connect nothing yet. `plugin_id` is what an earlier process learnt; `timeout` is per call."""
        backoff = backoff or Backoff()
        tokens = Upstream(
            SYSTEM,
            access.base_url,
            httpx.BasicAuth(access.client_id, access.client_secret),
            client,
            pace,
            until=clock(),
            timeout=timeout,
            dialect=PowerSchoolDialect(),
            backoff=backoff,
            clock=clock,
        )
        auth = ClientCredentials(tokens, clock=clock)
        return cls(access.base_url, client, pace, auth, Memory(plugin_id), timeout, backoff, clock)

    def target(
        self,
        *,
        permit: Permit | None,
        until: datetime,
        student_id: str = "dcid",
        rows_per_write: int = CAPABILITIES.rows_per_write,
        clearing: Clearing = "nulls",
    ) -> PowerSchoolTarget:
        """A target for one holder of a lease; retries go on until `until` at the latest."""
        upstream = Upstream(
            SYSTEM,
            self.base_url,
            self.auth,
            self.client,
            self.pace,
            until=until,
            permit=permit,
            timeout=self.timeout,
            dialect=PowerSchoolDialect(),
            backoff=self.backoff,
            clock=self.clock,
        )
        calls = Calls(upstream, self.auth, self.memory)
        return PowerSchoolTarget(calls, student_id, clearing, with_batches(CAPABILITIES, rows_per_write))
