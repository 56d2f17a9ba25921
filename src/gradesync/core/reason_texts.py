"""Word every reason for teachers: what happened, and what to do. `{sis}` is the SIS's name."""

from collections.abc import Mapping
from typing import TypeAlias

from gradesync.core.reasons import Reason

Texts: TypeAlias = Mapping[Reason, tuple[str, str]]

ASSIGNMENTS: Texts = {
    Reason.UNGRADED: (
        "The assignment has no grading category, so it doesn't count in Schoology and isn't sent.",
        "To send it, choose a grading category for it in Schoology.",
    ),
    Reason.CATEGORY_UNMAPPED: (
        "The assignment's grading category doesn't map to a {sis} category yet.",
        "Map the category, or give it the title of a category that you have in {sis}.",
    ),
    Reason.CATEGORY_AMBIGUOUS: (
        "More than one category has this title, so it isn't clear which one to use.",
        "Rename one of them, or map the category by hand.",
    ),
    Reason.CATEGORY_TAKEN: (
        "Another category in this section maps to the same {sis} category, which accepts only one.",
        "Ask an administrator to map one elsewhere, change the title rule, or let several map to one.",
    ),
    Reason.CATEGORY_INACTIVE: (
        "The {sis} category with this name is inactive and takes no assignments.",
        "Activate the category in {sis}, or move the assignment to another category.",
    ),
    Reason.TITLE_TOO_LONG: ("The assignment's name is too long for {sis}.", "Shorten the name in Schoology."),
    Reason.TITLE_NOT_ACCEPTED: (
        "The assignment's name is empty or has characters that can't be displayed.",
        "Type the name again in Schoology.",
    ),
    Reason.DUE_DATE_OUTSIDE_TERM: (
        "The due date is outside the term of the {sis} section.",
        "Choose a due date within the term in Schoology.",
    ),
    Reason.OPTED_OUT: (
        "Sync to SIS is turned off for this assignment.",
        "Turn it on to send the assignment again.",
    ),
    Reason.POINTS_NOT_ACCEPTED: (
        "{sis} doesn't accept these total points.",
        "Set total points above 0 and no higher than {sis} accepts (9,999 in PowerSchool).",
    ),
    Reason.DUPLICATE_NAME: (
        "Another assignment has the same name and due date, and {sis} accepts only one of them.",
        "Give one of the two another name or another due date.",
    ),
    Reason.DOES_NOT_COUNT: (
        "The assignment doesn't count toward the grade, and {sis} accepts only assignments that do.",
        "To send it, set it to count toward the grade in Schoology.",
    ),
    Reason.COLLECTED_ONLY: (
        "The assignment is collected only, so it has no points to send.",
        "To send it, make it a graded assignment in Schoology.",
    ),
    Reason.TERM_LOCKED: (
        "This term is locked in {sis}, so nothing in it can be changed.",
        "Ask your school's {sis} administrator to unlock the term for this section.",
    ),
    Reason.SIS_ASSIGNMENT_SHARED: (
        "In {sis} this assignment is shared with other sections, so the sync doesn't edit it.",
        "Change it in {sis}, or make a separate copy for this section there.",
    ),
    Reason.ASSIGNMENT_NOT_ACCEPTED: (
        "{sis} rejected this assignment.",
        "See in the details what {sis} named, and correct the assignment in Schoology.",
    ),
    Reason.SIS_SCORE_TYPE: (
        "In {sis} this assignment is not scored in points, so points would mean something else there.",
        "Set its score type to points in {sis}, or give the assignment another name in Schoology.",
    ),
    Reason.ASSIGNMENT_GONE: (
        "The assignment was deleted in {sis} while it was being sent.",
        "Sync again: the assignment is created again, with all its scores.",
    ),
}

SCORES: Texts = {
    Reason.INCOMPLETE_NOT_SENT: (
        "The score is marked Incomplete, so {sis} keeps what it has for this student.",
        "Enter points when the work is complete.",
    ),
    Reason.UNKNOWN_EXCEPTION: (
        "The score has a mark that isn't recognized and no points, so nothing is sent.",
        "Enter points, or use Excused, Incomplete or Missing.",
    ),
    Reason.STUDENT_NOT_IN_SIS_SECTION: (
        "The student is active in Schoology but not enrolled in the {sis} section.",
        "Ask the school office to check the student's enrollment in {sis}.",
    ),
    Reason.STUDENT_IN_OTHER_SECTION: (
        "In {sis} this student is in another section, which is linked to this one in Schoology.",
        "Enter the score in the section where {sis} has the student.",
    ),
    Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT: (
        "In {sis} this assignment is for some students only, and this student isn't one of them.",
        "Add the student to the assignment in {sis}.",
    ),
    Reason.STUDENT_NOT_ENROLLED: (
        "The student isn't active in this Schoology section, so the score stays as it is in {sis}.",
        "Nothing to do. If the student belongs here, ask the school office to activate the enrollment.",
    ),
    Reason.STUDENT_NOT_FROM_SIS: (
        "The student was added manually in Schoology and has no school ID.",
        "Ask an administrator to enroll the student through {sis}.",
    ),
    Reason.STUDENT_UNMATCHED: (
        "The student's school ID doesn't match any student in {sis}.",
        "Ask an administrator to compare the student's ID in Schoology with the one in {sis}.",
    ),
    Reason.SCHOOL_ID_SHARED: (
        "Another Schoology account here has the same school ID, so it isn't clear whose score counts.",
        "Ask an administrator to correct the school ID of one of them. The details name the other.",
    ),
    Reason.SCORE_NOT_ACCEPTED: (
        "{sis} doesn't accept this score.",
        "Correct the score in Schoology: negative and extremely large scores aren't accepted.",
    ),
    Reason.SCORE_NOT_KEPT: (
        "{sis} accepted the score and doesn't hold it.",
        "See in the details what {sis} holds. Enter the score there, or correct it in Schoology.",
    ),
    Reason.ASSIGNMENT_SKIPPED: ("The score's assignment was skipped.", "See the assignment for the reason."),
    Reason.ASSIGNMENT_FAILED: (
        "The score's assignment didn't reach {sis}.",
        "See the assignment for the reason, correct it, and sync again.",
    ),
    Reason.ASSIGNMENT_UNKNOWN: (
        "Schoology sent a score for an assignment that isn't in the gradebook.",
        "Nothing to do if the assignment was just deleted. Otherwise sync again in a minute.",
    ),
}

ROWS: Texts = {
    Reason.ROW_UNREADABLE: (
        "Schoology's data for this row couldn't be read, so it was left as it is in {sis}.",
        "Save the row again in Schoology. If that doesn't help, report it with the ID of the sync.",
    ),
    Reason.NOT_ATTEMPTED: (
        "The sync stopped before it got to this.",
        "See why the sync stopped, and sync again.",
    ),
    Reason.UPSTREAM_UNAVAILABLE: (
        "Schoology or {sis} didn't respond in time.",
        "Sync again in a few minutes. Nothing is sent twice.",
    ),
    Reason.UPSTREAM_ANSWER_UNEXPECTED: (
        "Schoology or {sis} sent a response that couldn't be understood.",
        "Sync again in a few minutes. If it keeps happening, report it with the details.",
    ),
    Reason.SIS_PERMISSION_MISSING: (
        "{sis} doesn't allow gradesync to do this.",
        "Ask an administrator to give the {sis} plugin the permission named in the sync's details.",
    ),
    Reason.TEACHER_NOT_IN_SIS_SECTION: (
        "In {sis} the acting teacher doesn't teach this section.",
        "Ask the school office to check the section's teacher, or choose the teacher in the section's link.",
    ),
    Reason.SIS_UNREADABLE: (
        "What {sis} has couldn't be read, so nothing was changed.",
        "Sync again in a few minutes. If it keeps happening, ask an administrator to check the connection.",
    ),
}

WARNINGS: Texts = {
    Reason.EXCEPTION_NOT_SENT: (
        "The points were sent. The mark next to them wasn't, because {sis} has none like it.",
        "Nothing to do.",
    ),
    Reason.FACTOR_NOT_SENT: (
        "The assignment has a factor other than 1. Factors aren't sent, so averages may differ.",
        "If the averages should agree, set the factor to 1 and change the total points.",
    ),
    Reason.TITLE_SHORTENED: (
        "The name was too long for {sis} and was shortened there.",
        "To choose the wording yourself, shorten the name in Schoology.",
    ),
    Reason.DUE_DATE_FILLED: (
        "The assignment has no due date. The last day of its grading period or term was sent.",
        "To choose the day yourself, set a due date in Schoology.",
    ),
    Reason.SCORE_ROUNDED: (
        "The points have more decimal places than {sis} keeps, so they were rounded.",
        "Nothing to do.",
    ),
    Reason.DUPLICATE_IN_SIS: (
        "{sis} has a second assignment with this name and due date from an earlier sync.",
        "Compare both in {sis} and delete the one without scores.",
    ),
    Reason.PARTIAL_READ: (
        "Schoology didn't send everything. What it sent is synced; nothing else was changed.",
        "Sync again: what is missing is requested again.",
    ),
    Reason.EDITED_IN_SIS: (
        "Someone changed this in {sis} after it was sent.",
        "Make the change in Schoology. A full sync replaces the value in {sis}.",
    ),
    Reason.NAME_SET_ASIDE: (
        "Assignments swapped names, and {sis} may still show this one by its old name and a number.",
        "Correct the problems of the assignments that swapped names with it, and sync again.",
    ),
    Reason.NEVER_SCORED_HERE: (
        "Nobody has scored this student here in Schoology, so {sis} keeps the score that it has.",
        "Enter the score in Schoology. To remove it from {sis}, enter it and clear it again.",
    ),
    Reason.SEVERAL_ENROLLMENTS: (
        "The student is enrolled here more than once with different scores. The latest active one counts.",
        "Check the score. Ask the school office to end the enrollment that isn't needed.",
    ),
    Reason.TAKEN_FROM_REMOVED: (
        "This assignment continues the {sis} assignment of a removed one with the same name and due date.",
        "Nothing. If they're different assignments, change the name or the due date.",
    ),
    Reason.LEFT_AT_FORMER_STUDENT: (
        "The student's school id changed, and the {sis} student of the former one still has this score.",
        "Clear the score of the former student in {sis}, unless it is right there.",
    ),
    Reason.LEFT_IN_FORMER_SECTION: (
        "The section now goes to another {sis} section, and this assignment still stands in the former one.",
        "Delete the assignment in the former {sis} section, unless it is right there.",
    ),
}

SYNCS: Texts = {
    Reason.SECTION_NOT_FROM_SIS: (
        "This section wasn't created from {sis}, so it can't sync.",
        "Sync from a section that {sis} created.",
    ),
    Reason.SECTION_NOT_FOUND: (
        "Schoology doesn't have this section.",
        "Check the section's ID, and that the section isn't archived.",
    ),
    Reason.SECTION_UNMATCHED: (
        "The section's school code doesn't have the form that the district set.",
        "Ask an administrator to check the section's code and the pattern in the district's settings.",
    ),
    Reason.SIS_SECTION_NOT_FOUND: (
        "{sis} has no section with this section's school code.",
        "Ask an administrator to check the section's school code against {sis}.",
    ),
    Reason.SIS_SECTION_TAKEN: (
        "Another Schoology section already syncs to this {sis} section.",
        "Ask an administrator to decide which of the two is linked to it.",
    ),
    Reason.NOT_COURSE_ADMIN: (
        "Only a course admin of this section can sync it.",
        "Ask a teacher of the section to sync, or to make you a course admin.",
    ),
    Reason.SCHOOLOGY_KEY_NOT_ALLOWED: (
        "The district's Schoology key isn't allowed to read this section.",
        "Ask an administrator to check the key's permissions in Schoology.",
    ),
    Reason.SCHOOLOGY_CREDENTIALS_REFUSED: (
        "Schoology rejected the district's key.",
        "Ask an administrator to check the key and secret, and the server's clock.",
    ),
    Reason.SIS_CREDENTIALS_REFUSED: (
        "{sis} rejected the district's plugin credentials.",
        "Ask an administrator to check the client ID and secret, and that the plugin is enabled.",
    ),
    Reason.TIMED_OUT: (
        "The sync didn't finish in time and was closed.",
        "Sync again: it sends what is still missing.",
    ),
    Reason.MASS_CHANGE: (
        "The sync would clear, zero or recreate an unusual share of the gradebook, so it stopped.",
        "Review what would change. If it's intended, approve it.",
    ),
    Reason.PLAN_CHANGED: (
        "The gradebook has changed since you approved, so nothing was sent.",
        "Review the new plan and approve that one.",
    ),
    Reason.INTERNAL_ERROR: (
        "Something went wrong in gradesync itself.",
        "Sync again. If it keeps happening, report it with the ID of the sync.",
    ),
}
