"""Sign a launch as an LTI 1.1 form (upstream.md LTI §2.4)."""

import secrets
from collections.abc import Sequence
from hashlib import sha1

from gradesync_sandbox.lti.platform import Platform, subject
from gradesync_sandbox.schoology.model import Section, User
from gradesync_sandbox.schoology.oauth import base_string, signature

SHORT_ROLES = {"Administrator": "urn:lti:sysrole:ims/lis/Administrator"}


def basic_launch(
    platform: Platform,
    user: User,
    section: Section,
    url: str,
    roles: Sequence[str] | None = None,
    **overrides: str,
) -> dict[str, str]:
    """Return the fields to post to `url`, signed with the app's key and secret by HMAC-SHA1.

    Overrides replace fields before the signature is made, so `oauth_timestamp="1"` is an old launch.
    """
    given = roles if roles is not None else platform.roles_of(user, section)
    fields = {
        "lti_message_type": "basic-lti-launch-request",
        "lti_version": "LTI-1p0",
        "resource_link_id": f"{platform.installation}-{section.id}",
        "resource_link_title": "Sync to SIS",
        "user_id": subject(user),
        "roles": ",".join(SHORT_ROLES.get(role, role) for role in given),
        "context_id": str(section.id),
        "context_title": section.name,
        "tool_consumer_instance_guid": platform.domain,
        **{f"custom_{name}": value for name, value in platform.custom(user, section).items()},
        "oauth_consumer_key": platform.consumer_key,
        "oauth_nonce": sha1(secrets.token_bytes(16), usedforsecurity=False).hexdigest(),
        "oauth_timestamp": str(int(platform.clock())),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_version": "1.0",
        "oauth_callback": "about:blank",
        **overrides,
    }
    base = base_string("POST", url, fields)
    return {**fields, "oauth_signature": signature("HMAC-SHA1", base, platform.consumer_secret)}
