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

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from gradesync.cli.console_table import Console
from gradesync.cli.district_fields import (
    DISTRICT_ID,
    Flag,
    Number,
    Origin,
    Pattern,
    Table,
    Text,
    Timezone,
    Url,
    Whole,
)
from gradesync.cli.sis_tables import KINDS, Sis
from gradesync.core.district import (
    District,
    Lti11Registration,
    LtiRegistration,
    Match,
    SchoologyAccess,
)
from gradesync.core.sis import DriftPolicy, Policy
from gradesync.errors import GradeSyncError

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Report one mistake in a district file: its line, what is wrong, and what to write instead.

    `setting` is the way to it, such as sis.base_url; empty for text that is not TOML.
    """

    line: int
    message: str
    hint: str
    setting: str = ""


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
    except tomllib.TOMLDecodeError as error:
        raise DistrictFileRefused((_not_toml(text, str(error)),)) from None
    return validate(tables, dict(_lines(text)), allow_http=allow_http)


def validate(tables: Mapping[str, Any], lines: Mapping[KeyPath, int], *, allow_http: bool) -> District:
    """Read a district from the contents of its file, with the line of each. Raises `DistrictFileRefused`."""
    context = {"allow_http": allow_http, "student_ids": _list_student_ids(tables)}
    try:
        return _File.model_validate(tables, context=context).district()
    except ValidationError as error:
        mistakes = (_mistake(details, lines) for details in error.errors(include_url=False))
        raise DistrictFileRefused(tuple(sorted(mistakes, key=lambda m: m.line))) from None


def _list_student_ids(tables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of a student by which the SIS of a file is matched; all where it names no kind."""
    sis = tables.get("sis")
    kind = KINDS.get(str(sis.get("kind"))) if isinstance(sis, Mapping) else None
    return kind.student_ids if kind else tuple(name for each in KINDS.values() for name in each.student_ids)


def _student_id(value: str, info: ValidationInfo) -> str:
    known = (info.context or {})["student_ids"]
    if value not in known:
        expected = f"{', '.join(map(repr, known[:-1]))} or {known[-1]!r}"
        raise PydanticCustomError("literal_error", "it is no id of a student", {"expected": expected})
    return value


_MATCH, _POLICY = Match(), Policy()


class _Schoology(Table):
    base_url: Url = "https://api.schoology.com/v1"
    consumer_key: Text
    consumer_secret: Text
    requests_per_window: Whole = Field(15, ge=1)
    window_seconds: Number = Field(Decimal(5), gt=0)
    multiget_cost: Whole = Field(3, ge=1)
    run_as: Literal["none", "requester"] = "none"
    domains: tuple[Origin, ...] = ()


class _Match(Table):
    section: Pattern = _MATCH.section
    student: Pattern = _MATCH.student
    student_id: Annotated[Text, AfterValidator(_student_id)] | None = None


class _Lti(Table):
    issuer: Text
    client_id: Text
    deployment_id: Text
    jwks_url: Url
    authorization_url: Url


class _Lti11(Table):
    consumer_key: Text
    consumer_secret: Text


class _Policy(Table):
    title_overflow: Literal["skip", "shorten"] = "skip"
    category_mapping: Literal["one_to_one", "many_to_one"] = "one_to_one"
    exception_flags: Flag = False
    service_sync: Flag = False
    admin_sync: Flag = False
    take_over: Flag = False
    runs: Flag = False
    schedules: Flag = False
    guard_share: Number = Field(_POLICY.guard_share, gt=0, le=1)
    guard_scores: Whole = Field(_POLICY.guard_scores, ge=1)
    guard_assignments: Whole = Field(_POLICY.guard_assignments, ge=1)
    drift: DriftPolicy = _POLICY.drift
    mean_shift: Number = Field(_POLICY.mean_shift, gt=0, le=100)
    compare_nightly: Flag = False
    late_approval: Flag = False
    history_years: Whole = Field(_POLICY.history_years, ge=0, le=20)


class _File(Table):
    id: Annotated[Text, StringConstraints(pattern=DISTRICT_ID)]
    name: Text
    timezone: Timezone
    schoology: _Schoology
    sis: Sis
    match: _Match = _Match()
    lti: _Lti | None = None
    lti11: _Lti11 | None = None
    console: Console = Console()
    policy: _Policy = _Policy()

    def district(self) -> District:
        schoology = self.schoology.model_dump(exclude={"run_as"})
        policy = self.policy.model_dump(exclude={"title_overflow", "category_mapping"})
        return District(
            id=self.id,
            name=self.name,
            timezone=self.timezone,
            schoology=SchoologyAccess(**schoology, run_as_requester=self.schoology.run_as == "requester"),
            sis=self.sis.access(),
            match=Match(
                **{"student_id": self.sis.student_ids[0], **self.match.model_dump(exclude_none=True)}
            ),
            lti=LtiRegistration(**self.lti.model_dump()) if self.lti else None,
            lti11=Lti11Registration(**self.lti11.model_dump()) if self.lti11 else None,
            console=self.console.access(),
            oidc=self.console.oidc(),
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
    found = tuple(part for part in error["loc"] if isinstance(part, str))
    if error["type"].startswith("union_tag"):
        found = (*found, "kind")
    if setting := error.get("ctx", {}).get("setting"):
        found = (*found, setting)
    path = found[:1] + found[2:] if found[:1] == ("sis",) and found[1:2] and found[1] in KINDS else found
    known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in lines), ())
    message, hint = _describe(error, path, _tables().get(found[:-1]))
    return Mistake(lines.get(known, 1), message, hint, ".".join(path))


def _describe(error: ErrorDetails, path: KeyPath, inside: type[Table] | None) -> tuple[str, str]:
    """Return what is wrong and what to write, in words of the file; `inside` is the table of the setting."""
    name, table = path[-1], ".".join(path[:-1])
    position = f"under [{table}]" if table else "at the top of the file"
    if error["type"] == "missing" and path in _tables():
        return f"the table [{name}] is missing", f"Add [{name}] with {', '.join(_required(path))}"
    if error["type"] == "extra_forbidden" and inside is not None:
        return f"no setting is called {name} {position}", _suggest(name, list(inside.model_fields))
    message, hint = _MESSAGES.get(error["type"], ("{name}: {msg}", "Correct the value"))
    words = {"name": name, "position": position, "msg": error["msg"].lower(), "input": error["input"]}
    words |= error.get("ctx", {})
    return message.format(**words), hint.format(**words)


_MESSAGES = {
    "district": ("{name}: {message}", "{hint}"),
    "union_tag_invalid": ("{name} cannot be {tag!r}", "Write {expected_tags}"),
    "union_tag_not_found": ("{name} is missing {position}", 'Add {name} = "…" {position}'),
    "missing": ("{name} is missing {position}", 'Add {name} = "…" {position}'),
    "literal_error": ("{name} cannot be {input!r}", "Write {expected}"),
    "string_pattern_mismatch": ("{name} cannot be {input!r}", "Write small letters, digits and hyphens"),
    "string_too_short": ("{name} is empty", "Give {name} its value"),
    "string_type": ("{name} must be text", 'Put the value in quotes: {name} = "…"'),
    "tuple_type": ("{name} must be a list", 'Write it in brackets: {name} = ["…"]'),
    "model_attributes_type": ("{name} must be a table", "Write [{name}] on a line of its own"),
    "model_type": ("{name} must be a table", "Write [{name}] on a line of its own, and its settings below"),
    "bool_type": ("{name} must be true or false", "Write true or false, without quotes"),
    "int_type": ("{name} must be a whole number", "Write digits, without quotes"),
}


def _tables() -> dict[KeyPath, type[Table]]:
    inner = {(name,): _table(field.annotation) for name, field in _File.model_fields.items()}
    tables: dict[KeyPath, type[Table]] = {("sis", kind): table for kind, table in KINDS.items()}
    tables[()] = _File
    return tables | {path: table for path, table in inner.items() if table}


def _table(annotation: Any) -> type[Table] | None:
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Table)), None)


def _required(table: KeyPath) -> list[str]:
    return [name for name, field in _tables()[table].model_fields.items() if field.is_required()]


def _suggest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Remove it, or use one of: {', '.join(known)}"
