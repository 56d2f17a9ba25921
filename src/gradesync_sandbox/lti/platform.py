"""Sign launches as Schoology's LTI service does (upstream.md LTI §2.1)."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import md5
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

from gradesync_sandbox.schoology.model import Role, Section, User
from gradesync_sandbox.schoology.state import Schoology

ISSUER = "https://schoology.schoology.com"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
LIFETIME = 600

# As the value of an override: the claim is left out.
OMIT: Final = object()

LTI_CLAIMS = frozenset(
    {
        "message_type",
        "version",
        "deployment_id",
        "target_link_uri",
        "roles",
        "context",
        "resource_link",
        "custom",
        "launch_presentation",
    }
)


@cache
def signing_key(kid: str = "sandbox-1", owner: str = "platform") -> RSAKey:
    """Return an RSA key of this process. Another owner's key is another one, even under the same `kid`."""
    return RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"})


@dataclass
class Tool:
    """Describe the one registered tool: its login URL and the URLs that a launch may be posted to."""

    login_url: str
    redirect_uris: tuple[str, ...]
    target_link_uri: str


@dataclass(frozen=True)
class Launch:
    """Name who opens the tool in which section; the platform keeps it behind an opaque hint."""

    user: User
    section: Section
    roles: tuple[str, ...]


@dataclass
class Platform:
    """Simulate an issuer with one registered client, installed once in this organization."""

    schoology: Schoology
    client_id: str = "7480000123"
    installation: int = 1_380_000_001
    issuer: str = ISSUER
    domain: str = "riverside.schoology.com"
    consumer_key: str = "7480000123"
    consumer_secret: str = "1t1-0ne-secret-of-the-sandbox"
    tool: Tool | None = None
    clock: Callable[[], float] = time.time
    keys: list[RSAKey] = field(default_factory=lambda: [signing_key()])
    launches: dict[str, Launch] = field(default_factory=dict)

    @property
    def deployment_id(self) -> str:
        return f"{self.client_id}-{self.installation}"

    def register(self, login_url: str, *redirect_uris: str, target_link_uri: str | None = None) -> None:
        """Install the tool: its login initiation URL and every URL that a launch may be posted to."""
        self.tool = Tool(login_url, redirect_uris, target_link_uri or redirect_uris[0])

    def jwks(self) -> dict[str, Any]:
        """Return the public keys, as the key set endpoint serves them."""
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def rotate(self, kid: str, *, keep_old: bool = True) -> None:
        """Sign with a new key from now on; the old one stays published unless `keep_old` is off."""
        self.keys = [signing_key(kid), *(self.keys if keep_old else [])]

    def remember(self, launch: Launch) -> str:
        """Store a launch and return its opaque `lti_message_hint`."""
        hint = secrets.token_urlsafe(18)
        self.launches[hint] = launch
        return hint

    def roles_of(self, user: User, section: Section) -> tuple[str, ...]:
        """Return the membership roles of a launch; a system admin is Administrator *and* Instructor."""
        if user.role is Role.SYSTEM_ADMIN:
            return ("Administrator", "Instructor")
        return ("Instructor",) if section.is_admin(user.uid) else ("Learner",)

    def id_token(
        self,
        user: User,
        section: Section,
        roles: Sequence[str] | None = None,
        *,
        nonce: str | None = None,
        at: float | None = None,
        key: RSAKey | None = None,
        **overrides: Any,
    ) -> str:
        """Return a signed launch.

        `roles` are short membership names; `at` is when it is issued, in unix seconds.

        `key` signs instead of the platform's own. An override replaces a claim: LTI's by their last word
        (`custom=…`, `deployment_id=…`), others by name (`aud=…`, `sub=…`); `OMIT` leaves it out.
        """
        given = tuple(roles) if roles is not None else self.roles_of(user, section)
        claims = self._claims(Launch(user, section, given), nonce, at)
        for name, value in overrides.items():
            claims[CLAIM + name if name in LTI_CLAIMS else name] = value
        present = {name: value for name, value in claims.items() if value is not OMIT}
        signing = key or self.keys[0]
        header = {"typ": "JWT", "alg": "RS256", "kid": signing.kid}
        return jwt.encode(header, present, signing, algorithms=["RS256"])

    def _claims(self, launch: Launch, nonce: str | None, at: float | None) -> dict[str, Any]:
        issued = int(self.clock() if at is None else at)
        section = launch.section
        return {
            "iss": self.issuer,
            "aud": [self.client_id],
            "sub": subject(launch.user),
            "exp": issued + LIFETIME,
            "iat": issued,
            "nonce": nonce or secrets.token_urlsafe(16),
            CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "version": "1.3.0",
            CLAIM + "deployment_id": self.deployment_id,
            CLAIM + "target_link_uri": self.tool.target_link_uri if self.tool else "https://tool.example/lti",
            CLAIM + "roles": [MEMBERSHIP + role for role in launch.roles],
            CLAIM + "context": {"id": str(section.id), "title": section.name, "label": None},
            CLAIM + "resource_link": {"id": f"{self.installation}-{section.id}", "title": "Sync to SIS"},
            CLAIM + "custom": self.custom(launch.user, section),
        }

    def custom(self, user: User, section: Section) -> dict[str, str]:
        """Return the custom parameters as they are recommended for this service; keys come in lower case."""
        return {
            "section_id": str(section.id),
            "section_school_code": section.school_code,
            "user_id": str(user.uid),
            "school_uid": user.school_uid,
            "building_id": str(section.course.building),
            "domain": self.domain,
            "user_timezone": user.tz_name,
        }


def subject(user: User) -> str:
    """Return `{number}::{32 hex}`. The number is nobody's uid: a tool that reads it as one is wrong here."""
    digest = md5(str(user.uid).encode(), usedforsecurity=False).hexdigest()
    return f"{user.uid + 54_321_987}::{digest}"
