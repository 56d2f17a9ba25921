"""Try the rules on every OneRoster server too: they are the same for every SIS.

docs/rules.md lists them by rule; `test_every_rule_holds_on_every_sis` has those that are not here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import product

import pytest

from engine import (
    test_cursors,
    test_enrollments,
    test_facts,
    test_partial_lists,
    test_poison,
    test_previews,
    test_reimport,
)
from engine.rules import (
    test_assignments_by_number,
    test_moved_by_number,
    test_scores_by_number,
    test_starts_by_number,
    test_syncs_by_number,
)
from gradesync_sandbox.oneroster.demands import SERVERS
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.world import build
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness
from harness.environment import Environment
from targets import roster_rules

Rule = Callable[[DistrictHarness], Awaitable[None]]

ASSIGNMENTS, SCORES = test_assignments_by_number, test_scores_by_number
MOVED, SYNCS, STARTS = test_moved_by_number, test_syncs_by_number, test_starts_by_number
RULES: list[Rule] = [
    ASSIGNMENTS.test_R1_name_points_due_date_category_and_scores_arrive,
    ASSIGNMENTS.test_R8_a_factor_is_a_warning_and_a_comment_is_no_change,
    ASSIGNMENTS.test_R9_without_a_category_an_assignment_is_ungraded,
    ASSIGNMENTS.test_R10_only_mapped_categories_sync,
    ASSIGNMENTS.test_R11_a_pair_is_kept_by_id_through_renaming_on_both_sides,
    ASSIGNMENTS.test_R13_a_due_date_is_local_and_a_missing_one_is_filled,
    ASSIGNMENTS.test_R15_unpublished_assignments_sync,
    ASSIGNMENTS.test_R25_discussions_tests_and_quizzes_sync,
    ASSIGNMENTS.test_R29_of_two_alike_the_first_goes_and_the_second_fails,
    ASSIGNMENTS.test_R29_the_one_that_stands_in_the_sis_keeps_the_name,
    ASSIGNMENTS.test_R29_a_clash_with_a_teachers_sis_assignment_fails,
    ASSIGNMENTS.test_R32_collected_only_is_not_sent,
    ASSIGNMENTS.test_R33_midterms_and_finals_sync,
    SCORES.test_R3_excused_clears_what_was_sent_and_writes_nothing_else,
    SCORES.test_R4_incomplete_leaves_what_the_sis_holds,
    SCORES.test_R5_an_unknown_exception_sends_points_never_a_zero,
    SCORES.test_R6_a_blank_clears_what_was_sent_and_else_costs_no_write,
    SCORES.test_R7_no_score_is_never_a_zero,
    SCORES.test_R26_points_are_exact_and_may_exceed_the_total,
    SCORES.test_R27a_a_student_who_left_is_neither_sent_nor_cleared,
    SCORES.test_R36_a_row_that_is_not_there_clears_nothing,
    SYNCS.test_R17_an_assignment_switched_off_stays_in_the_sis,
    SYNCS.test_R18_later_syncs_write_only_changes,
    SYNCS.test_R19_deleting_deletes_nothing_and_restoring_goes_on,
    SYNCS.test_R20_deleted_in_the_sis_is_created_again_with_all_scores,
    SYNCS.test_R21_nothing_flows_to_schoology,
    SYNCS.test_R22_only_a_course_admin_of_the_section_syncs,
    STARTS.test_R23_schedules_begin_syncs_only_where_allowed,
    STARTS.test_R24_log_shows_thirty_days_with_failures,
    MOVED.test_R40_each_record_holds_its_own_childs_scores,
    MOVED.test_R40_a_former_record_is_named_and_left,
    MOVED.test_R40_a_new_account_of_a_student_sends_nothing_again,
    MOVED.test_R40_a_new_account_beside_the_ended_one_sends_nothing,
    MOVED.test_R40_ids_that_moved_around_a_circle_follow,
    MOVED.test_R40_a_corrected_section_pattern_names_what_is_left,
    MOVED.test_R40_a_former_section_is_named_once,
    test_facts.test_R37_extended_term_takes_a_later_due_date,
    test_facts.test_R37_section_in_another_term_takes_its_due_dates,
    test_facts.test_R37_recoded_sis_section_is_found_again,
    test_facts.test_R44_category_made_anew_in_schoology_pairs_again,
    test_facts.test_R44_category_made_anew_in_the_sis_takes_new_items,
    test_facts.test_R44_category_made_anew_in_the_sis_takes_updates,
    test_facts.test_R44_titles_pair_in_any_unicode_form,
    test_enrollments.test_R38_a_student_who_comes_back_keeps_the_scores,
    test_enrollments.test_R38_a_student_who_was_gone_for_a_sync_keeps_the_scores,
    test_enrollments.test_R38_renumbered_enrollments_change_nothing,
    test_previews.test_R52_preview_predicts_absent_students,
    test_previews.test_R52_preview_predicts_students_who_are_back,
    test_previews.test_R52_retry_touches_only_what_failed,
    test_previews.test_R52_retry_leaves_new_total_points_alone,
    test_enrollments.test_R39_the_score_of_the_older_enrollment_is_sent,
    test_enrollments.test_R53_two_accounts_of_one_school_id_name_each_other,
    test_cursors.test_R48_a_change_by_a_slow_cell_clock_is_carried,
    test_reimport.test_R45_a_class_imported_anew_goes_on_in_its_columns,
    test_reimport.test_R45_only_what_differs_from_what_was_sent_is_written,
    test_poison.test_R47_a_row_that_breaks_every_batch_fails_alone,
    test_partial_lists.test_R49_nobody_is_skipped_by_a_partial_roster,
    test_partial_lists.test_R49_no_assignment_is_unknown_by_a_partial_list,
    test_partial_lists.test_R49_no_category_is_unmapped_by_a_partial_list,
    roster_rules.test_R2_missing_is_a_zero_whatever_its_grade_reads,
    roster_rules.test_R16_only_sections_of_the_sis_sync,
    roster_rules.test_R20_missing_from_the_list_alone_proves_nothing,
    roster_rules.test_R30_a_closed_window_is_named,
    roster_rules.test_R41_a_score_that_the_answer_contradicts_is_read_back,
    roster_rules.test_R42_words_of_a_refusal_steer_nothing,
    roster_rules.test_R46_an_item_with_a_scale_takes_no_points,
    roster_rules.test_R50_a_name_that_the_sis_cut_is_no_edit,
    roster_rules.test_R51_a_lost_first_write_is_no_edit,
    roster_rules.test_R52_a_preview_of_changes_is_kept,
    roster_rules.test_R54_unchanged_scores_are_one_row_an_assignment,
]
# Module -> students, assignments, and whether its cases begin with a class that is synced.
CLASSES = {
    test_enrollments.__name__: (4, 2, True),
    test_partial_lists.__name__: (6, 2, False),
    test_poison.__name__: (12, 2, True),
    test_reimport.__name__: (4, 3, True),
}
# What a server without categories, or one that clears no score, does instead: test_target_rules.py has it.
NEEDS_CATEGORIES, NEEDS_CLEARS = (
    {ASSIGNMENTS.test_R10_only_mapped_categories_sync},
    {SCORES.test_R6_a_blank_clears_what_was_sent_and_else_costs_no_write},
)


def list_cases() -> list[object]:
    """Return every rule on every server that it concerns."""
    return [
        pytest.param(rule, *server, id=f"{rule.__name__.removeprefix('test_')}-{'-'.join(server)}")
        for (server, demands), rule in product(SERVERS.items(), RULES)
        if not (rule in NEEDS_CATEGORIES and demands.constant_category)
        and not (rule in NEEDS_CLEARS and demands.blank != "delete")
    ]


@pytest.mark.sample(8)
@pytest.mark.parametrize(("rule", "profile", "version"), list_cases())
async def test_a_rule_holds_over_oneroster(
    environment: Environment, rule: Rule, profile: str, version: str
) -> None:
    students, assignments, synced = CLASSES.get(rule.__module__, (4, 3, False))
    world = build(7, 1, students, assignments, ideal=True)
    face = open_face(world.powerschool, profile, version)
    async with environment.open_district(world, oneroster=face) as harness:
        has_categories = face.demands.constant_category is None
        harness.choices = replace(harness.choices, has_categories=has_categories)
        if synced:
            await assert_synced_well(harness)
            harness.forget_calls()
        await rule(harness)
