"""Read refusals in every shape that the field shows (upstream.md OneRoster §8).

Statuses and code values decide; a description is never shown, and steers nothing (R42).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradesync.upstream.response import DEFAULT_PAUSE, MalformedError, UpstreamResponse, decode, retry_after

FAILED = frozenset({"failure", "unsupported"})
# The code values of the gradebook's and the rostering's vocabularies: nothing else of a refusal is shown.
CODES = frozenset(
    {
        *("fullsuccess", "invalid_filter_field", "invalid_selection_field", "invaliddata"),
        *("unauthorisedrequest", "internal_server_error", "server_busy", "deletefailure"),
        *("unknownobject", "forbidden", "invalid_sort_field", "invalid_blank_selection_field"),
    }
)
_PLAIN = {code.replace("_", ""): code for code in CODES}
# Codes by which a status of 500 answers this request, rather than being a failure.
ANSWERS = frozenset({"deletefailure", "unknownobject", "forbidden", "invaliddata"})
# Calls whose errors may come from the row that was sent: whoever sent it looks whether others pass (R47).
OF_ROWS = frozenset({"result.put", "result.post", "result.delete"})
UNAVAILABLE = frozenset({502, 503, 504})
STATUS_MEMBERS = ("imsx_StatusInfo", "statusInfo", "statusInfoSet", "imsx_statusInfo")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold a status with the code values of its body. `failed`: the body reports a failure."""

    status: int
    codes: frozenset[str]
    failed: bool

    def describe(self, kind: str) -> str:
        """Return what may be shown of it."""
        named = f" ({', '.join(sorted(self.codes))})" if self.codes else ""
        return f"the SIS answered {self.status} to {kind}{named}"


def read_refusal(response: UpstreamResponse) -> Refusal:
    """Read the status information of a response, wherever it stands and however it is spelled."""
    if not response.body:  # so are most answers to writes
        return Refusal(response.status, frozenset(), failed=False)
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    infos = list(_find_infos(content))
    codes = frozenset(code for info in infos for code in _read_codes(info))
    majors = {str(info.get("imsx_codeMajor", "")).lower() for info in infos}
    return Refusal(response.status, codes, bool(majors & FAILED))


def is_answered(response: UpstreamResponse) -> bool:
    """Return False for an error of the SIS's own, which refuses nothing."""
    return response.status < 500 or (response.status == 500 and bool(read_refusal(response).codes & ANSWERS))


def _find_infos(content: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(content, Mapping):
        return
    if any(name.startswith("imsx_") for name in content):
        yield content
    for member in STATUS_MEMBERS:
        inner = content.get(member)
        for info in inner if isinstance(inner, list) else [inner]:
            if isinstance(info, Mapping):
                yield info


def _read_codes(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield code values, which come as a list of fields, as a text, or in another spelling."""
    for name in ("imsx_CodeMinor", "imsx_codeMinor"):
        value = info.get(name)
        fields = value.get("imsx_codeMinorField") if isinstance(value, Mapping) else value
        for field in fields if isinstance(fields, list) else [fields]:
            text = field.get("imsx_codeMinorFieldValue") if isinstance(field, Mapping) else field
            code = _PLAIN.get(str(text).lower().replace("_", ""))
            if code is not None:
                yield code


class OneRosterDialect:
    """Recognize throttling by status and code values, and failures that answer a request."""

    def throttled(self, response: UpstreamResponse, kind: str) -> float | None:
        status = response.status
        if status < 400 or status == 409:
            return None
        wait = retry_after(response)
        if wait is not None and status in {429, 503}:
            return wait
        if status == 429 or "server_busy" in read_refusal(response).codes:
            return DEFAULT_PAUSE if wait is None else wait
        return None

    def is_answer(self, response: UpstreamResponse, kind: str) -> bool:
        return is_answered(response) or (kind in OF_ROWS and response.status not in UNAVAILABLE)
