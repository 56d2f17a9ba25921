"""Define the types of a district file's settings: what they take, and what to write instead."""

import re
from decimal import Decimal
from difflib import get_close_matches
from math import prod
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from gradesync.core.district import ID_MAX

CREDENTIALS = (
    "Write the address alone: consumer_key and consumer_secret are Schoology's credentials, "
    "client_id and client_secret are the SIS's"
)


def refuse_value(message: str, hint: str, *, setting: str = "") -> PydanticCustomError:
    """Return what refuses a value, or a table because of one `setting` in it."""
    return PydanticCustomError(
        "district", "{message}", {"message": message, "hint": hint, "setting": setting}
    )


def _url(value: str, info: ValidationInfo) -> str:
    if "@" in value:
        raise refuse_value("an address takes no user name or password", CREDENTIALS)
    if not {"?", "#"}.isdisjoint(value):  # what follows may be a key, and is not repeated
        raise refuse_value("an address takes no query and no fragment", "Write it up to the ? or the #")
    if not _can_be_called(value):
        raise refuse_value(f"{value!r} is not a web address", 'Write it like "https://sis.example.org"')
    if urlsplit(value).scheme == "http" and not (info.context or {}).get("allow_http"):
        raise refuse_value("grades are sent over https only", f'Write "{value.replace("http", "https", 1)}"')
    return value.rstrip("/")


def _can_be_called(value: str) -> bool:
    """Return True for a web address that our client can call, as far as its form shows."""
    try:
        parts, host = urlsplit(value), httpx.URL(value).host
        return parts.scheme in {"https", "http"} and bool(parts.hostname and host) and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        return False


def _issuer(value: str, info: ValidationInfo) -> str:
    _url(value, info)
    return value  # compared exactly: for some providers its last slash belongs to it


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.path or not re.fullmatch(r"[a-zA-Z0-9.-]+(:[0-9]+)?", parts.netloc):
        raise refuse_value(f"{value!r} is more than a host", 'Write it like "https://lms.example.org"')
    return value


def _timezone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(value, available_timezones(), 1) or ["America/Chicago"]
        raise refuse_value(f"{value!r} is not a time zone", f'Write an IANA name, like "{near[0]}"') from None


# A repeated group can take a whole process for hours, by a text of thirty characters.
REPEATED_GROUP = re.compile(r"(?<!\\)\)[*+{]")
# So can many repeats one after another: each lets the others try a text once more.
REPEATS = re.compile(r"\\.|\(\?|\{\d+\}|([*+{?|])", re.DOTALL)
TRIES = {"*": ID_MAX, "+": ID_MAX, "{": ID_MAX, "?": 2, "|": 2}
MOST_TRIES = 4 * ID_MAX**2


def _pattern(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise refuse_value(f"the pattern cannot be read: {error}", "Write a regular expression") from None
    if REPEATED_GROUP.search(value):
        raise refuse_value("the pattern repeats a group", "Repeat single characters only: \\d+, not (\\d+)+")
    if _count_tries(value) > MOST_TRIES:
        raise refuse_value("the pattern repeats too often", "Begin with ^ and use + or * at most twice")
    if not groups:
        raise refuse_value("the pattern has no group", r"Put the SIS's id in parentheses, like '^(\d+)$'")
    return value


def _count_tries(pattern: str) -> int:
    """Return how often a pattern may try the longest text, at most."""
    repeats = [repeat for repeat in REPEATS.findall(pattern) if repeat]
    anchored = pattern.startswith("^") and "|" not in repeats
    return prod(TRIES[repeat] for repeat in repeats) * (1 if anchored else ID_MAX)


def _number(value: object) -> object:
    if isinstance(value, str | bool):
        raise refuse_value("it must be a number", "Write digits, without quotes")
    return value


DISTRICT_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Url = Annotated[Text, AfterValidator(_url)]
Issuer = Annotated[Text, AfterValidator(_issuer)]
Origin = Annotated[Url, AfterValidator(_origin)]
Pattern = Annotated[Text, AfterValidator(_pattern)]


# Text is no number and no flag: "8" or "yes" was meant for another setting.
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[Decimal, BeforeValidator(_number)]
Timezone = Annotated[Text, AfterValidator(_timezone)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
