"""Test a district's connection for an admin: the key, the clock, and the right to read a section."""

from typing import Any, Final

from msgspec import Struct

from gradesync.core.ports import Finding
from gradesync.core.reasons import Reason
from gradesync.errors import CertificateRefused, Retriable, SyncStopped
from gradesync.schoology.calls import Payload, Request
from gradesync.schoology.scalars import UnreadableError, read_id, require_id
from gradesync.schoology.source import SchoologySource, section_path
from gradesync.schoology.wire import ENROLLMENTS, SECTIONS, decode_object, decode_page, unexpected

KEY: Final = "Schoology key"
CLOCK: Final = "Schoology clock"
READING: Final = "Schoology reading"

# Seconds; Schoology's own tolerance is not published.
SKEW_TOLERATED: Final = 120

FIXES: Final = {
    Reason.SCHOOLOGY_CREDENTIALS_REFUSED: "Copy the consumer key and secret from Schoology again.",
    Reason.SCHOOLOGY_KEY_NOT_ALLOWED: (
        "Use the key of an app that is approved for this school, or of a role that may read these sections;"
        " personal keys may read no other user's data."
    ),
    Reason.SECTION_NOT_FOUND: "Check the base address, and that the section exists.",
}


class _Owner(Struct, gc=False):
    api_uid: Any = None


async def check_connection(source: SchoologySource, section_id: str | None = None) -> tuple[Finding, ...]:
    """Return findings about the key, read-only. Reading is tried on `section_id`, else on the owner's own."""
    try:
        payload = await source.calls.get(Request("app_user_info", "/app-user-info"))
        uid = _read_owner(payload)
    except (SyncStopped, Retriable) as error:
        return (_describe_failure(KEY, error),)
    return (
        Finding(KEY, ok=True, detail="Schoology accepts the key."),
        _check_clock(source, payload),
        await _check_reading(source, uid, section_id),
    )


def _read_owner(payload: Payload) -> str:
    try:
        return require_id("api_uid", decode_object("app_user_info", _Owner, payload.body).api_uid)
    except UnreadableError as problem:
        raise unexpected("app_user_info", str(problem)) from None


def _check_clock(source: SchoologySource, payload: Payload) -> Finding:
    if payload.response.date is None:
        return Finding(CLOCK, ok=True, detail="Schoology did not send its time.")
    skew = round((source.calls.upstream.clock() - payload.response.date).total_seconds())
    detail = f"This server's clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} Schoology's."
    if abs(skew) <= SKEW_TOLERATED:
        return Finding(CLOCK, ok=True, detail=detail)
    return Finding(CLOCK, ok=False, detail=detail, fix="Set the server's clock by NTP.")


async def _check_reading(source: SchoologySource, uid: str, section_id: str | None) -> Finding:
    try:
        tried = section_id or await _find_section(source, uid)
        if tried is None:
            detail = "The key's owner has no section of their own to try; name one to test reading."
            return Finding(READING, ok=True, detail=detail)
        request = Request(ENROLLMENTS.kind, f"{section_path(tried)}/enrollments?limit=1")
        decode_page(ENROLLMENTS, (await source.calls.get(request)).body)
    except (SyncStopped, Retriable) as error:
        return _describe_failure(READING, error)
    return Finding(READING, ok=True, detail=f"The key may read the roster of section {tried}.")


async def _find_section(source: SchoologySource, uid: str) -> str | None:
    request = Request(SECTIONS.kind, f"/users/{uid}/sections?limit=1")
    rows = decode_page(SECTIONS, (await source.calls.get(request)).body).rows
    try:
        return read_id("id", rows[0].id) if rows and rows[0] else None
    except UnreadableError as problem:
        raise unexpected(SECTIONS.kind, str(problem)) from None


def _describe_failure(check: str, error: SyncStopped | Retriable) -> Finding:
    if isinstance(error, CertificateRefused):
        fix = "Compare the address with Schoology's own. Does a filter between answer in its place?"
        return Finding(check, ok=False, detail=error.detail, fix=fix)
    if isinstance(error, Retriable):
        return Finding(check, ok=False, detail=error.detail, fix="Check the address, then try again later.")
    reason = Reason(error.reason)
    fix = FIXES.get(reason, "Check the base address of Schoology's API.")
    return Finding(check, ok=False, detail=error.detail, fix=fix)
