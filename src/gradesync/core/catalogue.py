"""Every reason in words: what happened, what to do about it, and whether trying again can help."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gradesync.core.reasons import Reason


class Kind(StrEnum):
    """What a reason is said of; `ROW` is an assignment or a score, and the sync where it meets them all."""

    ASSIGNMENT = "assignment"
    SCORE = "score"
    ROW = "row"
    WARNING = "warning"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Entry:
    """One reason in words. `retryable`: the same sync, asked for again with nothing mended, may succeed."""

    code: Reason
    kind: Kind
    title: str
    fix: str
    retryable: bool


def _entries(kind: Kind, words: Mapping[Reason, tuple[str, str]]) -> dict[Reason, Entry]:
    return {reason: Entry(reason, kind, *said, reason in _RETRYABLE) for reason, said in words.items()}


_RETRYABLE = frozenset(
    {
        Reason.ASSIGNMENT_GONE,
        Reason.NOT_ATTEMPTED,
        Reason.UPSTREAM_UNAVAILABLE,
        Reason.UPSTREAM_ANSWER_UNEXPECTED,
        Reason.SIS_UNREADABLE,
        Reason.PARTIAL_READ,
        Reason.TIMED_OUT,
        Reason.INTERNAL_ERROR,
    }
)

_ASSIGNMENTS = {
    Reason.UNGRADED: (
        "The assignment has no grading category, so it does not count in Schoology and is not sent.",
        "To send it, choose a grading category for it in Schoology.",
    ),
    Reason.CATEGORY_UNMAPPED: (
        "The assignment's grading category goes to no SIS category yet.",
        "Map the category, or give it the title of a category that you have in the SIS.",
    ),
    Reason.CATEGORY_AMBIGUOUS: (
        "More than one category has this title, so it is not clear which one is meant.",
        "Rename one of them, or map the category by hand.",
    ),
    Reason.CATEGORY_TAKEN: (
        "Another category of this section leads to the same SIS category, which takes only one of them.",
        "An administrator must map one of them elsewhere, change the title rule, or let several go to one.",
    ),
    Reason.TITLE_TOO_LONG: (
        "The assignment's name is longer than the SIS takes.",
        "Shorten the name in Schoology.",
    ),
    Reason.TITLE_NOT_ACCEPTED: (
        "The assignment's name is empty or holds characters that cannot be shown.",
        "Type the name again in Schoology.",
    ),
    Reason.DUE_DATE_OUTSIDE_TERM: (
        "The due date lies outside the term of the SIS section.",
        "Choose a due date within the term in Schoology.",
    ),
    Reason.OPTED_OUT: (
        "Sync to SIS is switched off for this assignment.",
        "Switch it on to send the assignment again.",
    ),
    Reason.POINTS_NOT_ACCEPTED: (
        "The SIS does not take these total points.",
        "Set total points above 0 and within what the SIS takes (9,999 in PowerSchool).",
    ),
    Reason.DUPLICATE_NAME: (
        "Another assignment has the same name and due date, and the SIS keeps only one of them.",
        "Give one of the two another name or another due date.",
    ),
    Reason.DOES_NOT_COUNT: (
        "The assignment does not count in the grade, and the SIS cannot hold one that does not.",
        "To send it, let it count in Schoology.",
    ),
    Reason.COLLECTED_ONLY: (
        "The assignment is only collected, so it has no points to send.",
        "To send it, make it a graded assignment in Schoology.",
    ),
    Reason.TERM_LOCKED: (
        "The SIS has locked this term, so nothing in it can be changed.",
        "Ask the school's SIS administrator to unlock the term for this section.",
    ),
    Reason.SIS_ASSIGNMENT_SHARED: (
        "In the SIS this assignment belongs to other sections too, so it is not edited from here.",
        "Change it in the SIS, or give it its own copy for this section there.",
    ),
    Reason.ASSIGNMENT_NOT_ACCEPTED: (
        "The SIS refused this assignment.",
        "Read in the details what the SIS named, and correct the assignment in Schoology.",
    ),
    Reason.ASSIGNMENT_GONE: (
        "The assignment was deleted in the SIS while it was being sent.",
        "Sync again: it is created once more, with all its scores.",
    ),
}

_SCORES = {
    Reason.INCOMPLETE_NOT_SENT: (
        "The score is marked incomplete, so the SIS keeps what it has for this student.",
        "Enter points when the work is complete.",
    ),
    Reason.UNKNOWN_EXCEPTION: (
        "The score carries a mark that is not known here and no points, so nothing is sent.",
        "Enter points, or use excused, incomplete or missing.",
    ),
    Reason.STUDENT_NOT_IN_SIS_SECTION: (
        "The student is active in Schoology and not enrolled in the SIS section.",
        "Ask the school office to check the student's enrollment in the SIS.",
    ),
    Reason.STUDENT_IN_OTHER_SECTION: (
        "In the SIS this student belongs to another section that is linked to this one in Schoology.",
        "Enter the score in the section in which the SIS has the student.",
    ),
    Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT: (
        "In the SIS this assignment is only for some students, and this student is not one of them.",
        "Add the student to the assignment in the SIS.",
    ),
    Reason.STUDENT_NOT_ENROLLED: (
        "The student is not active in this Schoology section, so the score stays as it is in the SIS.",
        "Nothing to do. If the student belongs here, ask for the enrollment to be made active.",
    ),
    Reason.STUDENT_NOT_FROM_SIS: (
        "The student was added by hand in Schoology and has no school id.",
        "Ask an administrator to enroll the student through the SIS.",
    ),
    Reason.STUDENT_UNMATCHED: (
        "The student's school id names no student in the SIS.",
        "Ask an administrator to compare the student's id in Schoology with the one in the SIS.",
    ),
    Reason.SCORE_NOT_ACCEPTED: (
        "The SIS does not take this score.",
        "Correct the score in Schoology: below zero and extremely large ones are not taken.",
    ),
    Reason.ASSIGNMENT_SKIPPED: (
        "The score's assignment was left out.",
        "See the assignment for the reason.",
    ),
    Reason.ASSIGNMENT_FAILED: (
        "The score's assignment did not reach the SIS.",
        "See the assignment for the reason, and sync again when it is mended.",
    ),
    Reason.ASSIGNMENT_UNKNOWN: (
        "Schoology sent a score of an assignment that is not in the gradebook.",
        "Nothing to do if the assignment was just deleted. Otherwise sync again in a minute.",
    ),
}

_ROWS = {
    Reason.ROW_UNREADABLE: (
        "Schoology's answer for this row could not be understood, so it was left as it is in the SIS.",
        "Save the row again in Schoology. If that does not help, report it with the id of the sync.",
    ),
    Reason.NOT_ATTEMPTED: (
        "The sync stopped before it came to this.",
        "See why the sync stopped, and sync again.",
    ),
    Reason.UPSTREAM_UNAVAILABLE: (
        "Schoology or the SIS did not answer in time.",
        "Sync again in a few minutes. Nothing is sent twice.",
    ),
    Reason.UPSTREAM_ANSWER_UNEXPECTED: (
        "Schoology or the SIS gave an answer that makes no sense.",
        "Sync again in a few minutes. If it stays, report it with the details.",
    ),
    Reason.SIS_PERMISSION_MISSING: (
        "The SIS does not allow gradesync to do this.",
        "An administrator must grant the permission named in the sync's details to the plugin in the SIS.",
    ),
    Reason.TEACHER_NOT_IN_SIS_SECTION: (
        "In the SIS the acting teacher does not teach this section.",
        "Ask the school office to check the section's teacher, or choose the teacher in the section's link.",
    ),
    Reason.SIS_UNREADABLE: (
        "The SIS did not show what it holds, so nothing was changed by guess.",
        "Sync again in a few minutes. If it stays, ask an administrator to check the connection.",
    ),
}

_WARNINGS = {
    Reason.EXCEPTION_NOT_SENT: (
        "The points were sent; the mark beside them was not, because the SIS has none like it.",
        "Nothing to do.",
    ),
    Reason.FACTOR_NOT_SENT: (
        "The assignment has a factor other than 1. Factors are not sent, so averages may differ.",
        "Set the factor to 1 and change the total points, if the averages should agree.",
    ),
    Reason.TITLE_SHORTENED: (
        "The name was longer than the SIS takes and has been shortened there.",
        "Shorten the name in Schoology to choose the words yourself.",
    ),
    Reason.DUE_DATE_FILLED: (
        "The assignment has no due date. The last day of its grading period or term was sent.",
        "Set a due date in Schoology to choose the day yourself.",
    ),
    Reason.SCORE_ROUNDED: (
        "The points have more decimal places than the SIS keeps and were rounded there.",
        "Nothing to do.",
    ),
    Reason.DUPLICATE_IN_SIS: (
        "The SIS holds a second assignment with this name and due date that came from here.",
        "Look at both in the SIS and delete the one that has no scores.",
    ),
    Reason.PARTIAL_READ: (
        "Schoology did not send all scores of this assignment. What came was sent, nothing was cleared.",
        "Sync again: what was missing is asked for once more.",
    ),
    Reason.EDITED_IN_SIS: (
        "Someone changed this in the SIS after it was sent.",
        "Make the change in Schoology. A full sync puts the SIS right.",
    ),
    Reason.NAME_SET_ASIDE: (
        "Names change places, and this assignment may stand in the SIS by its former name and a number.",
        "Correct what is said of the assignments that change names with it, and sync again.",
    ),
}

_SYNCS = {
    Reason.SECTION_NOT_FROM_SIS: (
        "This section was not made from the SIS, so it has nowhere to go.",
        "Sync from a section that the SIS created.",
    ),
    Reason.SECTION_NOT_FOUND: (
        "Schoology does not know this section.",
        "Check the section's id, and that the section is not archived.",
    ),
    Reason.SECTION_UNMATCHED: (
        "The section's school code does not have the form that the district set.",
        "An administrator must check the section's code and the pattern in the district's settings.",
    ),
    Reason.SIS_SECTION_NOT_FOUND: (
        "The SIS has no section with this section's school code.",
        "An administrator must check the section's school code against the SIS.",
    ),
    Reason.SIS_SECTION_TAKEN: (
        "Another Schoology section already sends its scores to this SIS section.",
        "An administrator must decide which of the two is linked to it.",
    ),
    Reason.NOT_COURSE_ADMIN: (
        "Only a course admin of this section can sync it.",
        "Ask a teacher of the section to sync, or to make you a course admin.",
    ),
    Reason.SCHOOLOGY_KEY_NOT_ALLOWED: (
        "The district's Schoology key may not read this section.",
        "An administrator must check the permissions of the key in Schoology.",
    ),
    Reason.SCHOOLOGY_CREDENTIALS_REFUSED: (
        "Schoology refused the district's key.",
        "An administrator must check the key and secret, and the clock of the server.",
    ),
    Reason.SIS_CREDENTIALS_REFUSED: (
        "The SIS refused the district's plugin credentials.",
        "An administrator must check the client id and secret, and that the plugin is enabled.",
    ),
    Reason.TIMED_OUT: (
        "The sync did not end in its time and was closed.",
        "Sync again: it goes on with what is still to be sent.",
    ),
    Reason.MASS_CHANGE: (
        "The sync would clear, zero or create again an unusual share of the gradebook, so it stopped.",
        "Look at what would change. If it is meant, approve it.",
    ),
    Reason.PLAN_CHANGED: (
        "The gradebook has changed since you approved, so nothing was sent.",
        "Look at the new plan and approve that one.",
    ),
    Reason.INTERNAL_ERROR: (
        "Something went wrong in gradesync itself.",
        "Sync again. If it stays, report it with the id of the sync.",
    ),
}

CATALOGUE: Mapping[Reason, Entry] = {
    **_entries(Kind.ASSIGNMENT, _ASSIGNMENTS),
    **_entries(Kind.SCORE, _SCORES),
    **_entries(Kind.ROW, _ROWS),
    **_entries(Kind.WARNING, _WARNINGS),
    **_entries(Kind.SYNC, _SYNCS),
}
"""Every reason, in words."""
