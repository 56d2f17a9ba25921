"""Token exchange (RFC 8693): an LTI id_token becomes a token for that teacher in that section."""

from datetime import UTC, datetime

from gradesync.access.id_token import check_id_token
from gradesync.access.launch import Launch, read_launch
from gradesync.access.teacher import teacher_scopes
from gradesync.access.tokens import Caller
from gradesync.api.live import Place
from gradesync.api.service import Service
from gradesync.core.district import District
from gradesync.db import audit, tokens
from gradesync.db.clients import Client
from gradesync.errors import RequestRefused


async def exchange(
    service: Service, client: Client, id_token: str, wanted: frozenset[str] | None, source_ip: str | None
) -> Caller:
    """The teacher who launched, with the scopes that this person has in that section, of those `wanted`.

    Raises `RequestRefused`: `lti-not-configured`, `id-token-refused`, `id-token-used`,
    `lti-keys-unavailable`, `lti-not-instructor`, `lti-user-unknown`, `lti-section-unknown`,
    `scope-not-allowed`.
    """
    district = await service.live.district(client.district_id)
    if district.lti is None:
        raise RequestRefused("lti-not-configured", f"District {district.id} takes no launches.")
    checked = await check_id_token(id_token, district.lti, service.keys, service.clock)
    launch = read_launch(checked.claims)
    scopes = await _scopes(service, district, launch)
    if not (scopes := scopes & (wanted or scopes)):
        raise RequestRefused("scope-not-allowed", "This person has none of the scopes in this section.")
    teacher = Caller(
        district_id=district.id,
        client_id=client.id,
        subject=launch.uid,
        scopes=scopes,
        section_id=launch.section_id,
    )
    async with service.database.district(district.id) as db:
        if not await tokens.take(db, checked.unique, datetime.fromtimestamp(checked.good_until, UTC)):
            raise RequestRefused("id-token-used", "It was exchanged already.")
        await audit.append(db, f"client:{client.id}", "token.exchanged", _told(teacher), source_ip)
    return teacher


async def _scopes(service: Service, district: District, launch: Launch) -> frozenset[str]:
    place = Place(district.id, launch.section_id, launch.uid)
    return await teacher_scopes(launch, district.policy, lambda: service.live.members(place))


def _told(teacher: Caller) -> dict[str, object]:
    return {"section": teacher.section_id, "teacher": teacher.subject, "scopes": sorted(teacher.scopes)}
