"""Generate the texts of refusals: they choose a sentence, and change nothing that is done (R42)."""

import html
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from urllib.parse import quote

import httpx
from hypothesis import given
from hypothesis import strategies as st

from gradesync.core.ports import BatchResult
from gradesync.core.sis import Ref
from gradesync.core.writes import ScoreRow, ScoreWrite
from gradesync.errors import GradeSyncError
from gradesync.powerschool.connection import PowerSchoolDialect
from gradesync.powerschool.refusal_texts import strip_sent
from gradesync.powerschool.refusals import read_refusal
from gradesync.powerschool.scores import read_response
from gradesync.powerschool.target import reject, reject_update
from gradesync.upstream.response import UpstreamResponse

WORDS = st.sampled_from(
    [
        *("too many requests", "wait for 20 s", "Unable to find 77010", "User does not teach section"),
        *(
            "No access to field assignment.name",
            "Student.id [81001]",
            "lock",
            "duplicate",
            "accessLevelV1Api",
        ),
    ]
)
TYPED = st.lists(WORDS | st.text(max_size=12), max_size=4).map(" ".join)
STATUSES = st.sampled_from([400, 401, 403, 404, 409, 422, 500, 502, 503])
ROW = ScoreRow("a", Ref("1", {"assignmentsectionid": "77010"}), ScoreWrite("u", "81001", Decimal(1)))
TYPED_KINDS = st.sampled_from(["score.write", "assignment.create", "assignment.get", "teacher_category"])
FORMS = st.sampled_from([str, json.dumps, html.escape, quote, str.upper])


def refused(status: int, message: str) -> UpstreamResponse:
    body = json.dumps({"message": message, "errors": [{"code": "1", "field": message}]})
    return UpstreamResponse(status, httpx.Headers({}), body.encode())


def act_on(status: int, message: str, kind: str) -> list[object]:
    """Return all that is done about a refusal, without its sentences."""
    response, dialect = refused(status, message), PowerSchoolDialect()
    batch = read_response(response, [ROW])
    done: list[object] = [dialect.throttled(response, kind), dialect.is_answer(response, kind)]
    done.append(replace(batch, reason=None, detail="") if isinstance(batch, BatchResult) else batch)
    for refuse in (lambda refusal: reject(refusal, "assignment.create"), reject_update):
        try:
            rejected: Exception = refuse(read_refusal(response, "A name"))
        except GradeSyncError as error:
            rejected = error
        done += [type(rejected), getattr(rejected, "conflict", None)]
    return done


@given(STATUSES, TYPED, TYPED_KINDS)
def test_R42_no_text_changes_what_is_done(status: int, text: str, kind: str) -> None:
    assert act_on(status, text, kind) == act_on(status, "", kind)


@given(st.text(max_size=30), FORMS)
def test_R42_what_was_sent_is_taken_out_in_every_form(words: str, form: Callable[[str], str]) -> None:
    sent = f"Locked {words} twice"
    assert "locked" not in strip_sent(f"Refused: <{form(sent)}> in this term", [sent])


def test_R42_a_short_name_leaves_the_words_of_others() -> None:
    assert strip_sent("A locked term: a", ["A"]).split() == ["locked", "term:"]
    assert strip_sent("Locked Term", ["", " "]) == "Locked Term"
