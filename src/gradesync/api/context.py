"""One authorized request: who asks, about which section, and what that lets the handlers reach."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.access.tokens import Caller
from gradesync.api.live import Outline, Place, SisSide
from gradesync.api.pagination import Listing
from gradesync.api.paths import section_path
from gradesync.api.service import Service
from gradesync.core.district import District
from gradesync.core.ports import Member
from gradesync.db import links
from gradesync.sync.manual_links import By


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A caller in the district of the token."""

    service: Service
    caller: Caller
    source_ip: str | None

    @property
    def by(self) -> By:
        """The caller as the audit log names them."""
        return By(self.caller.actor, self.source_ip)

    def database(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction in the caller's district."""
        return self.service.database.district(self.caller.district_id)

    async def district(self) -> District:
        return await self.service.live.district(self.caller.district_id)

    def listing(self, path: str, filters: Mapping[str, str] | None = None) -> Listing:
        """A list as this caller asks for it."""
        return Listing(self.service.cursor_key, self.caller.district_id, path, filters or {})


@dataclass(frozen=True, slots=True)
class SectionContext(RequestContext):
    """A caller whose token covers the section. Live reads raise `SyncStopped` and `Retriable`."""

    section_id: str

    @property
    def path(self) -> str:
        return section_path(self.section_id)

    @property
    def place(self) -> Place:
        """The section, in the name of a teacher who asks."""
        requester = self.caller.subject if self.caller.section_id else None
        return Place(self.caller.district_id, self.section_id, requester)

    async def outline(self) -> Outline:
        return await self.service.live.outline(self.place)

    async def members(self) -> tuple[Member, ...]:
        return await self.service.live.members(self.place)

    async def sis_side(self) -> SisSide:
        return await self.service.live.sis_side(self.place)

    async def must_be_known(self) -> None:
        """Ask Schoology about a section that we do not know. Raises `SyncStopped("section-not-found")`.

        A teacher's token proves its section: the launch came from there.
        """
        if self.caller.section_id is not None:
            return
        async with self.database() as db:
            known = await links.get(db, self.section_id)
        if known is None:
            await self.outline()
