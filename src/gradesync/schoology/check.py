"""A connection test for admins: does the key work, is the time right, may it read what a sync reads."""

from typing import Final

from msgspec import Raw, Struct

from gradesync.core.ports import Finding
from gradesync.core.reasons import Reason
from gradesync.errors import Retriable, SyncStopped
from gradesync.schoology.calls import Ask, Reply
from gradesync.schoology.scalars import UnreadableError, ident, required_ident
from gradesync.schoology.source import SchoologySource, section_path
from gradesync.schoology.wire import ENROLLMENTS, NOTHING, SECTIONS, one, page, unexpected

KEY: Final = "Schoology key"
CLOCK: Final = "Schoology clock"
READING: Final = "Schoology reading"

SKEW_TOLERATED: Final = 120
"""Seconds; what Schoology tolerates is not published."""

FIXES: Final = {
    Reason.SCHOOLOGY_CREDENTIALS_REFUSED: "Copy the consumer key and secret from Schoology again.",
    Reason.SCHOOLOGY_KEY_NOT_ALLOWED: (
        "Use the key of an app that is approved for this school, or of a role that may read these sections;"
        " personal keys may read no other user's data."
    ),
    Reason.SECTION_NOT_FOUND: "Check the base address, and that the section exists.",
}


class _Owner(Struct, gc=False):
    api_uid: Raw = NOTHING


async def connection_findings(source: SchoologySource, section_id: str | None = None) -> tuple[Finding, ...]:
    """Try the key, read-only. Reading is tried on `section_id`, or on a section of the key's owner."""
    try:
        reply = await source.calls.get(Ask("app_user_info", "/app-user-info"))
        uid = _owner(reply)
    except (SyncStopped, Retriable) as error:
        return (_failed(KEY, error),)
    return (
        Finding(KEY, ok=True, detail="Schoology accepts the key."),
        _clock(source, reply),
        await _reading(source, uid, section_id),
    )


def _owner(reply: Reply) -> str:
    try:
        return required_ident("api_uid", one("app_user_info", _Owner, reply.body).api_uid)
    except UnreadableError as problem:
        raise unexpected("app_user_info", str(problem)) from None


def _clock(source: SchoologySource, reply: Reply) -> Finding:
    if reply.date is None:
        return Finding(CLOCK, ok=True, detail="Schoology did not tell its time.")
    skew = round((source.calls.upstream.clock() - reply.date).total_seconds())
    detail = f"This server's clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} Schoology's."
    if abs(skew) <= SKEW_TOLERATED:
        return Finding(CLOCK, ok=True, detail=detail)
    return Finding(CLOCK, ok=False, detail=detail, fix="Set the server's clock by NTP.")


async def _reading(source: SchoologySource, uid: str, section_id: str | None) -> Finding:
    try:
        tried = section_id or await _section_of(source, uid)
        if tried is None:
            detail = "The key's owner has no section of their own to try; name one to test reading."
            return Finding(READING, ok=True, detail=detail)
        ask = Ask(ENROLLMENTS.kind, f"{section_path(tried)}/enrollments?limit=1")
        page(ENROLLMENTS, (await source.calls.get(ask)).body)
    except (SyncStopped, Retriable) as error:
        return _failed(READING, error)
    return Finding(READING, ok=True, detail=f"The key may read the roster of section {tried}.")


async def _section_of(source: SchoologySource, uid: str) -> str | None:
    ask = Ask(SECTIONS.kind, f"/users/{uid}/sections?limit=1")
    rows = page(SECTIONS, (await source.calls.get(ask)).body).rows
    try:
        return ident("id", rows[0].id) if rows and rows[0] else None
    except UnreadableError as problem:
        raise unexpected(SECTIONS.kind, str(problem)) from None


def _failed(check: str, error: SyncStopped | Retriable) -> Finding:
    if isinstance(error, Retriable):
        return Finding(check, ok=False, detail=error.detail, fix="Check the address, then try again later.")
    reason = Reason(error.reason)
    fix = FIXES.get(reason, "Check the base address of Schoology's API.")
    return Finding(check, ok=False, detail=error.detail, fix=fix)
