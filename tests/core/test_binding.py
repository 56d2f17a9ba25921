"""Test bindings: no duplicate is made, and nothing of others is taken."""

from datetime import date
from decimal import Decimal

import pytest

from gradesync.core.assignments import find_unlisted, select_score_reads
from gradesync.core.fit import restore_pairs
from gradesync.core.ledger import Doubtful, LedgerAssignment
from gradesync.core.plan import Action
from gradesync.core.reasons import Reason, Result
from gradesync.core.rules import judge_assignments
from gradesync.core.sis import LiveAssignment, Policy, Ref, SisCategory
from harness.gradebooks import (
    ANN,
    BOOK,
    DUE,
    LAST,
    NINE,
    QUIZZES,
    bound,
    entry,
    gradebook,
    ledger,
    listed,
    live,
    only,
    plan_of,
    quiz,
    rulebook,
    spec,
    write,
)

TAKE_OVER = rulebook(policy=Policy(take_over=True))


def test_R19_a_restored_assignment_keeps_its_sis_assignment() -> None:
    known = ledger(entry({ANN: NINE}))
    assert plan_of(gradebook(assignments=[], columns={}), known).assignments == ()
    item = only(plan_of(gradebook({ANN: NINE}), known))
    assert (item.action, item.ref, len(item.unchanged)) == (Action.KEEP, Ref("r1"), 1)


def test_R19_what_the_source_deleted_keeps_its_name_in_the_sis() -> None:
    known = ledger(entry({ANN: NINE}))
    item = only(plan_of(gradebook(assignments=[quiz("2")], columns={}), known))
    assert (item.action, item.reason) == (Action.FAIL, Reason.NAME_LEFT_IN_SIS)


def test_R20_absence_from_the_list_alone_proves_nothing() -> None:
    known = ledger(entry({ANN: NINE}), entry(assignment_id="2", spec=spec("Other")), entry(assignment_id="3"))
    shown = live(listed("r2", spec("Other")))
    book = gradebook({ANN: NINE}, assignments=[quiz(), quiz("2", "Other"), quiz("4", "New")])
    assert find_unlisted(judge_assignments(book, known, BOOK), known, shown) == (("1", Ref("r1")),)
    item = plan_of(book, known, shown).assignments[0]
    assert (item.action, item.ref, len(item.unchanged)) == (Action.KEEP, Ref("r1"), 1)


def test_R20_an_assignment_deleted_in_the_sis_is_recreated() -> None:
    known = ledger(entry({ANN: NINE}, doubtful={ANN: Doubtful(NINE)}))
    shown = live(gone=["r1"])
    book = gradebook({ANN: NINE})
    assert find_unlisted(judge_assignments(book, known, BOOK), known, shown) == ()
    item = only(plan_of(book, known, shown))
    assert (item.action, item.ref, item.spec) == (Action.RECREATE, None, spec())
    assert [row.value for row in item.writes] == [NINE]


def test_R20_values_that_no_row_carries_are_not_invented_again() -> None:
    item = only(plan_of(gradebook({}), ledger(entry({ANN: NINE})), live(gone=["r1"])))
    assert (item.action, item.read) == (Action.RECREATE, 0)


def test_R29_what_others_made_in_the_sis_is_not_taken() -> None:
    item = only(plan_of(gradebook(), {}, live(listed(ours=False))))
    assert (item.action, item.reason) == (Action.FAIL, Reason.DUPLICATE_NAME)


def test_a_district_may_take_over_what_others_made() -> None:
    item = only(plan_of(gradebook({ANN: NINE}), {}, live(listed(ours=False)), rules=TAKE_OVER))
    assert (item.action, item.ref, item.before) == (Action.ADOPT, Ref("r1"), spec())
    assert item.may_hold


def test_our_own_unbound_assignment_is_adopted_not_doubled() -> None:
    item = only(plan_of(gradebook({ANN: NINE}), {}, live(listed("r7"))))
    assert (item.action, item.ref, item.may_hold) == (Action.ADOPT, Ref("r7"), True)
    assert write(item)


def test_our_own_unbound_assignment_is_adopted_in_other_letters() -> None:
    both = bound([quiz("1", "QUIZ"), quiz("2")], {}, live(listed("r1")))
    assert (both["2"].ref, both["1"].ref) == (Ref("r1"), None)
    assert bound([quiz("1", "QUIZ")], {}, live(listed("r1")))["1"].ref == Ref("r1")
    assert bound([quiz("1", "QUIZ")], {}, live(listed("r1", ours=False)))["1"].ref is None


def test_an_adopted_assignment_is_put_right_where_it_differs() -> None:
    shown = spec(points=Decimal(20))
    item = only(plan_of(gradebook(), {}, live(listed(shown=shown))))
    assert (item.action, item.before, item.spec) == (Action.ADOPT, shown, spec())


@pytest.mark.parametrize("shared", [listed(shared=True), listed(ours=False, shared=True)])
def test_what_other_sections_share_is_never_taken(shared: LiveAssignment) -> None:
    item = only(plan_of(gradebook(), {}, live(shared), rules=TAKE_OVER))
    assert (item.action, item.reason) == (Action.FAIL, Reason.DUPLICATE_NAME)


def test_another_due_date_is_another_assignment() -> None:
    item = only(plan_of(gradebook(), {}, live(listed(shown=spec(due=LAST)))))
    assert item.action is Action.CREATE


def test_an_open_create_is_found_under_its_older_name() -> None:
    known = ledger(LedgerAssignment("1", intent=spec("Quizz")))
    item = only(plan_of(gradebook(), known, live(listed("r7", spec("Quizz"), ours=False))))
    assert (item.action, item.ref, item.before, item.spec) == (Action.ADOPT, Ref("r7"), spec("Quizz"), spec())


def test_an_open_create_that_never_landed_is_made_anew() -> None:
    known = ledger(LedgerAssignment("1", intent=spec("Quizz")))
    assert only(plan_of(gradebook(), known, live())).action is Action.CREATE


def test_a_renamed_open_create_adopts_what_has_the_new_name() -> None:
    known = ledger(LedgerAssignment("1", intent=spec("Quizz")))
    item = only(plan_of(gradebook(), known, live(listed("r7"))))
    assert (item.action, item.ref) == (Action.ADOPT, Ref("r7"))


def test_only_its_own_assignment_adopts_an_open_create() -> None:
    known = ledger(LedgerAssignment("2", intent=spec()))
    bindings = bound([quiz("1"), quiz("2", "Other")], known, live(listed("r7")))
    assert (bindings["1"].ref, bindings["1"].clash) == (None, False)
    assert (bindings["2"].ref, bindings["2"].adopted) == (Ref("r7"), True)


def test_a_recreated_assignment_is_adopted_with_all_its_scores() -> None:
    known = ledger(entry({ANN: NINE}, intent=spec()))
    item = only(plan_of(gradebook({ANN: NINE}), known, live(listed("r8"), gone=["r1"])))
    assert (item.action, item.ref) == (Action.ADOPT, Ref("r8"))
    assert write(item)


def test_the_oldest_of_ours_is_adopted_and_twins_are_reported() -> None:
    item = only(plan_of(gradebook(), {}, live(listed("r20"), listed("r9"), listed("r3", ours=False))))
    assert (item.ref, item.warnings) == (Ref("r9"), (Reason.DUPLICATE_IN_SIS,))


def test_a_create_that_lands_later_is_reported_as_a_twin() -> None:
    item = only(plan_of(gradebook(), ledger(entry()), live(listed(), listed("r2"))))
    assert (item.action, item.warnings) == (Action.KEEP, (Reason.DUPLICATE_IN_SIS,))


def test_one_that_others_made_beside_ours_is_no_twin() -> None:
    item = only(plan_of(gradebook(), ledger(entry()), live(listed(), listed("r2", ours=False))))
    assert (item.action, item.warnings) == (Action.KEEP, ())


def test_R29_a_rename_to_a_name_that_is_taken_fails() -> None:
    known = ledger(entry(spec=spec("Old")))
    shown = live(listed(shown=spec("Old")), listed("r2", ours=False))
    item = only(plan_of(gradebook(), known, shown))
    assert (item.action, item.reason) == (Action.FAIL, Reason.DUPLICATE_NAME)


def test_a_rename_to_a_name_that_is_about_to_be_free_goes_on() -> None:
    known = ledger(entry(spec=spec("A")), entry(assignment_id="2", spec=spec("Quiz")))
    made = plan_of(gradebook(assignments=[quiz("1"), quiz("2", "B")], columns={}), known)
    assert [item.action for item in made.assignments] == [Action.UPDATE, Action.UPDATE]


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (listed(shared=True), Reason.SIS_ASSIGNMENT_SHARED),
        (listed(locked=True), Reason.TERM_LOCKED),
    ],
)
def test_R30_what_the_sis_would_refuse_to_change_is_not_tried(shown: LiveAssignment, reason: Reason) -> None:
    changed = gradebook({ANN: NINE}, assignments=[quiz(max_points=Decimal(20))])
    item = only(plan_of(changed, ledger(entry()), live(shown)))
    assert (item.action, item.reason) == (Action.FAIL, reason)
    unchanged = only(plan_of(gradebook({ANN: NINE}), ledger(entry()), live(shown)))
    assert unchanged.action is Action.KEEP
    assert bool(write(unchanged)) is not shown.locked
    refused = [(score.result, score.reason) for score in unchanged.settled]
    assert refused == ([(Result.FAILED, Reason.TERM_LOCKED)] if shown.locked else [])


def test_a_change_made_on_both_sides_costs_no_write() -> None:
    renamed = spec("Quiz A")
    item = only(
        plan_of(gradebook(assignments=[quiz(title="Quiz A")]), ledger(entry()), live(listed(shown=renamed)))
    )
    assert (item.action, item.before, item.spec, item.may_hold) == (Action.ADOPT, renamed, renamed, False)


def test_an_edit_in_the_sis_is_a_warning_and_left_alone() -> None:
    edited = spec(due=date(2026, 3, 9))
    item = only(plan_of(gradebook(), ledger(entry()), live(listed(shown=edited))))
    assert (item.action, item.warnings) == (Action.KEEP, (Reason.EDITED_IN_SIS,))


def test_a_full_sync_restores_an_edited_assignment() -> None:
    edited = spec(due=date(2026, 3, 9))
    item = only(plan_of(gradebook(), ledger(entry()), live(listed(shown=edited)), full=True))
    assert (item.action, item.before, item.spec) == (Action.UPDATE, edited, spec())
    assert item.warnings == (Reason.EDITED_IN_SIS,)


def test_a_full_sync_fails_nothing_unchanged_in_the_source() -> None:
    edited = spec("Renamed in the SIS")
    shown = live(listed(shown=edited), listed("r2", ours=False))
    item = only(plan_of(gradebook(), ledger(entry()), shown, full=True))
    assert (item.action, item.warnings) == (Action.KEEP, (Reason.EDITED_IN_SIS,))


def test_an_edit_in_the_sis_gives_way_to_an_edit_in_the_source() -> None:
    edited = spec(due=date(2026, 3, 9))
    item = only(
        plan_of(gradebook(assignments=[quiz(title="Quiz A")]), ledger(entry()), live(listed(shown=edited)))
    )
    assert (item.action, item.before) == (Action.UPDATE, edited)
    assert item.warnings == (Reason.EDITED_IN_SIS,)


def test_an_unclear_list_entry_counts_as_it_was_sent() -> None:
    unclear = LiveAssignment(Ref("r1"), "Quiz", DUE, None, ours=True)
    assert only(plan_of(gradebook(), ledger(entry()), live(unclear))).action is Action.KEEP
    item = only(plan_of(gradebook(assignments=[quiz(max_points=NINE)]), ledger(entry()), live(unclear)))
    assert (item.action, item.before) == (Action.UPDATE, spec())


def test_scores_are_read_back_where_something_is_in_doubt() -> None:
    titles = ["Quiz", "Doubtful", "Adopted", "New", "Rescaled"]
    assignments = [quiz(str(n), title) for n, title in enumerate(titles, 1)]
    known = ledger(
        entry(),
        entry(assignment_id="2", spec=spec("Doubtful"), doubtful={ANN: Doubtful(NINE)}),
        entry(assignment_id="5", spec=spec("Rescaled", points=Decimal(20))),
    )
    shown = live(*(listed(f"r{n}", spec(title)) for n, title in enumerate(titles, 1) if title != "New"))
    bindings = bound(assignments, known, shown)
    assert [ref.key for ref in select_score_reads(bindings, known, full=False)] == ["r2", "r3", "r5"]
    assert [ref.key for ref in select_score_reads(bindings, known, full=True)] == ["r1", "r2", "r3", "r5"]


def test_another_teachers_categories_are_paired_by_title() -> None:
    theirs = [
        SisCategory(Ref("k11"), "quizzes"),
        SisCategory(Ref("k12"), "Labs"),
        SisCategory(Ref("k13"), "Labs"),
        SisCategory(Ref("k14"), "Tests", active=False),
    ]
    titles = {"c1": "Quizzes", "c2": "Labs", "c3": "Tests", "c4": "Homework"}
    assert restore_pairs(titles, theirs) == {"c1": Ref("k11")}


def test_refs_are_equal_by_their_key_alone() -> None:
    assert Ref("k1", {"id": 1}) == QUIZZES
