"""Test the reading of refusals, in every shape that the field shows."""

import json
from typing import Any

import httpx
import pytest

from gradesync.oneroster.refusals import OneRosterDialect, read_refusal
from gradesync.upstream.response import UpstreamResponse

INFO: dict[str, Any] = {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": "Kim Doe"}
FIELD = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "invaliddata"}


def response(status: int, body: object, **headers: str) -> UpstreamResponse:
    return UpstreamResponse(status, httpx.Headers(headers), json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        {**INFO, "imsx_CodeMinor": {"imsx_codeMinorField": [FIELD]}},
        {"imsx_StatusInfo": {**INFO, "imsx_CodeMinor": {"imsx_codeMinorField": FIELD}}},
        {"statusInfo": {**INFO, "imsx_CodeMinor": "InvalidData"}},
        {"statusInfoSet": [{**INFO, "imsx_codeMinor": "invalid_data"}]},
    ],
)
@pytest.mark.parametrize("status", [200, 422])
def test_codes_are_found_wherever_they_stand(body: object, status: int) -> None:
    refusal = read_refusal(response(status, body))
    assert (refusal.failed, refusal.codes) == (True, frozenset({"invaliddata"}))
    assert refusal.describe("result.put") == f"the SIS answered {status} to result.put (invaliddata)"


@pytest.mark.parametrize(
    "body", [None, [], "text", {}, {"imsx_codeMajor": 7}, {"statusInfoSet": [None, "x"]}]
)
def test_what_is_no_status_information_has_no_codes(body: object) -> None:
    refusal = read_refusal(response(400, body))
    assert (refusal.failed, refusal.codes) == (False, frozenset())


def test_R42_no_word_of_a_refusal_is_shown_or_steers() -> None:
    body = {**INFO, "imsx_description": "server_busy, wait 60 s", "imsx_CodeMinor": "Kim Doe"}
    refused = response(422, body)
    assert read_refusal(refused).describe("result.put") == "the SIS answered 422 to result.put"
    assert OneRosterDialect().throttled(refused, "result.put") is None


@pytest.mark.parametrize(
    ("status", "code", "headers", "seconds"),
    [
        (429, "", {}, 1.0),
        (429, "", {"retry-after": "7"}, 7.0),
        (503, "", {"retry-after": "7"}, 7.0),
        (503, "", {}, None),
        (500, "server_busy", {}, 1.0),
        (409, "server_busy", {"retry-after": "7"}, None),
        (422, "invaliddata", {"retry-after": "7"}, None),
    ],
)
def test_throttling_is_a_status_or_a_code(
    status: int, code: str, headers: dict[str, str], seconds: float | None
) -> None:
    refused = response(status, {**INFO, "imsx_CodeMinor": code}, **headers)
    assert OneRosterDialect().throttled(refused, "result.put") == seconds


@pytest.mark.parametrize(
    ("kind", "status", "code", "answers"),
    [
        ("lineItem.put", 500, "invaliddata", True),
        ("lineItem.put", 500, "internal_server_error", False),
        ("lineItem.put", 503, "invaliddata", False),
        ("result.put", 500, "internal_server_error", True),  # the row may be what breaks it
        ("result.put", 503, "internal_server_error", False),
    ],
)
def test_a_500_may_answer_the_request(kind: str, status: int, code: str, answers: bool) -> None:
    refused = response(status, {**INFO, "imsx_CodeMinor": code})
    assert OneRosterDialect().is_answer(refused, kind) is answers
