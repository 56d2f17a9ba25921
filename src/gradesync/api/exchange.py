"""Exchange an LTI id_token for a token of that teacher in that section (RFC 8693)."""

from datetime import UTC, datetime

from gradesync.access.id_token import check_id_token
from gradesync.access.launch import Launch, read_launch
from gradesync.access.teacher import teacher_scopes
from gradesync.access.tokens import Caller
from gradesync.api.live import Live, SectionRef
from gradesync.core.district import District
from gradesync.db import audit, tokens
from gradesync.db.clients import Client
from gradesync.errors import RequestRefused
from gradesync.runtime import Runtime


async def exchange(
    runtime: Runtime,
    live: Live,
    client: Client,
    id_token: str,
    *,
    wanted: frozenset[str] | None,
    source_ip: str | None,
) -> Caller:
    """Return the teacher who launched, with the scopes they have in that section, of those `wanted`.

    Raises `RequestRefused`: `lti-not-configured`, `id-token-refused`, `id-token-used`,
    `lti-keys-unavailable`, `lti-not-instructor`, `lti-user-unknown`, `lti-section-unknown`,
    `scope-not-allowed`.
    """
    district = await live.district(client.district_id)
    if district.lti is None:
        raise RequestRefused("lti-not-configured", f"District {district.id} has no LTI registration.")
    checked = await check_id_token(id_token, district.lti, runtime.platform_keys, runtime.clock)
    launch = read_launch(checked.claims)
    allowed = await _allowed_scopes(live, district, launch)
    if not (scopes := allowed & (wanted or allowed)):
        raise RequestRefused("scope-not-allowed", "This person has none of the scopes in this section.")
    teacher = Caller(
        district_id=district.id,
        client_id=client.id,
        subject=launch.uid,
        scopes=scopes,
        section_id=launch.section_id,
    )
    async with runtime.context.database.district(district.id) as db:
        if not await tokens.use(db, checked.unique, datetime.fromtimestamp(checked.good_until, UTC)):
            raise RequestRefused("id-token-used", "It was exchanged already.")
        await audit.append(db, f"client:{client.id}", "token.exchanged", _audit_entry(teacher), source_ip)
    return teacher


async def _allowed_scopes(live: Live, district: District, launch: Launch) -> frozenset[str]:
    section = SectionRef(district.id, launch.section_id, launch.uid)
    return await teacher_scopes(launch, district.policy, lambda: live.members_for(section, launch.uid))


def _audit_entry(teacher: Caller) -> dict[str, object]:
    return {"section": teacher.section_id, "teacher": teacher.subject, "scopes": sorted(teacher.scopes)}
