"""Merge what an invited person fills in with the settings that a district has."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from gradesync.core.district import District
from gradesync.core.district_export import export_district
from gradesync.errors import GradeSyncError

Tables: TypeAlias = dict[str, Any]

# What an invited person sets. Roles and the policy are the operator's, in the district's file.
OPEN = ("name", "timezone", "schoology", "sis", "match", "lti", "lti11")

_LTI = "https://lti-service.svc.schoology.com/lti-service"
# What the page fills in where nothing is stored: the same for nearly every district.
USUAL = {
    "schoology.base_url": "https://api.schoology.com/v1",
    "lti.issuer": "https://schoology.schoology.com",
    "lti.jwks_url": f"{_LTI}/.well-known/jwks",
    "lti.authorization_url": f"{_LTI}/authorize-redirect",
}


@dataclass(frozen=True, slots=True)
class FieldMistake:
    """Report one setting that cannot be used, such as sis.base_url: what is wrong, and what to write."""

    setting: str
    message: str
    hint: str


class SettingsRefused(GradeSyncError):
    """Refuse settings that do not describe a district, with all `mistakes`."""

    def __init__(self, *mistakes: FieldMistake) -> None:
        super().__init__(", ".join(mistake.setting for mistake in mistakes))
        self.mistakes = mistakes


# Reads a district from the contents of its file. Raises `SettingsRefused`.
Parse: TypeAlias = Callable[[Tables], District]


def read_settings(district: District) -> Tables:
    """Return the settings of a district as its file has them, without secrets."""
    tables = tomllib.loads(export_district(district), parse_float=Decimal)
    return {name: _plain(tables[name]) for name in OPEN if name in tables}


def list_secrets(district: District) -> list[str]:
    """List the secrets that a district has, such as sis.client_secret."""
    return [f"{table}.{name}" for table, name, _ in _secrets(district)]


def merge(stored: District | None, filled_in: Mapping[str, Any], district_id: str) -> Tables:
    """Return the contents of the district's file with what was filled in; null and "" remove a setting.

    A secret that is left out stays, unless the address or the id that it belongs to changed: nobody gets a
    secret sent to a server of their choice. Those of the two systems stay only where no system and no
    platform changed: whoever brings launches or scores of their own has to know them. Raises
    `SettingsRefused` for what is not theirs to set.
    """
    if other := sorted(filled_in.keys() - set(OPEN)):
        raise SettingsRefused(*(FieldMistake(name, f"{name} is not set here", NOT_HERE) for name in other))
    old: Tables = tomllib.loads(export_district(stored), parse_float=Decimal) if stored else {}
    new = {**old, "id": district_id}
    for name, value in filled_in.items():
        new[name] = _merge_table(old.get(name, {}), value) if isinstance(value, Mapping) else value
        if value in (None, "", {}):
            del new[name]
    changed = {table for table in CONNECTED if _addresses(new.get(table)) != _addresses(old.get(table))}
    if isinstance(given := new.get("lti11"), Mapping) and "consumer_secret" in given:
        changed.add("lti11")
    for table, name, secret in _secrets(stored) if stored else ():
        lost = changed if table in SYSTEMS else changed & {table}
        if isinstance(kept := new.get(table), dict) and not lost:
            kept.setdefault(name, secret)
    return new


SYSTEMS = ("schoology", "sis")
# What decides whose scores go where, and whose launches are believed.
CONNECTED = (*SYSTEMS, "lti", "lti11")
NOT_HERE = "Ask the operator: it stands in the district's file"


def _merge_table(old: Mapping[str, Any], filled_in: Mapping[str, Any]) -> Tables:
    same_kind = filled_in.get("kind", old.get("kind")) == old.get("kind")
    merged = {**(old if same_kind else {}), **filled_in}
    return {name: value for name, value in merged.items() if value not in (None, "", [])}


def _addresses(table: object) -> Tables:
    """Return what decides where the secrets of a table are sent, and in whose name."""
    if not isinstance(table, Mapping):
        return {}
    ends = ("_url", "_key", "_id", "kind", "issuer")
    return {name: value for name, value in table.items() if name.endswith(ends)}


def _secrets(district: District) -> Iterator[tuple[str, str, Any]]:
    """Yield the secrets that are set: table, name, value as the file has it."""
    yield "schoology", "consumer_secret", district.schoology.consumer_secret
    yield "sis", "client_secret", district.sis.client_secret
    if district.sis.headers:
        yield "sis", "headers", district.sis.headers.splitlines()
    if district.lti11:
        yield "lti11", "consumer_secret", district.lti11.consumer_secret
    if district.oidc and district.oidc.client_secret:
        yield "console", "client_secret", district.oidc.client_secret


def _plain(value: Any) -> Any:
    """Return a value for JSON; exact numbers become those of JSON."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return float(value) if isinstance(value, Decimal) else value
