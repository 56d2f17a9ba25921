"""Read single values as Schoology writes them (upstream.md Schoology §1.10).

Ids, numbers and flags come bare or as texts, "none" in four ways. Every reader takes a field's name, for the
error message, and its value, decoded by `decode_value`; an absent field is None. Error messages never repeat
the value.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw

# Characters of the longest value that is read; ids, numbers, flags and dates are far shorter.
MAX_LENGTH = 100

NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{0,50})?([eE][+-]?[0-9]{1,2})?")
DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([ T]\d{2}:\d{2}(:\d{2})?)?", re.ASCII)
LIMIT = Decimal(10) ** 12
NUMBERS: Final = (int, Decimal)
FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}
UNDECODABLE: Final = (ValueError, RecursionError, ArithmeticError)  # no Decimal has every exponent
# Stands for JSON that cannot be decoded, such as a text with half of a character: no reader takes it.
GARBLED: Final = object()

# Another escape, or two that name both halves of a character; else one that names a half alone.
HALF = re.compile(rb"(\\[^u]|\\ud[89ab]\w\w\\ud[c-f])|\\ud[89a-f]\w\w", re.IGNORECASE | re.DOTALL)

T = TypeVar("T")

_value = msgspec.json.Decoder(float_hook=Decimal)


class UnreadableError(ValueError):
    """Report a value that cannot be understood; the text names the field and the expected kind."""


def decode_value(raw: Raw | bytes) -> Any:
    """Decode a value, numbers exactly; None for an absent one, `GARBLED` where it cannot be decoded."""
    if not memoryview(raw):
        return None
    try:
        return _value.decode(raw)
    except UNDECODABLE:
        return GARBLED


def mark_halves(raw: Raw | bytes) -> bytes:
    """Return JSON with a byte that no text has in place of each half of a character.

    Around an escape that names a half nothing can be decoded; around a wrong byte only its own text cannot.
    """
    return HALF.sub(lambda found: found[1] or b"\xff", bytes(raw))


def read_bare(value: object) -> str:
    """Return a value as JSON has it, without quotes; empty for null, for an absent one, and an empty text."""
    if isinstance(value, str):
        return "" if value == "null" else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, NUMBERS) else "{}"


def is_id(text: str) -> bool:
    """Return True for an id: 1 to 20 digits."""
    return text.isdecimal() and text.isascii() and len(text) <= 20


def read_id(name: str, value: object) -> str | None:
    """Return an id as text; None for each form of "none"."""
    text = read_bare(value)
    if not text or text == "0":
        return None
    if not is_id(text):
        raise UnreadableError(f"{name} is no id")
    return text


def require_id(name: str, value: object) -> str:
    """Return an id. Raises `UnreadableError` where there is none."""
    found = read_id(name, value)
    if found is None:
        raise UnreadableError(f"{name} is missing")
    return found


def read_number(name: str, value: object) -> Decimal | None:
    """Return a number, exactly as written; None where there is none. Absurd ones are unreadable."""
    text = read_bare(value)
    if not text:
        return None
    number = _parse_number(text[: MAX_LENGTH + 1])
    if number is None:
        raise UnreadableError(f"{name} is no number")
    return number


# The same few numbers stand in most rows.
@lru_cache(maxsize=4096)
def _parse_number(text: str) -> Decimal | None:
    """Return the number without an exponent and without a sign on zero."""
    if not NUMBER.fullmatch(text) or abs(value := Decimal(text)) >= LIMIT:
        return None
    return Decimal(format(value, "f")) if value else Decimal(0)


def read_flag(name: str, value: object, *, absent: bool = False) -> bool:
    """Return a flag; `absent` is the result for a field that is not there or is null."""
    text = read_bare(value)
    flag = FLAGS.get(text) if text else absent
    if flag is None:
        raise UnreadableError(f"{name} is neither 0 nor 1")
    return flag


def read_day(name: str, value: object) -> date | None:
    """Return the calendar day of a date or of a zone-less local date-time, as written."""
    text = read_bare(value)
    if text.strip() in {"", "0"} or text.startswith("0000-00-00"):
        return None
    day = _parse_day(text[: MAX_LENGTH + 1])
    if day is None:
        raise UnreadableError(f"{name} is no date")
    return day


@lru_cache(maxsize=1024)
def _parse_day(text: str) -> date | None:
    match = DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        return None


def read_text(name: str, value: object) -> str:
    """Return a text; an integer gives its digits, null and an absent field the empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise UnreadableError(f"{name} is no text")


def read_ids(name: str, value: object) -> tuple[str, ...]:
    """Return several ids: from a list, a list written as a text, or none at all."""
    listed = decode_value(value.encode()) if isinstance(value, str) else value
    if isinstance(listed, list):
        return tuple([require_id(name, item) for item in listed])
    if not read_bare(value):
        return ()
    raise UnreadableError(f"{name} is no list of ids")


def read_leniently(read: Callable[[str, object], T], name: str, value: object) -> T | None:
    """Return what a reader returns; None also where the value is unreadable."""
    try:
        return read(name, value)
    except UnreadableError:
        return None
