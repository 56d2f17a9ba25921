"""Single values as Schoology writes them: ids, numbers and flags come bare or as texts, "none" in four ways.

Every reader takes a field's name, for the complaint, and its raw JSON; an absent field is empty raw JSON.
Complaints never repeat the value. (Contract 1.10.)
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import Raw

LONGEST = 100
"""Bytes of the longest value that is looked at; ids, numbers, flags and dates are far shorter."""

IDENT = re.compile(r"[0-9]{1,20}")
NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{0,50})?([eE][+-]?[0-9]{1,2})?")
DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([ T]\d{2}:\d{2}(:\d{2})?)?", re.ASCII)
LIMIT = Decimal(10) ** 12

_text = msgspec.json.Decoder(str | int | None)
_list = msgspec.json.Decoder(list[Raw] | str)


class UnreadableError(ValueError):
    """A value that cannot be understood; the text names the field and what it should have been."""


def bare(raw: Raw | bytes) -> str:
    """The value without quotes; empty for null, for an absent one, and for an empty text."""
    text = str(memoryview(raw)[: LONGEST + 1], "utf-8", "replace").strip('"')
    return "" if text == "null" else text


def ident(name: str, raw: Raw | bytes) -> str | None:
    """An id as text; None for each way of saying that there is none."""
    text = bare(raw)
    if text in ("", "0"):
        return None
    if not IDENT.fullmatch(text):
        raise UnreadableError(f"{name} is no id")
    return text


def required_ident(name: str, raw: Raw | bytes) -> str:
    """An id that must be there."""
    found = ident(name, raw)
    if found is None:
        raise UnreadableError(f"{name} is missing")
    return found


def number(name: str, raw: Raw | bytes) -> Decimal | None:
    """A number, exactly as written; None where there is none. Absurd ones are unreadable."""
    text = bare(raw)
    if not text:
        return None
    value = _number(text)
    if value is None:
        raise UnreadableError(f"{name} is no number")
    return value


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal | None:
    """A number without an exponent and without a sign on zero. The same few stand in most rows."""
    if not NUMBER.fullmatch(text) or abs(value := Decimal(text)) >= LIMIT:
        return None
    return Decimal(format(value, "f")) if value else Decimal(0)


def flag(name: str, raw: Raw | bytes, *, absent: bool = False) -> bool:
    """A yes or no; `absent` stands for a field that is not there or is null."""
    text = bare(raw)
    if not text:
        return absent
    if text in ("1", "true"):
        return True
    if text in ("0", "false"):
        return False
    raise UnreadableError(f"{name} is neither 0 nor 1")


def day(name: str, raw: Raw | bytes) -> date | None:
    """The calendar day of a date or of a zone-less local date-time, as it stands."""
    text = bare(raw)
    if not text or text.startswith("0000-00-00"):
        return None
    found = _day(text)
    if found is None:
        raise UnreadableError(f"{name} is no date")
    return found


@lru_cache(maxsize=1024)
def _day(text: str) -> date | None:
    match = DAY.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        return None


def text(name: str, raw: Raw) -> str:
    """A text; a number stands for its digits, null and an absent field for the empty text."""
    if not memoryview(raw):
        return ""
    try:
        value = _text.decode(raw)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is no text") from None
    return "" if value is None else str(value)


def idents(name: str, raw: Raw) -> tuple[str, ...]:
    """Several ids: a list, a list written as a text, or none at all."""
    if not bare(raw):
        return ()
    try:
        listed = _list.decode(raw)
        if isinstance(listed, str):
            listed = msgspec.json.decode(listed.encode(), type=list[Raw])
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is no list of ids") from None
    return tuple(required_ident(name, item) for item in listed)
