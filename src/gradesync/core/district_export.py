"""Write the file of a district as it is in force. Secrets are left out: nothing that is stored shows them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from typing import TypeAlias

from gradesync.core.district import District, SisAccess
from gradesync.core.sis import Policy

Value: TypeAlias = str | bool | int | Decimal | Sequence[str] | None
Table: TypeAlias = Mapping[str, Value]

SECRETS = frozenset({"consumer_secret", "client_secret", "headers"})
# Settings that the file names otherwise than the code: name, value where it is off, value where it is on.
CHOICES = {
    "shorten_titles": ("title_overflow", "skip", "shorten"),
    "many_to_one": ("category_mapping", "one_to_one", "many_to_one"),
}


def export_district(district: District) -> str:
    """Return the text of a district file, with a comment in the place of each secret that is set."""
    top = {"id": district.id, "name": district.name, "timezone": district.timezone}
    parts = ["\n".join(_lines(top))]
    parts += ["\n".join([f"[{name}]", *_lines(table)]) for name, table in _tables(district)]
    return "\n\n".join(parts) + "\n"


def _tables(district: District) -> Iterator[tuple[str, Table]]:
    schoology = asdict(district.schoology)
    run_as = "requester" if schoology.pop("run_as_requester") else "none"
    yield "schoology", {**schoology, "run_as": run_as}
    yield "sis", dict(_sis(district.sis))
    yield "match", asdict(district.match)
    if district.lti:
        yield "lti", asdict(district.lti)
    if district.lti11:
        yield "lti11", asdict(district.lti11)
    yield "console", asdict(district.console) | (asdict(district.oidc) if district.oidc else {})
    yield "policy", dict(_policy(district.policy))


def _sis(sis: SisAccess) -> Iterator[tuple[str, Value]]:
    """Yield the settings of a SIS; what a kind of SIS doesn't have is left out."""
    spoken = sis.oneroster
    yield "kind", sis.kind
    yield "name", sis.name
    # Without an address of its own, a OneRoster SIS has that of one of its services.
    if spoken is None or not (spoken.rostering_url and spoken.gradebook_url == sis.base_url):
        yield "base_url", sis.base_url
    yield "client_id", sis.client_id
    yield "client_secret", sis.client_secret
    if spoken is None:
        yield "minimum_interval_ms", sis.minimum_interval_ms
        return
    yield "headers", sis.headers
    for name, value in asdict(spoken).items():
        if name != "settings" and value:
            yield name, value
    yield from spoken.settings


def _policy(policy: Policy) -> Iterator[tuple[str, Value]]:
    for each in fields(policy):
        value = getattr(policy, each.name)
        name, off, on = CHOICES.get(each.name, (each.name, value, value))
        yield name, on if value else off


def _lines(table: Table) -> Iterator[str]:
    for name, value in table.items():
        if value is None or value == "":
            continue
        if name in SECRETS:
            yield f"# {name} is set, and shown nowhere: add it before you apply this file"
        else:
            yield f"{name} = {_literal(value)}"


def _literal(value: Value) -> str:
    """Return a value in TOML, whose strings and lists are written as those of JSON."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
