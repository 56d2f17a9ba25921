"""Manage the clients of the district. Nobody makes or takes over a client that may do more than they may."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Body, Path, Response
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.access.tokens import Scope
from gradesync.api import pagination
from gradesync.api.auth import DistrictReader, DistrictWriter, RequestContext
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Page, PlainText
from gradesync.api.schemas import clients as schemas
from gradesync.db import audit, clients
from gradesync.db.clients import ListedClient
from gradesync.errors import RequestRefused

router = Router("Clients", prefix="/clients")

MAX_CLIENTS = 50
ClientId = Annotated[PlainText, Path(max_length=64, description="The id of a client")]


@router.get("", summary="List the district's clients", responses=problem_responses("cursor-not-valid"))
async def list_clients(
    *,
    context: DistrictReader,
    response: Response,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> Page[schemas.Client]:
    """List clients, the oldest first, revoked ones too. Secrets are shown only when they are made."""
    listing = context.listing("/clients")
    position = listing.position(cursor)
    after = (datetime.fromisoformat(position[0]), position[1]) if position else None
    async with context.database() as db:
        rows = await clients.page(db, after=after, limit=limit + 1)
    items, next_cursor = listing.paginate(
        response, rows, limit, lambda row: (row.created_at.isoformat(), row.id)
    )
    return Page(items=[schemas.Client.model_validate(asdict(row)) for row in items], next_cursor=next_cursor)


@router.post(
    "",
    status_code=201,
    summary="Add a client",
    responses=problem_responses("client-beyond-caller", "too-many-clients"),
)
async def add_client(*, context: DistrictWriter, wanted: schemas.ClientRequest) -> schemas.ClientSecret:
    """Make a client with scopes that the caller has too. Its secret is shown only in this response."""
    await _check_scopes(context, wanted.scopes)
    async with context.with_lock("clients") as db:
        if await clients.count_active(db) >= MAX_CLIENTS:
            raise RequestRefused("too-many-clients", f"A district can have {MAX_CLIENTS}.")
        actor = context.by.actor
        id_, secret = await clients.create(db, wanted.scopes, name=wanted.name, created_by=actor)
        entry = {"client": id_, "name": wanted.name, "scopes": sorted(set(wanted.scopes))}
        await audit.append(db, actor, "client.created", entry, context.source_ip)
        return _render_secret(await _existing(db, id_), secret)


@router.post(
    "/{client_id}/rotate",
    summary="Rotate the secret",
    responses=problem_responses("client-not-found", "client-beyond-caller"),
)
async def rotate_client(
    *,
    context: DistrictWriter,
    client_id: ClientId,
    wanted: Annotated[schemas.RotateRequest | None, Body()] = None,
) -> schemas.ClientSecret:
    """Create a new secret, shown only once. The old one is accepted for 24 hours, or as long as chosen.

    Tokens belong to the client, not to its secret: they stay valid until they expire. To end them at once,
    revoke the client.
    """
    keep_hours = (wanted or schemas.RotateRequest()).keep_old_hours
    async with context.database() as db:
        client = await _existing(db, client_id)
    await _check_scopes(context, client.scopes)
    async with context.database() as db:
        secret = await clients.rotate(db, client_id, keep_old=timedelta(hours=keep_hours))
        if secret is None:
            raise _unknown()
        entry = {"client": client_id, "keep_old_hours": keep_hours}
        await audit.append(db, context.by.actor, "client.rotated", entry, context.source_ip)
        return _render_secret(await _existing(db, client_id), secret)


@router.delete(
    "/{client_id}",
    status_code=204,
    summary="Revoke a client",
    responses=problem_responses("client-not-found"),
)
async def revoke_client(*, context: DistrictWriter, client_id: ClientId) -> None:
    """Revoke a client. Its secrets and all its tokens end at once, teachers' tokens from it too."""
    async with context.database() as db:
        if not await clients.revoke(db, client_id):
            raise _unknown()
        await audit.append(db, context.by.actor, "client.revoked", {"client": client_id}, context.source_ip)


async def _check_scopes(context: RequestContext, scopes: Iterable[str]) -> None:
    """Refuse scopes that the caller cannot give. Raises `RequestRefused("client-beyond-caller")`.

    A client may start and switch syncs wherever it has the scope; an admin only as the policy allows (R22).
    """
    given = context.caller.scopes
    if context.caller.kind == "admin":
        policy = (await context.district()).policy
        if not (policy.admin_sync or policy.service_sync):
            given -= {Scope.SYNCS_WRITE}
    if beyond := sorted(set(scopes) - given):
        raise RequestRefused("client-beyond-caller", f"You cannot give {', '.join(beyond)}.")


async def _existing(db: AsyncSession, client_id: str) -> ListedClient:
    """Return a client that is not revoked."""
    client = await clients.get(db, client_id)
    if client is None or client.revoked_at is not None:
        raise _unknown()
    return client


def _unknown() -> RequestRefused:
    return RequestRefused("client-not-found", "The district has no such client that is active.")


def _render_secret(client: ListedClient, secret: str) -> schemas.ClientSecret:
    return schemas.ClientSecret.model_validate({**asdict(client), "secret": secret})
