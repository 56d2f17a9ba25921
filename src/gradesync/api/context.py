"""Carry one request to its handler: the caller, the section, and what these may reach."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.access.tokens import Caller
from gradesync.api.live import Live, Outline, SectionRef, SisSide
from gradesync.api.pagination import Listing
from gradesync.api.paths import section_path
from gradesync.core.district import District
from gradesync.core.ports import Member
from gradesync.db import links
from gradesync.runtime import Runtime
from gradesync.sync.manual_links import Author


def runtime_of(request: Request) -> Runtime:
    """Return the runtime of the application that got the request."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def live_of(request: Request) -> Live:
    """Return the live reads of the application that got the request."""
    live: Live = request.app.state.live
    return live


def source_ip(request: Request) -> str | None:
    """Return the address that the request came from."""
    return request.client.host if request.client else None


CurrentRuntime = Annotated[Runtime, Depends(runtime_of)]
CurrentLive = Annotated[Live, Depends(live_of)]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Describe an authorized request: a caller in the district of the token."""

    runtime: Runtime
    live: Live
    caller: Caller
    source_ip: str | None

    @property
    def by(self) -> Author:
        """Return the caller as the audit log names them."""
        return Author(self.caller.actor, self.source_ip)

    def database(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open one transaction in the caller's district."""
        return self.runtime.database.district(self.caller.district_id)

    async def district(self) -> District:
        """Read the caller's district."""
        return await self.live.district(self.caller.district_id)

    def listing(self, path: str, filters: Mapping[str, str] | None = None) -> Listing:
        """Return the list at `path` as this caller requests it."""
        return Listing(self.runtime.tokens.secret, self.caller.district_id, path, filters or {})


@dataclass(frozen=True, slots=True)
class SectionContext(RequestContext):
    """Describe a request whose token covers the section. Live reads raise `SyncStopped` and `Retriable`."""

    section_id: str

    @property
    def path(self) -> str:
        """Return the path of the section."""
        return section_path(self.section_id)

    @property
    def section_ref(self) -> SectionRef:
        """Return the section, to be read in the teacher's name where a teacher makes the request."""
        requester = self.caller.subject if self.caller.section_id else None
        return SectionRef(self.caller.district_id, self.section_id, requester)

    async def outline(self) -> Outline:
        """Read the section from Schoology, without scores."""
        return await self.live.outline(self.section_ref)

    async def members(self) -> tuple[Member, ...]:
        """Read who is enrolled in the section."""
        return await self.live.members(self.section_ref)

    async def sis_side(self) -> SisSide:
        """Read the SIS section of the link."""
        return await self.live.sis_side(self.section_ref)

    async def require_known(self) -> None:
        """Look a section up in Schoology unless it is linked. Raises `SyncStopped("section-not-found")`."""
        # A teacher's token proves its section: the launch came from there.
        if self.caller.section_id is not None:
            return
        async with self.database() as db:
            link = await links.get(db, self.section_id)
        if link is None:
            await self.outline()
