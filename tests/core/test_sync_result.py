"""Test what a settled sync comes to: the one answer of page, log, API and webhooks."""

import pytest

from gradesync.core.catalog import CATALOG, NO_ATTENTION, Attention, judge_sync, needs_attention
from gradesync.core.reasons import Reason, Result

SENT = {"read": 34, "created": 34}
CHOSEN = ("opted-out", "collected-only", "ungraded", "does-not-count", "incomplete-not-sent")
LEFT_OUT = ("title-too-long", "category-unmapped", "student-not-from-sis", "unknown-exception")


@pytest.mark.parametrize("reason", CHOSEN)
def test_skips_that_a_teacher_chose_need_no_attention(reason: str) -> None:
    assert not needs_attention(Result.SKIPPED, reason, ())


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_skips_by_rule_need_attention(reason: str) -> None:
    assert needs_attention(Result.SKIPPED, reason, ())


def test_scores_need_no_attention_beside_their_assignment() -> None:
    assert not needs_attention(Result.SKIPPED, "assignment-skipped", ())
    assert not needs_attention(Result.FAILED, "assignment-failed", ())


def test_warnings_need_attention_where_the_systems_differ() -> None:
    assert needs_attention(Result.WRITTEN, None, ("exception-not-sent", "edited-in-sis"))
    assert not needs_attention(Result.CREATED, None, ("due-date-filled", "factor-not-sent"))


def test_reason_of_a_later_release_needs_attention() -> None:
    assert needs_attention(Result.SKIPPED, "not-known-yet", ())


def test_every_failure_but_a_repeated_one_needs_attention() -> None:
    calm = {reason for reason, entry in CATALOG.items() if not entry.needs_attention}
    assert calm & {Reason.TERM_LOCKED, Reason.NOT_ATTEMPTED, Reason.STUDENT_UNMATCHED} == set()
    assert calm & {entry.code for entry in CATALOG.values() if entry.kind == "sync"} == set()


@pytest.mark.parametrize(
    ("error", "counts", "attention", "wrote", "result"),
    [
        (None, [SENT, {}], NO_ATTENTION, True, "all-sent"),
        (None, [{"read": 34, "unchanged": 34}, {}], NO_ATTENTION, False, "all-sent"),
        (None, [{}, {}], NO_ATTENTION, False, "all-sent"),
        (None, [{**SENT, "skipped": 2}, {}], Attention(2, 0), True, "needs-attention"),
        (None, [{**SENT, "skipped": 2}, {}], NO_ATTENTION, True, "all-sent"),
        (None, [{"skipped": 2}, {"skipped": 9}], Attention(2, 0), False, "needs-attention"),
        (None, [SENT, {"written": 1300, "failed": 34}], Attention(0, 34), True, "needs-attention"),
        (None, [{"unchanged": 34}, {"failed": 34}], Attention(0, 34), False, "needs-attention"),
        (None, [{"failed": 34, "skipped": 1}, {"failed": 9}], Attention(34, 0), False, "failed"),
        ("mass-change", [{"failed": 3}, {"failed": 301}], Attention(3, 301), False, "stopped-for-review"),
        ("plan-changed", [{}, {"failed": 1}], Attention(0, 1), False, "stopped-for-review"),
        ("upstream-unavailable", [{"created": 3}, {"failed": 9}], Attention(0, 9), True, "needs-attention"),
        ("upstream-unavailable", [{"unchanged": 3}, {"failed": 9}], Attention(0, 9), False, "failed"),
        ("section-not-from-sis", [{}, {}], NO_ATTENTION, False, "failed"),
    ],
)
def test_sync_comes_to_one_of_four_results(
    error: str | None, counts: list[dict[str, int]], attention: Attention, wrote: bool, result: str
) -> None:
    assert judge_sync(error, counts, attention, wrote=wrote) == result
