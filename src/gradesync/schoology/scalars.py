"""Read single values as Schoology writes them (upstream.md Schoology §1.10).

Ids, numbers and flags come bare or as texts, "none" in four ways. Every reader takes a field's name, for the
error message, and its raw JSON; an absent field is empty raw JSON. Error messages never repeat the value.
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import Raw

# Bytes of the longest value that is read; ids, numbers, flags and dates are far shorter.
MAX_BYTES = 100

ID = re.compile(r"[0-9]{1,20}")
NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{0,50})?([eE][+-]?[0-9]{1,2})?")
DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([ T]\d{2}:\d{2}(:\d{2})?)?", re.ASCII)
LIMIT = Decimal(10) ** 12

_text = msgspec.json.Decoder(str | int | None)
_list = msgspec.json.Decoder(list[Raw] | str)


class UnreadableError(ValueError):
    """Report a value that cannot be understood; the text names the field and the expected kind."""


def read_bare(raw: Raw | bytes) -> str:
    """Return the value without quotes; empty for null, for an absent one, and for an empty text."""
    text = str(memoryview(raw)[: MAX_BYTES + 1], "utf-8", "replace").strip('"')
    return "" if text == "null" else text


def read_id(name: str, raw: Raw | bytes) -> str | None:
    """Return an id as text; None for each form of "none"."""
    text = read_bare(raw)
    if text in ("", "0"):
        return None
    if not ID.fullmatch(text):
        raise UnreadableError(f"{name} is no id")
    return text


def require_id(name: str, raw: Raw | bytes) -> str:
    """Return an id. Raises `UnreadableError` where there is none."""
    value = read_id(name, raw)
    if value is None:
        raise UnreadableError(f"{name} is missing")
    return value


def read_number(name: str, raw: Raw | bytes) -> Decimal | None:
    """Return a number, exactly as written; None where there is none. Absurd ones are unreadable."""
    text = read_bare(raw)
    if not text:
        return None
    value = _parse_number(text)
    if value is None:
        raise UnreadableError(f"{name} is no number")
    return value


# The same few numbers stand in most rows.
@lru_cache(maxsize=4096)
def _parse_number(text: str) -> Decimal | None:
    """Return the number without an exponent and without a sign on zero."""
    if not NUMBER.fullmatch(text) or abs(value := Decimal(text)) >= LIMIT:
        return None
    return Decimal(format(value, "f")) if value else Decimal(0)


def read_flag(name: str, raw: Raw | bytes, *, absent: bool = False) -> bool:
    """Return a flag; `absent` is the result for a field that is not there or is null."""
    text = read_bare(raw)
    if not text:
        return absent
    if text in ("1", "true"):
        return True
    if text in ("0", "false"):
        return False
    raise UnreadableError(f"{name} is neither 0 nor 1")


def read_day(name: str, raw: Raw | bytes) -> date | None:
    """Return the calendar day of a date or of a zone-less local date-time, as written."""
    text = read_bare(raw)
    if not text or text.startswith("0000-00-00"):
        return None
    value = _parse_day(text)
    if value is None:
        raise UnreadableError(f"{name} is no date")
    return value


@lru_cache(maxsize=1024)
def _parse_day(text: str) -> date | None:
    match = DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        return None


def read_text(name: str, raw: Raw) -> str:
    """Return a text; a number gives its digits, null and an absent field the empty text."""
    if not memoryview(raw):
        return ""
    try:
        value = _text.decode(raw)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is no text") from None
    return "" if value is None else str(value)


def read_ids(name: str, raw: Raw) -> tuple[str, ...]:
    """Return several ids: from a list, a list written as a text, or none at all."""
    if not read_bare(raw):
        return ()
    try:
        listed = _list.decode(raw)
        if isinstance(listed, str):
            listed = msgspec.json.decode(listed.encode(), type=list[Raw])
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is no list of ids") from None
    return tuple(require_id(name, item) for item in listed)
