"""Write scores, refs and specs as compact JSON text, exactly, and read them back."""

import json
import zlib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any, TypeVar

import msgspec

from gradesync.core.gradebook import Mark
from gradesync.core.ledger import Doubtful, Owed, Value
from gradesync.core.sis import Ref, Spec

T = TypeVar("T")

_encode = msgspec.json.Encoder(decimal_format="number").encode


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal:
    return Decimal(text)  # most scores have the same few points: one object for each


# Made once: `json.loads` makes one for each text that it reads in this way.
_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number)


def storable(text: str) -> str:
    """Replace in a foreign text what PostgreSQL cannot store: NUL, and halves of characters."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def dump(raw: object) -> str:
    return _encode(raw).decode()


def load(text: str) -> Any:
    return _DECODER.decode(text)


def dump_map(entries: Mapping[str, T], dump_one: Callable[[T], object]) -> str | None:
    """Dump a map; None for an empty one, since most assignments owe nothing."""
    return dump({key: dump_one(entry) for key, entry in entries.items()}) if entries else None


def load_map(text: str | None, load_one: Callable[[Any], T]) -> dict[str, T]:
    # Every assignment has the same students: one text for each.
    return {intern(key): load_one(raw) for key, raw in load(text).items()} if text else {}


def pack(entries: Mapping[str, Value]) -> bytes | None:
    """Compress a map of what was sent: it is most of the ledger's bytes, and half remains."""
    text = dump_map(entries, dump_value)
    return zlib.compress(text.encode()) if text else None


def unpack(packed: bytes | None) -> dict[str, Value]:
    return load_map(zlib.decompress(packed).decode(), load_value) if packed else {}


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
    return [owed.reason, dump_value(owed.value)]


def load_owed(raw: Any) -> Owed:
    return Owed(raw[0], load_value(raw[1]))


def dump_doubtful(doubtful: Doubtful) -> object:
    return [dump_value(doubtful.value), doubtful.looks]


def load_doubtful(raw: Any) -> Doubtful:
    return Doubtful(load_value(raw[0]), int(raw[1]))


def dump_ref(ref: Ref) -> object:
    return [ref.key, ref.value]


def load_ref(raw: Any) -> Ref:
    return Ref(raw[0], raw[1])


def dump_spec(spec: Spec | None) -> str | None:
    if spec is None:
        return None
    return dump([spec.name, spec.points, spec.due.isoformat(), dump_ref(spec.category), spec.counts])


def load_spec(text: str | None) -> Spec | None:
    if text is None:
        return None
    name, points, due, category, counts = load(text)
    return Spec(name, points, date.fromisoformat(due), load_ref(category), counts)
