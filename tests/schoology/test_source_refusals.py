"""Test Schoology's refusals: their reasons, and the ones that are tried again."""

import pytest

from gradesync.errors import Retriable
from harness.canned_schoology import (
    NOW,
    SECTION,
    CannedResponse,
    CannedSchoology,
    read,
)
from harness.errors import expect_stop

REPLAY = b"Duplicate timestamp/nonce combination, possible replay attack. Request rejected."
REFUSALS = [
    (CannedResponse(b"", 401), "schoology-key-not-allowed"),
    (CannedResponse(b'""', 401), "schoology-key-not-allowed"),
    (CannedResponse(b"", 403), "schoology-key-not-allowed"),
    (CannedResponse(b"Invalid signature.", 401), "schoology-credentials-refused"),
    (CannedResponse(b"", 404), "section-not-found"),
    (CannedResponse(b"", 410), "upstream-answer-unexpected"),
    (CannedResponse(b"", 204), "upstream-answer-unexpected"),
]


@pytest.mark.parametrize("name", ["", "enrollments", "grade_items", "grades", "grading_categories"])
@pytest.mark.parametrize(("response", "reason"), REFUSALS)
async def test_a_refused_read_has_a_reason(name: str, response: CannedResponse, reason: str) -> None:
    schoology = CannedSchoology()
    schoology.put(name, response)
    with expect_stop(reason):
        await read(schoology, multiget_refused=True)


@pytest.mark.parametrize("name", ["", "enrollments", "grade_items", "grades"])
@pytest.mark.parametrize(("response", "reason"), REFUSALS[:1] + REFUSALS[2:3] + REFUSALS[4:5])
async def test_a_refused_multiget_row_has_the_same_reason(
    name: str, response: CannedResponse, reason: str
) -> None:
    schoology = CannedSchoology()
    schoology.put(name, response)
    with expect_stop(reason):
        await read(schoology)
    assert schoology.asked.count("/multiget") == 1


@pytest.mark.parametrize(("response", "reason"), [REFUSALS[0], REFUSALS[3]])
async def test_an_unauthorized_multiget_is_not_tried_in_parts(response: CannedResponse, reason: str) -> None:
    schoology = CannedSchoology({"/multiget": response})
    with expect_stop(reason):
        await read(schoology)
    assert f"/sections/{SECTION}" not in schoology.asked


async def test_a_replayed_signature_is_made_anew_once() -> None:
    waiting = [CannedResponse(REPLAY, 401)]
    schoology = CannedSchoology()
    schoology.answers["/multiget"] = lambda request: (
        waiting.pop() if waiting else schoology._multiget(request)
    )
    assert (await read(schoology)).cells
    signed = [r.headers["authorization"] for r in schoology.sent if r.url.path.endswith("/multiget")]
    assert len(signed) == len(set(signed)) == 2


async def test_a_signature_replayed_twice_is_refused() -> None:
    schoology = CannedSchoology({"/multiget": CannedResponse(REPLAY, 401)})
    with expect_stop("schoology-credentials-refused"):
        await read(schoology)
    assert schoology.asked.count("/multiget") == 2


async def test_an_outage_can_be_retried_later() -> None:
    schoology = CannedSchoology({"/multiget": CannedResponse(b"", 503)})
    with pytest.raises(Retriable):
        await read(schoology)


async def test_throttling_can_be_retried_after_the_window() -> None:
    schoology = CannedSchoology({"/multiget": CannedResponse(b"Rate limit exceeded", 429)})
    with pytest.raises(Retriable) as caught:
        await read(schoology, attempts=1)
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - NOW).total_seconds() == 5
