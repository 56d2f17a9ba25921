"""An LTI id_token checked: signature, party, times, deployment (LTI contract 2.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from gradesync.access.launch import CLAIM
from gradesync.access.platform_keys import PlatformKeys
from gradesync.core.district import LtiRegistration
from gradesync.core.ports import Clock
from gradesync.errors import RequestRefused

ALGORITHM = "RS256"
LEEWAY = 60
ID_TOKEN_MAX = 16_384
LIFE_MAX = 86_400


@dataclass(frozen=True, slots=True)
class IdToken:
    """A checked id_token: its claims, what tells it from every other, and until when (in unix seconds) it
    would be good. `unique` leaves the signature out, whose encoding is not."""

    claims: Mapping[str, Any]
    unique: str
    good_until: float


async def check_id_token(
    text: str, registration: LtiRegistration, keys: PlatformKeys, clock: Clock
) -> IdToken:
    """Check signature, issuer, audience, times, version, kind and deployment.

    Raises `RequestRefused`: `id-token-refused`, `lti-keys-unavailable`. Whether it was used before is the
    caller's to ask.
    """
    if len(text) > ID_TOKEN_MAX:
        raise _refused("It is too long.")
    try:
        kid = jws.extract_compact(text.encode("ascii")).headers().get("kid")
        published = await keys.for_key(registration.jwks_url, kid)
        claims = jwt.decode(text, published, algorithms=[ALGORITHM]).claims
        _registry(registration, lambda: int(clock().timestamp())).validate(claims)
    except (JoseError, ValueError) as error:
        raise _refused(f"It does not hold: {getattr(error, 'error', 'unreadable')}.") from error
    _check_party(claims, registration)
    if claims["exp"] - clock().timestamp() > LIFE_MAX:
        raise _refused("It lives too long.")
    return IdToken(claims, text.rpartition(".")[0], float(claims["exp"]) + LEEWAY)


def _registry(registration: LtiRegistration, now: Callable[[], int]) -> jwt.JWTClaimsRegistry:
    present: jwt.ClaimsOption = {"essential": True}
    lti: dict[str, jwt.ClaimsOption] = {
        CLAIM + "version": {"essential": True, "value": "1.3.0"},
        CLAIM + "message_type": {"essential": True, "value": "LtiResourceLinkRequest"},
        CLAIM + "deployment_id": {"essential": True, "value": registration.deployment_id},
    }
    return jwt.JWTClaimsRegistry(
        now,
        LEEWAY,
        iss={"essential": True, "value": registration.issuer},
        aud={"essential": True, "value": registration.client_id},
        exp=present,
        iat=present,
        sub=present,
        nonce=present,
        **lti,
    )


def _check_party(claims: Mapping[str, Any], registration: LtiRegistration) -> None:
    """Several audiences need an authorized party, and it is never anybody else."""
    party, several = claims.get("azp"), isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if party != registration.client_id and (several or party is not None):
        raise _refused("It was made for another party.")


def _refused(detail: str) -> RequestRefused:
    return RequestRefused("id-token-refused", f"The id_token is not accepted. {detail}")
