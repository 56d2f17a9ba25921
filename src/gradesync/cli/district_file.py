"""Parse district files: TOML with the access to a district's systems and its choices.

All mistakes are reported at once, each with its line and a hint.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gradesync.core.district import (
    District,
    Lti11Registration,
    LtiRegistration,
    Match,
    SchoologyAccess,
    SisAccess,
)
from gradesync.core.sis import Policy
from gradesync.errors import GradeSyncError

CREDENTIALS = (
    "Write the address alone: consumer_key and consumer_secret are Schoology's credentials, "
    "client_id and client_secret are PowerSchool's"
)
KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Report one mistake in a district file: its line, what is wrong, and what to write instead."""

    line: int
    message: str
    hint: str


class DistrictFileRefused(GradeSyncError):
    """Refuse a file that does not describe a district, with its `mistakes` in the order of its lines."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(f"line {m.line}: {m.message}. {m.hint}" for m in mistakes))
        self.mistakes = mistakes


def parse(text: str, *, allow_http: bool = False) -> District:
    """Read a district from the text of its file. Raises `DistrictFileRefused`.

    `allow_http`: addresses may do without TLS, as in development.
    """
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
        return _File.model_validate(tables, context={"allow_http": allow_http}).district()
    except tomllib.TOMLDecodeError as error:
        raise DistrictFileRefused((_not_toml(text, str(error)),)) from None
    except ValidationError as error:
        lines = dict(_lines(text))
        mistakes = (_mistake(details, lines) for details in error.errors(include_url=False))
        raise DistrictFileRefused(tuple(sorted(mistakes, key=lambda m: m.line))) from None


def _error(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("district", "{message}", {"message": message, "hint": hint})


def _url(value: str, info: ValidationInfo) -> str:
    if "@" in value:
        raise _error("an address takes no user name or password", CREDENTIALS)
    if not {"?", "#"}.isdisjoint(value):  # what follows may be a key, and is not repeated
        raise _error("an address takes no query and no fragment", "Write it up to the ? or the #")
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise _error(f"{value!r} is not a web address", 'Write it like "https://sis.example.org"')
    if parts.scheme == "http" and not (info.context or {}).get("allow_http"):
        raise _error("grades are sent over https only", f'Write "{value.replace("http", "https", 1)}"')
    return value.rstrip("/")


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.path or not re.fullmatch(r"[a-zA-Z0-9.-]+(:[0-9]+)?", parts.netloc):
        raise _error(f"{value!r} is more than a host", 'Write it like "https://lms.example.org"')
    return value


def _timezone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(value, available_timezones(), 1) or ["America/Chicago"]
        raise _error(f"{value!r} is not a time zone", f'Write an IANA name, like "{near[0]}"') from None


def _pattern(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise _error(f"the pattern cannot be read: {error}", "Write a regular expression") from None
    if not groups:
        raise _error("the pattern has no group", r"Put PowerSchool's id in parentheses, like '^(\d+)$'")
    return value


_MATCH, _POLICY = Match(), Policy()

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Url = Annotated[Text, AfterValidator(_url)]
Origin = Annotated[Url, AfterValidator(_origin)]
Pattern = Annotated[Text, AfterValidator(_pattern)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Schoology(_Table):
    base_url: Url = "https://api.schoology.com/v1"
    consumer_key: Text
    consumer_secret: Text
    requests_per_window: int = Field(15, ge=1)
    window_seconds: Decimal = Field(Decimal(5), gt=0)
    multiget_cost: int = Field(3, ge=1)
    run_as: Literal["none", "requester"] = "none"
    domains: tuple[Origin, ...] = ()


class _Sis(_Table):
    kind: Literal["powerschool"]
    base_url: Url
    client_id: Text
    client_secret: Text
    minimum_interval_ms: int = Field(0, ge=0)


class _Match(_Table):
    section: Pattern = _MATCH.section
    student: Pattern = _MATCH.student
    student_id: Literal["dcid", "id", "student_number"] = "dcid"


class _Lti(_Table):
    issuer: Text
    client_id: Text
    deployment_id: Text
    jwks_url: Url
    authorization_url: Url


class _Lti11(_Table):
    consumer_key: Text
    consumer_secret: Text


class _Policy(_Table):
    title_overflow: Literal["skip", "shorten"] = "skip"
    category_mapping: Literal["one_to_one", "many_to_one"] = "one_to_one"
    exception_flags: bool = False
    service_sync: bool = False
    admin_sync: bool = False
    take_over: bool = False
    guard_share: Decimal = Field(_POLICY.guard_share, gt=0, le=1)
    guard_scores: int = Field(_POLICY.guard_scores, ge=1)
    guard_assignments: int = Field(_POLICY.guard_assignments, ge=1)


class _File(_Table):
    id: Annotated[Text, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: Text
    timezone: Annotated[Text, AfterValidator(_timezone)]
    schoology: _Schoology
    sis: _Sis
    match: _Match = _Match()
    lti: _Lti | None = None
    lti11: _Lti11 | None = None
    policy: _Policy = _Policy()

    def district(self) -> District:
        schoology = self.schoology.model_dump(exclude={"run_as"})
        policy = self.policy.model_dump(exclude={"title_overflow", "category_mapping"})
        return District(
            id=self.id,
            name=self.name,
            timezone=self.timezone,
            schoology=SchoologyAccess(**schoology, run_as_requester=self.schoology.run_as == "requester"),
            sis=SisAccess(**self.sis.model_dump()),
            match=Match(**self.match.model_dump()),
            lti=LtiRegistration(**self.lti.model_dump()) if self.lti else None,
            lti11=Lti11Registration(**self.lti11.model_dump()) if self.lti11 else None,
            policy=Policy(
                **policy,
                shorten_titles=self.policy.title_overflow == "shorten",
                many_to_one=self.policy.category_mapping == "many_to_one",
            ),
        )


_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_POSITION = re.compile(r"\(at line (\d+)|\(at end of document")


def _lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield each table and each key with its line."""
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _names(header[1])
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_names(key[1])), number


def _names(dotted: str) -> KeyPath:
    return tuple(part.strip(" \"'") for part in dotted.split("."))


def _not_toml(text: str, error: str) -> Mistake:
    position = _POSITION.search(error)
    line = int(position[1]) if position and position[1] else max(1, len(text.splitlines()))
    reason = error.partition(" (at ")[0]
    return Mistake(line, f"this is not TOML: {reason}", 'Write each setting as name = "value"')


def _mistake(error: ErrorDetails, lines: Mapping[KeyPath, int]) -> Mistake:
    path = tuple(part for part in error["loc"] if isinstance(part, str))
    known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in lines), ())
    return Mistake(lines.get(known, 1), *_describe(error, path))


def _describe(error: ErrorDetails, path: KeyPath) -> tuple[str, str]:
    """Return what is wrong and what to write, in words of the file."""
    name, table = path[-1], ".".join(path[:-1])
    position = f"under [{table}]" if table else "at the top of the file"
    if error["type"] == "missing" and path in _tables():
        return f"the table [{name}] is missing", f"Add [{name}] with {', '.join(_required(path))}"
    if error["type"] == "extra_forbidden":
        return f"no setting is called {name} {position}", _suggest(
            name, list(_tables()[path[:-1]].model_fields)
        )
    message, hint = _MESSAGES.get(error["type"], ("{name}: {msg}", "Correct the value"))
    words = {"name": name, "position": position, "msg": error["msg"].lower(), "input": error["input"]}
    words |= error.get("ctx", {})
    return message.format(**words), hint.format(**words)


_MESSAGES = {
    "district": ("{name}: {message}", "{hint}"),
    "missing": ("{name} is missing {position}", 'Add {name} = "…" {position}'),
    "literal_error": ("{name} cannot be {input!r}", "Write {expected}"),
    "string_pattern_mismatch": ("{name} cannot be {input!r}", "Write small letters, digits and hyphens"),
    "string_too_short": ("{name} is empty", "Give {name} its value"),
    "string_type": ("{name} must be text", 'Put the value in quotes: {name} = "…"'),
    "tuple_type": ("{name} must be a list", 'Write it in brackets: {name} = ["…"]'),
    "model_type": ("{name} must be a table", "Write [{name}] on a line of its own, and its settings below"),
    "bool_parsing": ("{name} must be true or false", "Write true or false, without quotes"),
    "int_parsing": ("{name} must be a whole number", "Write digits, without quotes"),
}


def _tables() -> dict[KeyPath, type[_Table]]:
    inner = {(name,): _table(field.annotation) for name, field in _File.model_fields.items()}
    return {(): _File} | {path: table for path, table in inner.items() if table}


def _table(annotation: Any) -> type[_Table] | None:
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, _Table)), None)


def _required(table: KeyPath) -> list[str]:
    return [name for name, field in _tables()[table].model_fields.items() if field.is_required()]


def _suggest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Remove it, or use one of: {', '.join(known)}"
