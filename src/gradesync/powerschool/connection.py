"""Share one district's token, call budget and memory among all its syncs in a process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx

from gradesync.core.district import SisAccess
from gradesync.core.ports import Permit
from gradesync.powerschool.calls import Calls, Memory
from gradesync.powerschool.credentials import ClientCredentials
from gradesync.powerschool.dialect import PowerSchoolDialect
from gradesync.powerschool.scores import Clearing
from gradesync.powerschool.target import CAPABILITIES, PowerSchoolTarget
from gradesync.upstream.client import Backoff, Budget, Upstream

SYSTEM = "powerschool"


@dataclass(frozen=True, slots=True)
class PowerSchool:
    """Hold what all syncs of a district share, for as long as its access stands."""

    base_url: str
    client: httpx.AsyncClient
    budget: Budget
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
        budget: Budget,
        *,
        plugin_id: str | None = None,
        timeout: float = 30.0,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "PowerSchool":
        """Return a connection that has sent nothing yet.

        `plugin_id`: as an earlier process read it. `timeout`: seconds per call.
        """
        backoff = backoff or Backoff()
        tokens = Upstream(
            SYSTEM,
            access.base_url,
            httpx.BasicAuth(access.client_id, access.client_secret),
            client,
            budget,
            until=clock(),
            timeout=timeout,
            dialect=PowerSchoolDialect(),
            backoff=backoff,
            clock=clock,
        )
        auth = ClientCredentials(tokens, clock=clock)
        return cls(access.base_url, client, budget, auth, Memory(plugin_id), timeout, backoff, clock)

    def target(
        self,
        *,
        permit: Permit | None,
        until: datetime,
        student_id: str = "dcid",
        rows_per_write: int = CAPABILITIES.rows_per_write,
        clearing: Clearing = "nulls",
        timezone: str = "UTC",
    ) -> PowerSchoolTarget:
        """Return a target for one holder of a lease; retries go on until `until` at the latest."""
        upstream = Upstream(
            SYSTEM,
            self.base_url,
            self.auth,
            self.client,
            self.budget,
            until=until,
            permit=permit,
            timeout=self.timeout,
            dialect=PowerSchoolDialect(),
            backoff=self.backoff,
            clock=self.clock,
        )
        calls = Calls(upstream, self.auth, self.memory)
        return PowerSchoolTarget(
            calls, student_id, clearing, timezone, replace(CAPABILITIES, rows_per_write=rows_per_write)
        )
