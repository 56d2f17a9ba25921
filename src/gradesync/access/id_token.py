"""Check id_tokens: signature, party, times, and of LTI the deployment (upstream.md LTI §2.2)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from joserfc import jws, jwt

from gradesync.access.launch import CLAIM
from gradesync.access.platform_keys import PlatformKeys
from gradesync.access.tokens import UNREADABLE
from gradesync.core.district import LtiRegistration
from gradesync.core.ports import Clock
from gradesync.db.codec import is_storable
from gradesync.errors import RequestRefused

ALGORITHM = "RS256"
LEEWAY = 60
ID_TOKEN_MAX = 16_384
LIFETIME_MAX = 86_400
TEXTS = (CLAIM + "version", CLAIM + "message_type", CLAIM + "deployment_id")


@dataclass(frozen=True, slots=True)
class IdToken:
    """Hold a checked id_token: its claims, a text unique to it, and the unix time that it is good until."""

    claims: Mapping[str, Any]
    unique: str  # without the signature, whose encoding is not unique
    good_until: float


@dataclass(frozen=True, slots=True)
class Signer:
    """Name who signs id_tokens, for which client, and where its keys are published."""

    issuer: str
    client_id: str
    jwks_url: str


async def check_id_token(
    text: str, registration: LtiRegistration, keys: PlatformKeys, clock: Clock
) -> IdToken:
    """Check signature, issuer, audience, times, version, kind and deployment.

    Raises `RequestRefused`: `id-token-refused`, `lti-keys-unavailable`. The caller checks whether it was used
    before.
    """
    signer = Signer(registration.issuer, registration.client_id, registration.jwks_url)
    lti: dict[str, jwt.ClaimsOption] = {
        CLAIM + "version": {"essential": True, "value": "1.3.0"},
        CLAIM + "message_type": {"essential": True, "value": "LtiResourceLinkRequest"},
        CLAIM + "deployment_id": {"essential": True, "value": registration.deployment_id},
    }
    claims = await verify_id_token(text, signer, keys, clock, lti)
    _check_texts(claims, TEXTS)
    return IdToken(claims, text.rpartition(".")[0], float(claims["exp"]) + LEEWAY)


async def verify_id_token(
    text: str,
    signer: Signer,
    keys: PlatformKeys,
    clock: Clock,
    required: Mapping[str, jwt.ClaimsOption] = MappingProxyType({}),
) -> Mapping[str, Any]:
    """Return the claims of an id_token by that signer, with a nonce, in time, and the `required` ones.

    Raises `RequestRefused`: `id-token-refused`, `lti-keys-unavailable`.
    """
    if len(text) > ID_TOKEN_MAX:
        raise _refused("It is too long.")
    try:
        kid = jws.extract_compact(text.encode("ascii")).headers().get("kid")
        published = await keys.for_key(signer.jwks_url, kid)
        claims = jwt.decode(text, published, algorithms=[ALGORITHM]).claims
        _registry(signer, required, lambda: int(clock().timestamp())).validate(claims)
    except UNREADABLE as error:
        raise _refused(f"It isn't valid: {getattr(error, 'error', 'unreadable')}.") from error
    _check_texts(claims, ("nonce", "sub"))
    _check_party(claims, signer)
    if claims["exp"] > clock().timestamp() + LIFETIME_MAX:  # a sum: it may be too large for a difference
        raise _refused("It expires too late.")
    return claims


def _registry(
    signer: Signer, required: Mapping[str, jwt.ClaimsOption], now: Callable[[], int]
) -> jwt.JWTClaimsRegistry:
    present: jwt.ClaimsOption = {"essential": True}
    return jwt.JWTClaimsRegistry(
        now,
        LEEWAY,
        iss={"essential": True, "value": signer.issuer},
        aud={"essential": True, "value": signer.client_id},
        exp=present,
        iat=present,
        sub=present,
        nonce=present,
        **required,
    )


def _check_texts(claims: Mapping[str, Any], names: Iterable[str]) -> None:
    """Require texts where a list would pass too, and no character that cannot be stored."""
    if not all(isinstance(claims[name], str) for name in names):
        raise _refused("A claim that must be a text is none.")
    if not is_storable(claims):
        raise _refused("It has a character that no text can have.")


def _check_party(claims: Mapping[str, Any], signer: Signer) -> None:
    """Require us as the authorized party, where one is named or there are several audiences."""
    party, several = claims.get("azp"), isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if party != signer.client_id and (several or party is not None):
        raise _refused("It is for another party.")


def _refused(detail: str) -> RequestRefused:
    return RequestRefused("id-token-refused", f"The id_token is not accepted. {detail}")
