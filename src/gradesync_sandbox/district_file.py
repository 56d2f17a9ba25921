"""Render the invented district as a gradesync district file, and as one JSON object for scripts."""

import json
from typing import Any

from gradesync_sandbox.oneroster.app import GRADEBOOK, OLD, ROSTERING, TOKEN_PATH
from gradesync_sandbox.oneroster.demands import TEAMS
from gradesync_sandbox.oneroster.state import VENDOR_KEY
from gradesync_sandbox.server import Sandbox


def district(sandbox: Sandbox, name: str = "riverside") -> dict[str, Any]:
    """Return the contents of the district file as nested tables."""
    world = sandbox.world
    switches = world.schoology.switches
    return {
        "id": name,
        "name": "Riverside Unified (invented)",
        "timezone": world.timezone,
        "schoology": {
            "base_url": sandbox.schoology_url,
            "consumer_key": world.app_key.key,
            "consumer_secret": world.app_key.secret,
            "requests_per_window": switches.credits or 1000,
            "window_seconds": switches.window_seconds,
            "run_as": "none",
            "domains": [sandbox.lti_url],
        },
        "sis": _sis(sandbox),
        "match": {"section": r"^(\d+)$", "student": r"^1_(\d+)$"},
        "lti": {
            "issuer": world.lti.issuer,
            "client_id": world.lti.client_id,
            "deployment_id": world.lti.deployment_id,
            "jwks_url": f"{sandbox.lti_url}/.well-known/jwks",
            "authorization_url": f"{sandbox.lti_url}/authorize-redirect",
        },
        "lti11": {
            "consumer_key": world.lti.consumer_key,
            "consumer_secret": world.lti.consumer_secret,
        },
    }


def _sis(sandbox: Sandbox) -> dict[str, Any]:
    """Return the access to the SIS, in the way in which it takes grades."""
    plugin, face, url = sandbox.world.powerschool.plugin, sandbox.oneroster, sandbox.sis_url
    credentials = {"client_id": plugin.client_id, "client_secret": plugin.client_secret}
    if face is None:
        return {"kind": "powerschool", "name": "PowerSchool", "base_url": url, **credentials}
    demands = face.demands
    sis: dict[str, Any] = {
        "kind": "oneroster",
        "name": "Riverside SIS",
        "version": demands.version,
        "profile": "standard" if face.profile == TEAMS else face.profile,
        **credentials,
        **dict(demands.settings),
    }
    sis |= {"token_url": f"{url}{TOKEN_PATH}", "calls_per_minute": demands.per_minute or 0}
    if demands.at_once is not None:
        sis["connections"] = demands.at_once
    if demands.old:
        sis["base_url"] = f"{url}{OLD}"
    else:
        sis |= {"rostering_url": f"{url}{ROSTERING}", "gradebook_url": f"{url}{GRADEBOOK}"}
    if demands.vendor_header:
        sis["headers"] = [f"{demands.vendor_header}: {VENDOR_KEY}"]
    return sis


def district_toml(sandbox: Sandbox, name: str = "riverside") -> str:
    """Return the text of the district file."""
    values = district(sandbox, name)
    tables = {heading: value for heading, value in values.items() if isinstance(value, dict)}
    own = {key: value for key, value in values.items() if key not in tables}
    parts = [_lines(own), *(f"[{heading}]\n{_lines(table)}" for heading, table in tables.items())]
    return "\n\n".join(parts) + "\n"


def _lines(table: dict[str, Any]) -> str:
    """Render keys and values. A JSON text is a TOML basic string too, and numbers look alike."""
    return "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())


def summary(sandbox: Sandbox) -> dict[str, Any]:
    """Return URLs, credentials and people as one object, for scripts that drive the sandbox."""
    world = sandbox.world
    return {
        "schoology_url": sandbox.schoology_url,
        "sis_url": sandbox.sis_url,
        "lti_url": sandbox.lti_url,
        "control_url": sandbox.control_url,
        "district": district(sandbox),
        "admin_uid": str(world.admin.uid),
        "sections": [
            {
                "id": str(room.section.id),
                "title": room.section.name,
                "teacher_uid": str(room.teacher.uid),
                "sis_section_dcid": str(room.sis.dcid),
                "students": len(room.section.students()),
                "assignments": len(room.section.standing()),
            }
            for room in world.classrooms
        ],
    }
