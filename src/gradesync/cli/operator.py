"""Manage districts and their clients, each change with an entry in the district's audit log."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.access.tokens import Scope
from gradesync.cli.district_fields import DISTRICT_ID
from gradesync.cli.district_file import parse
from gradesync.cli.environment import open_settings
from gradesync.cli.output import CommandError
from gradesync.core.catalog import use_sis_name
from gradesync.core.district import District
from gradesync.core.district_differences import Difference, find_differences
from gradesync.core.district_export import export_district
from gradesync.core.fit import is_visible
from gradesync.core.ports import Finding
from gradesync.db import audit, clients, districts, invitations, links
from gradesync.db.clients import ListedClient
from gradesync.db.districts import Applied, DistrictName
from gradesync.db.pauses import Where
from gradesync.db.pauses import find as find_pause
from gradesync.observability import logs as telemetry
from gradesync.runtime import Runtime, open_runtime
from gradesync.settings import Settings
from gradesync.sync import pauses
from gradesync.sync.manual_links import Author

ACTOR = "operator:command"
CHECK_TIME = timedelta(seconds=60)

T = TypeVar("T")


def run(operation: Callable[[Runtime], Awaitable[T]]) -> T:
    """Run one operation in the environment of the command."""
    with open_settings() as settings:
        return asyncio.run(run_with(settings, operation))


async def run_with(settings: Settings, operation: Callable[[Runtime], Awaitable[T]]) -> T:
    """Run one operation under these settings."""
    telemetry.configure_logging("warning", "text")
    async with open_runtime(settings, name="command") as runtime:
        return await operation(runtime)


async def apply(runtime: Runtime, text: str) -> tuple[str, Applied]:
    """Apply the text of a district file; return the district's id. Raises `DistrictFileRefused`."""
    district = parse(text, allow_http=runtime.settings.allow_private_network)
    async with runtime.context.database.district(district.id) as db:
        applied = await districts.apply(db, district)
        await districts.set_filed(db, district)
        if applied != "unchanged":
            await audit.append(db, ACTOR, f"district.{applied}", {"district": district.id})
    return district.id, applied


async def invite(runtime: Runtime, district_id: str, name: str) -> str:
    """Return a link that lets a person set up a district, which there need not be yet: once, for a day."""
    if not re.match(DISTRICT_ID, district_id):
        raise CommandError(
            f"A district cannot be called {district_id!r}.", "Write small letters, digits and hyphens."
        )
    async with runtime.context.database.district(district_id) as db:
        await districts.refuse_copy(db)
        secret = await invitations.create(db, name)
        await audit.append(db, ACTOR, "district.invited", {"district": district_id, "name": name})
    # What follows the # is sent to no server, and so is in no log.
    return f"{runtime.settings.public_url}/console/setup#{district_id}.{secret}"


async def export_file(runtime: Runtime, district_id: str) -> str:
    """Return the file of a district as it is in force, without its secrets."""
    async with open_district(runtime, district_id) as (_, district):
        return export_district(district)


async def find_file_differences(runtime: Runtime, text: str) -> list[Difference]:
    """Compare the text of a district file with what is in force. Raises `DistrictFileRefused`."""
    filed = parse(text, allow_http=runtime.settings.allow_private_network)
    async with open_district(runtime, filed.id) as (_, district):
        return find_differences(filed, district)


async def list_districts(runtime: Runtime) -> list[DistrictName]:
    async with runtime.context.database.without_tenant() as db:
        return await districts.list_names(db)


async def check(runtime: Runtime, district_id: str, section_id: str | None = None) -> tuple[Finding, ...]:
    """Try the district's systems, read-only. The ids are tried on a section, or (None) on a linked one."""
    async with open_district(runtime, district_id) as (db, district):
        linked = await links.page(db, limit=1)
    use_sis_name(district.sis.name)
    section_id = section_id or next((link.section_id for link in linked), None)
    until = runtime.clock() + CHECK_TIME
    return await runtime.systems.check(district, until=until, section_id=section_id)


async def create_client(
    runtime: Runtime, district_id: str, scopes: Sequence[str], name: str = ""
) -> tuple[str, str]:
    """Create a client; return its id and its secret."""
    if unknown := sorted(set(scopes) - set(Scope)):
        raise CommandError(f"No scope is called {', '.join(unknown)}.", f"Scopes are {', '.join(Scope)}.")
    async with open_district(runtime, district_id) as (db, _):
        client_id, secret = await clients.create(db, scopes, name=name, created_by=ACTOR)
        entry = {"client": client_id, "name": name, "scopes": sorted(scopes)}
        await audit.append(db, ACTOR, "client.created", entry)
    return client_id, secret


async def list_clients(runtime: Runtime, district_id: str) -> list[ListedClient]:
    async with open_district(runtime, district_id) as (db, _):
        return await clients.list_all(db)


async def rotate_client(runtime: Runtime, district_id: str, client_id: str, keep_old: timedelta) -> str:
    """Replace a client's secret, and return the new one; the old one is accepted for `keep_old` too."""
    async with open_district(runtime, district_id) as (db, _):
        secret = await clients.rotate(db, client_id, keep_old=keep_old)
        if secret is None:
            raise _no_client(district_id, client_id)
        entry = {"client": client_id, "keep_old_hours": int(keep_old.total_seconds() // 3600)}
        await audit.append(db, ACTOR, "client.rotated", entry)
    return secret


async def revoke_client(runtime: Runtime, district_id: str, client_id: str) -> None:
    async with open_district(runtime, district_id) as (db, _):
        if not await clients.revoke(db, client_id):
            raise _no_client(district_id, client_id)
        await audit.append(db, ACTOR, "client.revoked", {"client": client_id})


def _no_client(district_id: str, client_id: str) -> CommandError:
    return CommandError(
        f"{district_id} has no client {client_id} that is active.", "See `gradesync client list`."
    )


async def pause(runtime: Runtime, district_id: str, where: Where, reason: str) -> None:
    """Pause a district, a school or a section; teachers read the reason."""
    if not is_visible(reason):
        raise CommandError("The reason has no visible character.", "Write why, as teachers are to read it.")
    async with open_district(runtime, district_id):
        pass
    await pauses.pause(runtime.context, district_id, where, reason, Author(ACTOR))


async def resume(runtime: Runtime, district_id: str, where: Where) -> None:
    """Lift the pause of exactly that."""
    async with open_district(runtime, district_id) as (db, _):
        paused = await find_pause(db, where)
    if paused is None:
        raise CommandError(
            "That is not paused.", "Name what was paused: the district, --school or --section."
        )
    least = runtime.settings.settle_seconds
    await pauses.resume(runtime.context, district_id, str(paused.id), Author(ACTOR), least_seconds=least)
    await runtime.wakeup.notify(district_id)


@asynccontextmanager
async def open_district(runtime: Runtime, district_id: str) -> AsyncIterator[tuple[AsyncSession, District]]:
    """Open a transaction of a district. Raises `CommandError` for none such, and `CopyRefused`."""
    async with runtime.context.database.district(district_id) as db:
        await districts.refuse_copy(db)
        district = await districts.get(db)
        if district is None:
            raise CommandError(f"No district is called {district_id}.", "See `gradesync district list`.")
        yield db, district
