"""Authenticate a request, and carry what it may reach."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from math import ceil
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Path, Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2, SecurityScopes
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bind_contextvars

from gradesync.access.console import is_allowed, is_viewer
from gradesync.access.tokens import CONSOLE, PAGE, SCOPE_TEXTS, Caller, Scope, TokenRefused, source_ip
from gradesync.api.live import Live, Outline, SectionRef, SisSide
from gradesync.api.pagination import Listing
from gradesync.api.problems import CHALLENGE
from gradesync.api.schemas import SchoologyId
from gradesync.api.schemas.render import section_path
from gradesync.core.catalog import use_sis_name
from gradesync.core.district import District
from gradesync.core.ports import Member
from gradesync.db import clients, districts, links
from gradesync.errors import RequestRefused
from gradesync.runtime import Runtime
from gradesync.sync.manual_links import Author


# All dependencies are coroutines: FastAPI runs others in threads, and a hop costs as much as a query.
async def runtime_of(request: Request) -> Runtime:
    """Return the runtime of the application that got the request."""
    runtime: Runtime = request.app.state.runtime
    return runtime


async def live_of(request: Request) -> Live:
    """Return the live reads of the application that got the request."""
    live: Live = request.app.state.live
    return live


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
        """Open one transaction in the caller's district. Raises `RequestRefused` once that left."""
        return districts.open_staying(self.runtime.context.database, self.caller.district_id)

    def with_lock(self, lock: str) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction like `database`, one at a time for each `lock`."""
        return districts.open_staying(self.runtime.context.database, self.caller.district_id, lock=lock)

    def snapshot(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction like `database` that sees everything as it was at the beginning."""
        return districts.open_staying(self.runtime.context.database, self.caller.district_id, snapshot=True)

    def wake_worker(self, behind: BackgroundTasks) -> None:
        """Wake a worker for what is committed once the response is sent: nobody waits for Redis."""
        behind.add_task(self.runtime.wakeup.notify, self.caller.district_id)

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

    async def require_course_admin(self) -> None:
        """Refuse a person whose sync would be refused (R22). Raises `RequestRefused("not-course-admin")`."""
        # An Instructor's launch proves no enrollment: an assistant and a visitor have that role too.
        caller = self.caller
        if caller.kind == "client" or (await self.district()).policy.admin_sync:
            return
        if caller.kind == "admin" or not await self.live.has_course_admin(self.section_ref, caller.subject):
            raise RequestRefused("not-course-admin", "The token's person is no course admin of the section.")

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


READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A district's client, or an address that a school shares, counts for so many teachers.
TEACHERS_PER_CLIENT = 20

client_credentials = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token", scopes={scope.value: words for scope, words in SCOPE_TEXTS.items()}
        )
    ),
    scheme_name="client",
    description="A client of the district: id and secret, shown once by `gradesync client create`.",
    auto_error=False,
)
bearer = HTTPBearer(
    bearerFormat="JWT",
    scheme_name="token",
    description="A token from /oauth/token, for a client or a teacher; the console has its own.",
    auto_error=False,
)

SectionId = Annotated[SchoologyId, Path(description="Schoology section id")]


async def authenticate(
    required: SecurityScopes,
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    _: Annotated[str | None, Security(client_credentials)],
) -> RequestContext:
    """Return the context of a caller with a valid token that has the scopes of the route."""
    state = request.app.state  # two dependencies more would be analyzed for every route, at each start
    runtime: Runtime = state.runtime
    if credentials is None:
        raise RequestRefused("token-missing", "", headers={CHALLENGE: "Bearer"})
    try:
        caller = runtime.tokens.verify(credentials.credentials)
    except TokenRefused as error:
        raise _not_accepted() from error
    changes = request.method not in READ_METHODS
    counting = _count_request(runtime, caller, request) if changes else ()
    exists, *waits = await asyncio.gather(client_exists(runtime, caller), *counting)
    if not exists:
        raise _not_accepted()
    bind_contextvars(district=caller.district_id)
    use_sis_name(await runtime.sis_names.get(caller.district_id))
    for scope in required.scopes:
        if not caller.may(scope):
            raise _scope_missing(scope)
    if changes and caller.kind == "admin" and is_viewer(caller):
        raise RequestRefused("viewer-only", "")
    _refuse_early(waits)
    return RequestContext(runtime, state.live, caller, source_ip(request))


async def client_exists(runtime: Runtime, caller: Caller) -> bool:
    """Return true if the token's client still exists: revoking a client ends its tokens at once.

    So does an admin's, once the district takes a part of their role away, and any that another cell has.
    """
    async with runtime.context.database.on_driver(caller.district_id) as db:
        if caller.client_id == CONSOLE:
            district = await districts.get(db)
            return district is not None and is_allowed(district, caller)
        if caller.client_id == PAGE:
            return await districts.is_here(db)
        return await clients.is_active(db, caller.client_id)


def _count_request(runtime: Runtime, caller: Caller, request: Request) -> Iterator[Awaitable[float]]:
    """Count a request against each limit of its caller; each returns by how many seconds it is too early."""
    per_teacher = runtime.settings.requests_per_minute
    shared = per_teacher * TEACHERS_PER_CLIENT
    who = f"{caller.district_id}:{caller.actor}", shared if caller.kind == "client" else per_teacher
    for limit in (who, (f"ip:{source_ip(request)}", shared)):
        yield runtime.request_limits.wait("request", *limit)


async def count_token_request(runtime: Runtime, request: Request, client_id: str | None = None) -> None:
    """Count a request for a token: by its address, or by the client that has shown its secret.

    Raises `RequestRefused("too-many-token-requests")`.
    """
    who = client_id or f"ip:{source_ip(request)}"
    per_minute = runtime.settings.token_requests_per_minute
    _refuse_early([await runtime.request_limits.wait("token", who, per_minute)], "too-many-token-requests")


def _refuse_early(waits: Sequence[float], code: str = "too-many-requests") -> None:
    if seconds := max(waits, default=0.0):
        raise RequestRefused(code, "", headers={"retry-after": str(ceil(seconds))})


def _not_accepted() -> RequestRefused:
    return RequestRefused("token-not-accepted", "")


def _scope_missing(scope: str) -> RequestRefused:
    return RequestRefused(
        "scope-missing",
        f"The request needs the scope {scope}.",
        headers={CHALLENGE: f'Bearer error="insufficient_scope", scope="{scope}"'},
        extensions={"scope": scope},
    )


Authenticated = Annotated[RequestContext, Depends(authenticate)]


async def require_section(section_id: SectionId, context: Authenticated) -> SectionContext:
    """Return a context whose token covers the section of the path; to other tokens it does not exist."""
    if context.caller.section_id not in {None, section_id}:
        raise RequestRefused("section-not-found", "The token is for another section.")
    return SectionContext(context.runtime, context.live, context.caller, context.source_ip, section_id)


async def require_client(context: Authenticated) -> RequestContext:
    """Return a context of the district's own client or admin; refuse a teacher's token."""
    if context.caller.section_id is not None:
        raise RequestRefused("district-only", "A teacher's token covers only one section.")
    return context


async def require_client_in_section(
    context: Annotated[SectionContext, Depends(require_section)],
    _: Annotated[RequestContext, Depends(require_client)],
) -> SectionContext:
    """Return the section's context for the district's own client."""
    return context


async def count_section_read(
    context: Annotated[SectionContext, Depends(require_section)], request: Request
) -> SectionContext:
    """Return the section's context for a read that costs as much as a change, and counts like one."""
    _refuse_early(await asyncio.gather(*_count_request(context.runtime, context.caller, request)))
    return context


async def count_district_read(
    context: Annotated[RequestContext, Depends(require_client)], request: Request
) -> RequestContext:
    """Return the context of a client or an admin for a read that counts like a change."""
    _refuse_early(await asyncio.gather(*_count_request(context.runtime, context.caller, request)))
    return context


SyncReader = Annotated[SectionContext, Security(require_section, scopes=[Scope.SYNCS_READ])]
CountedSyncReader = Annotated[SectionContext, Security(count_section_read, scopes=[Scope.SYNCS_READ])]
SyncWriter = Annotated[SectionContext, Security(require_section, scopes=[Scope.SYNCS_WRITE])]
SectionReader = Annotated[SectionContext, Security(require_section, scopes=[Scope.SECTIONS_READ])]
SectionWriter = Annotated[SectionContext, Security(require_client_in_section, scopes=[Scope.SECTIONS_WRITE])]
RunStarter = Annotated[RequestContext, Security(require_client, scopes=[Scope.SYNCS_WRITE])]
LogReader = Annotated[RequestContext, Security(require_client, scopes=[Scope.SYNCS_READ])]
LinkReader = Annotated[RequestContext, Security(require_client, scopes=[Scope.SECTIONS_READ])]
LinkWriter = Annotated[RequestContext, Security(require_client, scopes=[Scope.SECTIONS_WRITE])]
DistrictReader = Annotated[RequestContext, Security(require_client, scopes=[Scope.DISTRICT_READ])]
DistrictWriter = Annotated[RequestContext, Security(require_client, scopes=[Scope.DISTRICT_WRITE])]
Checker = Annotated[RequestContext, Security(require_client, scopes=[Scope.CONNECTIONS_CHECK])]
StudentReader = Annotated[RequestContext, Security(count_district_read, scopes=[Scope.STUDENTS_READ])]
Auditor = Annotated[RequestContext, Security(require_client, scopes=[Scope.AUDIT_READ])]
