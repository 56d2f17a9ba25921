"""Check an LTI 1.3 launch (upstream.md LTI §2.2): signature, party, times, nonce, installation."""

from datetime import UTC, datetime
from hmac import compare_digest

import msgspec
from joserfc import jws

from gradesync.access.id_token import IdToken, check_id_token
from gradesync.access.launch import CLAIM
from gradesync.access.tokens import UNREADABLE
from gradesync.core.district import District
from gradesync.db import installations, tokens
from gradesync.db.codec import is_storable
from gradesync.errors import RequestRefused
from gradesync.lti.logins import CheckedLaunch, Login
from gradesync.lti.page_data import check_launch
from gradesync.lti.tool import Tool, origin_of


class _Deployment(msgspec.Struct, rename={"id": CLAIM + "deployment_id"}):
    id: str


async def check_launch_token(tool: Tool, login: Login, id_token: str) -> CheckedLaunch:
    """Return the launch of the id_token that answers `login`. Each id_token is accepted once.

    Raises `RequestRefused`: `id-token-refused`, `lti-not-registered`, `lti-keys-unavailable`, `launch-over`,
    and what `check_launch` raises.
    """
    district = await _district(tool, login, id_token)
    if district.lti is None:
        raise RequestRefused("lti-not-registered", "The installation is gone.")
    checked = await check_id_token(id_token, district.lti, tool.keys, tool.clock)
    if not compare_digest(checked.claims["nonce"].encode(), login.nonce.encode()):
        raise RequestRefused("id-token-refused", "It answers another login.")
    if origin_of(str(checked.claims.get(CLAIM + "target_link_uri", ""))) != origin_of(tool.public_url):
        raise RequestRefused("id-token-refused", "It is for another address.")
    launch = check_launch(district, checked.claims)
    await _mark_used(tool, district, checked)
    return launch


async def _district(tool: Tool, login: Login, id_token: str) -> District:
    """Return the district whose installation the token names. The token is not verified yet."""
    try:
        payload = jws.extract_compact(id_token.encode("ascii")).payload
        deployment = msgspec.json.decode(payload, type=_Deployment).id
    except UNREADABLE as error:
        raise RequestRefused("id-token-refused", "It cannot be read.") from error
    if not is_storable(deployment):
        raise RequestRefused("id-token-refused", "It has a character that no text can have.")
    async with tool.database.without_tenant() as db:
        district_id = await installations.find_district(db, login.issuer, login.client_id, deployment)
    return await tool.district(district_id)


async def _mark_used(tool: Tool, district: District, checked: IdToken) -> None:
    async with tool.database.district(district.id) as db:
        if not await tokens.use(db, checked.unique, datetime.fromtimestamp(checked.good_until, UTC)):
            raise RequestRefused("launch-over", "The id_token was used before.")
