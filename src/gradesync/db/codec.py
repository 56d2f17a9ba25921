"""Write values as PostgreSQL keeps them: compact JSON, ids that sort by time, sealed secrets."""

import json
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from secrets import randbits
from sys import intern
from time import time_ns
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gradesync.core.catalog import Attention
from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Doubtful, Owed, Value
from gradesync.core.plan import Danger, Guard, Selection
from gradesync.core.sis import Ref, Spec
from gradesync.errors import GradeSyncError

T = TypeVar("T")

_encode = msgspec.json.Encoder(decimal_format="number").encode


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal:
    return Decimal(text)  # most scores have the same few points: one object for each


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number)  # `json.loads` would make one each time
_SPEC = msgspec.json.Decoder(tuple[str, Decimal, date, tuple[str, dict[str, object]], bool])


def storable(text: str) -> str:
    """Replace in a foreign text what PostgreSQL cannot store: NUL, and halves of characters."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def is_storable(value: object) -> bool:
    """Return whether PostgreSQL can store every text of a JSON value as it is."""
    pending = [value]  # not by recursion: a value may be nested as deeply as its reader allows
    while pending:
        match pending.pop():
            case str() as text:
                if text != storable(text):
                    return False
            case list() as items:
                pending += items
            case dict() as members:
                pending += [*members, *members.values()]
    return True


def dump(raw: object) -> str:
    return _encode(raw).decode()


def load(text: str) -> Any:
    return _DECODER.decode(text)


def dump_map(entries: Mapping[str, T], dump_one: Callable[[T], object]) -> str | None:
    """Dump a map; None for an empty one, since most assignments owe nothing."""
    return dump({key: dump_one(entry) for key, entry in entries.items()}) if entries else None


def load_map(text: str | None, load_one: Callable[[Any], T] | None) -> dict[str, T]:
    # Every assignment has the same students: one text for each.
    return {intern(k): load_one(raw) if load_one else raw for k, raw in load(text).items()} if text else {}


def pack(entries: Mapping[str, Value]) -> bytes | None:
    """Compress a map of what was sent: it is most of the ledger's bytes, and half remains."""
    text = dump_map(entries, dump_value)
    return zlib.compress(text.encode()) if text else None


def unpack(packed: bytes | None) -> dict[str, Value]:
    text = zlib.decompress(packed).decode() if packed else ""
    return load_map(text, load_value if "!" in text else None)  # only marks are texts


def dump_value(value: Value) -> Decimal | str | None:
    """Dump points as a number, a blank as null, a mark as text: points, "!", code. "!1" is excused."""
    if isinstance(value, Mark):
        return f"{'' if value.points is None else format(value.points, 'f')}!{value.exception}"
    return value


def load_value(raw: Any) -> Value:
    if not isinstance(raw, str):
        value: Decimal | None = raw
        return value
    points, _, exception = raw.partition("!")
    return Mark(int(exception), _number(points) if points else None)


def dump_owed(owed: Owed) -> object:
    return [owed.reason, *map(dump_value, owed[1:])]


def load_owed(raw: Any) -> Owed:
    return Owed(raw[0], *map(load_value, raw[1:]))


def dump_doubtful(doubtful: Doubtful) -> object:
    return [dump_value(doubtful.value), doubtful.looks, *([doubtful.sync] if doubtful.sync else ())]


def load_doubtful(raw: Any) -> Doubtful:
    return Doubtful(load_value(raw[0]), int(raw[1]), *raw[2:])


def dump_ref(ref: Ref) -> object:
    return [ref.key, ref.value]


def load_ref(raw: Any) -> Ref:
    return Ref(raw[0], raw[1])


def dump_spec(spec: Spec | None) -> str | None:
    if spec is None:
        return None
    return dump([spec.name, spec.points, spec.due, dump_ref(spec.category), spec.counts])


def load_spec(text: str | None) -> Spec | None:
    if text is None:
        return None
    name, points, due, category, counts = _SPEC.decode(text)
    return Spec(name, points, due, Ref(*category), counts)


LOG_KEPT = timedelta(days=30)  # that the sync log shows a sync (R24)
GRACE = timedelta(days=1)  # that it is stored longer: clocks differ


def uuid7() -> UUID:
    """Make an id of this moment."""
    milliseconds = time_ns() // 1_000_000
    return UUID(int=milliseconds << 80 | 0x7 << 76 | randbits(12) << 64 | 0b10 << 62 | randbits(62))


def first_id_at(at: datetime) -> UUID:
    """Return the lowest id that could be made at that time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def oldest_kept() -> UUID:
    """Return the id below which no sync is shown in the log, by any clock that is a little behind."""
    return first_id_at(datetime.now(UTC) - LOG_KEPT - GRACE)


def parse(text: str) -> UUID | None:
    """Parse an id; None where the text is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


class SecretUnreadable(GradeSyncError):
    """Report a secret at rest that our keys did not seal, or not for this district and field."""


class Secrets:
    """Encrypt with the first key and decrypt with all of them, so that keys can be changed.

    `keys` are high-entropy texts, the newest first. Keys derived for one purpose reveal nothing of another.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._fernet = MultiFernet(
            [Fernet(urlsafe_b64encode(key)) for key in self._derived("secrets at rest")]
        )

    def encrypt(self, district_id: str, field: str, secret: str) -> str:
        """Seal a secret with its district and field, so that one moved to another row is detected."""
        return self._fernet.encrypt(json.dumps([district_id, field, secret]).encode()).decode()

    def decrypt(self, district_id: str, field: str, sealed: str) -> str:
        """Open a sealed secret. Raises `SecretUnreadable`."""
        try:
            content = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise SecretUnreadable(f"no key opens the {field} of {district_id}") from None
        if content[:2] != [district_id, field]:
            raise SecretUnreadable(f"the {field} of {district_id} belongs elsewhere")
        return str(content[2])

    def rotate(self, sealed: str) -> str:
        """Seal again with the first key. Raises `SecretUnreadable`."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable("no key opens it") from None

    def signing_keys(self) -> tuple[bytes, ...]:
        """Return keys of 32 bytes for tokens: sign with the first, verify with all."""
        return tuple(self._derived("tokens"))

    def _derived(self, purpose: str) -> list[bytes]:
        info = f"gradesync: {purpose}".encode()
        return [HKDF(SHA256(), 32, salt=None, info=info).derive(key.encode()) for key in self._keys]


@dataclass(frozen=True, slots=True)
class Sync:
    """Describe the state of a sync. Counts are by result; `warnings` by code; times by the database's clock.

    `result` is null until it settles, and so is `attention`; both also if an older release settled it.
    `trace` is the W3C traceparent of the request that asked for it, where that was traced. `pause_reason` is
    null unless a pause holds it, `run_id` unless a run asked for it, `undo` unless it puts scores back, and
    `reason` unless a person gave one.
    """

    district_id: str
    id: str
    section_id: str
    status: str
    stage: str
    applied: str
    mode: str
    dry_run: bool
    selection: Selection | None
    retry_of: str | None
    approve: str | None
    requested_by_kind: str
    requested_by_id: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    settles_by: datetime
    done: int
    total: int | None
    assignments: Mapping[str, int]
    scores: Mapping[str, int]
    warnings: Mapping[str, int]
    fingerprint: str | None
    guard: Guard | None
    error_code: str | None
    error_detail: str
    lease_token: str | None
    lease_until: datetime | None
    attempt: int
    not_before: datetime
    result: str | None = None
    attention: Attention | None = None
    trace: str | None = None
    paused_at: datetime | None = None
    pause_reason: str | None = None
    planned_by: str | None = None
    run_id: str | None = None
    undo: Mapping[str, Any] | None = None
    reason: str | None = None

    @property
    def requester(self) -> str:
        return f"{self.requested_by_kind}:{self.requested_by_id}"


FIELDS = tuple(field.name for field in fields(Sync))


def sync_of(row: Any) -> Sync:
    values = {name: getattr(row, name) for name in FIELDS}
    for name in ("id", "retry_of", "lease_token", "run_id"):
        values[name] = values[name] and str(values[name])
    values["selection"] = _selection(values["selection"])
    values["guard"] = values["guard"] and _guard(values["guard"])
    values["attention"] = values["attention"] and Attention(**values["attention"])
    return Sync(**values)


def _guard(raw: Mapping[str, Any]) -> Guard:
    danger = raw.get("danger")  # `late` was one once, and is counted beside it
    return Guard(**{**raw, "danger": None if danger in {None, "late"} else Danger(danger)})


def selection_rows(selection: Selection | None) -> dict[str, list[str] | None] | None:
    if selection is None:
        return None
    return {key: None if students is None else sorted(students) for key, students in selection.items()}


def _selection(raw: Mapping[str, Sequence[str] | None] | None) -> Selection | None:
    if raw is None:
        return None
    return {key: None if students is None else frozenset(students) for key, students in raw.items()}
