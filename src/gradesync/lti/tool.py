"""Hold what the tool's handlers work with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from redis.asyncio import Redis
from starlette.requests import Request

from gradesync.access.platform_keys import PlatformKeys
from gradesync.access.tokens import Limits, Tokens, source_ip
from gradesync.core.district import District
from gradesync.core.ports import Clock, Member, Systems
from gradesync.db import districts
from gradesync.db.session import Database
from gradesync.errors import RequestRefused, Retriable
from gradesync.runtime import Runtime

MEMBERS_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Tool:
    """Hold the parts of the runtime that handlers use. `keys` are those of LTI platforms."""

    public_url: str
    database: Database
    redis: Redis
    systems: Systems
    clock: Clock
    tokens: Tokens
    keys: PlatformKeys
    limits: Limits
    logins_per_minute: int

    @classmethod
    def of(cls, runtime: Runtime) -> "Tool":
        """Build the tool of an application, once."""
        return cls(
            public_url=runtime.settings.public_url,
            database=runtime.context.database,
            redis=runtime.redis,
            systems=runtime.systems,
            clock=runtime.clock,
            tokens=runtime.tokens,
            keys=runtime.platform_keys,
            limits=runtime.request_limits,
            logins_per_minute=runtime.settings.token_requests_per_minute,
        )

    @property
    def launch_url(self) -> str:
        """Return the address that platforms post launches to; their apps are registered with it."""
        return f"{self.public_url}/lti/launch"

    async def district(self, district_id: str | None) -> District:
        """Read a district. Raises `RequestRefused("lti-not-registered")` for none."""
        if district_id is not None:
            async with self.database.district(district_id) as db:
                if (district := await districts.get(db)) is not None:
                    return district
        raise RequestRefused("lti-not-registered", "No district has this installation.")

    async def count_request(self, limit: str, request: Request) -> None:
        """Count a request of anybody by its address. Raises `RequestRefused("too-many-logins")`.

        Each `limit` counts for itself: a launch is a login, and then another request.
        """
        if await self.limits.wait(limit, f"ip:{source_ip(request)}", self.logins_per_minute):
            raise RequestRefused("too-many-logins", "")

    async def members(self, district: District, section_id: str, uid: str) -> Sequence[Member]:
        """Read who is enrolled, as `uid` may see it. Raises `SyncStopped`, or `Retriable` for no response."""
        source = self.systems.source(district, requester=uid, until=self.clock() + MEMBERS_TIMEOUT)
        try:
            async with asyncio.timeout(MEMBERS_TIMEOUT.total_seconds()):
                return await source.members(section_id)
        except TimeoutError as error:
            raise Retriable("no response in time") from error


def tool_of(request: Request) -> Tool:
    """Return the tool of the application that got the request."""
    tool: Tool = request.app.state.tool
    return tool


def origin_of(url: str) -> str:
    """Return scheme, host and port; of text that is no address, an origin that nothing has."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()
