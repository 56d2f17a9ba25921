"""Word every reason for teachers: what happened, what to do, and who can do it. `{sis}` is the SIS's name.

The words are those of docs/glossary.md.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from gradesync.core.reasons import Reason

Who: TypeAlias = Literal["you", "admin"]


class Text(NamedTuple):
    """Word one reason. `who` can apply the fix: the teacher, or an administrator.

    `exact` is what happened with its facts, which it names in braces. `many` is the title for several
    students, with `{students}` for their number; only reasons of which a student is the cause have it.
    """

    title: str
    fix: str
    who: Who = "you"
    exact: str = ""
    many: str = ""


Texts: TypeAlias = Mapping[Reason, Text]

ASSIGNMENTS: Texts = {
    Reason.UNGRADED: Text(
        "The assignment has no grading category, so it doesn't count in Schoology and isn't sent.",
        "To send it, choose a grading category for it in Schoology.",
    ),
    Reason.CATEGORY_UNMAPPED: Text(
        "The assignment's grading category doesn't map to a {sis} category.",
        "Give the category the name of a {sis} category, or ask your administrator to map it.",
        exact="The grading category “{category}” doesn't map to a {sis} category.",
    ),
    Reason.CATEGORY_AMBIGUOUS: Text(
        "More than one category in Schoology or {sis} has this name, so it isn't clear which one to use.",
        "Rename one of them, or ask your administrator to map the category.",
        exact="In Schoology or {sis} more than one category is named “{category}”.",
    ),
    Reason.CATEGORY_TAKEN: Text(
        "Another category here maps to the same {sis} category, which accepts only one.",
        "Ask your administrator to map one of them to another category, or to allow both.",
        "admin",
        exact="Another category already maps to the {sis} category for “{category}”, which accepts only one.",
    ),
    Reason.CATEGORY_INACTIVE: Text(
        "The {sis} category with this name is inactive and accepts no assignments.",
        "Make the category active in {sis}, or move the assignment to another category.",
        exact="The {sis} category for “{category}” is inactive and accepts no assignments.",
    ),
    Reason.TITLE_TOO_LONG: Text(
        "The assignment's name is too long for {sis}.",
        "Shorten the name in Schoology.",
        exact="The name has {length} characters, and {sis} accepts {name_max}.",
    ),
    Reason.TITLE_NOT_ACCEPTED: Text(
        "The assignment's name is empty or has characters that can't be displayed.",
        "Type the name again in Schoology.",
    ),
    Reason.DUE_DATE_OUTSIDE_TERM: Text(
        "The due date is outside the term of the {sis} section.",
        "Choose a due date within the term in Schoology.",
        exact="The due date, {due}, is outside the term in {sis}: {first} to {last}.",
    ),
    Reason.OPTED_OUT: Text(
        "Sync to SIS is turned off for this assignment.",
        "To send the assignment again, turn it on in the tab Assignments.",
    ),
    Reason.POINTS_NOT_ACCEPTED: Text(
        "{sis} doesn't accept these total points.",
        "Change the total points in Schoology: above 0, and no more than {sis} accepts.",
        exact="The assignment has {points} total points. {sis} accepts more than 0 and at most {points_max}.",
    ),
    Reason.DUPLICATE_NAME: Text(
        "Another assignment in Schoology or {sis} has this name and due date. {sis} accepts only one.",
        "Give one of the two another name or another due date.",
        exact="Another assignment is also named “{name}” and due {due}. {sis} accepts only one.",
    ),
    Reason.DOES_NOT_COUNT: Text(
        "The assignment doesn't count toward the grade, and {sis} accepts only assignments that do.",
        "To send it, set it to count toward the grade in Schoology.",
    ),
    Reason.COLLECTED_ONLY: Text(
        "The assignment is collected only, so it has no points to send.",
        "To send it, make it a graded assignment in Schoology.",
    ),
    Reason.TERM_LOCKED: Text(
        "This term or assignment is locked in {sis}, so nothing in it can be changed.",
        "Ask your administrator to unlock it for this section in {sis}.",
        "admin",
    ),
    Reason.SIS_ASSIGNMENT_SHARED: Text(
        "In {sis} this assignment is shared with other sections, so the sync doesn't change it.",
        "Change it in {sis}, or make a separate copy for this section there.",
    ),
    Reason.SIS_ASSIGNMENT_TAKEN: Text(
        "In {sis} this assignment already has the scores of another Schoology section.",
        "Sync the section that the details name, and then this one. Or rename this assignment in Schoology.",
    ),
    Reason.NAME_NOT_FREE: Text(
        "In {sis} another assignment still has this name and due date, and this sync doesn't change that.",
        "Send both in one sync. If the other one isn't sent, see why, or give one of them another name.",
        exact="In {sis} “{holder}” is still named “{name}” and due {due}, and this sync doesn't change that.",
    ),
    Reason.NAME_LEFT_IN_SIS: Text(
        "In {sis} an assignment that was deleted in Schoology still has this name and due date.",
        "Rename or delete it in {sis}, or give this one another name in Schoology. Then sync again.",
        exact="In {sis} “{name}”, due {due}, is from an assignment that was deleted in Schoology.",
    ),
    Reason.ASSIGNMENT_NOT_ACCEPTED: Text(
        "{sis} didn't accept this assignment.",
        "In Schoology, correct what the details name, and sync again.",
    ),
    Reason.SIS_SCORE_TYPE: Text(
        "In {sis} this assignment isn't scored in points, so points can't be sent to it.",
        "Set its score type to points in {sis}, or rename the assignment in Schoology.",
    ),
    Reason.ASSIGNMENT_GONE: Text(
        "The assignment was deleted in {sis} during the sync.",
        "Sync again: the assignment is created again, with all its scores.",
    ),
}

SCORES: Texts = {
    Reason.INCOMPLETE_NOT_SENT: Text(
        "The score is marked Incomplete, so {sis} keeps what it has for this student.",
        "Enter points when the work is complete.",
    ),
    Reason.UNKNOWN_EXCEPTION: Text(
        "The score has no points, and its mark isn't recognized, so nothing is sent.",
        "Enter points, or use Excused, Incomplete or Missing.",
    ),
    Reason.STUDENT_NOT_IN_SIS_SECTION: Text(
        "The student is active in Schoology but isn't enrolled in the {sis} section.",
        "Ask the school office to check the student's enrollment in {sis}.",
        "admin",
        many="{students} students are active in Schoology but aren't enrolled in the {sis} section.",
    ),
    Reason.STUDENT_IN_OTHER_SECTION: Text(
        "In {sis} this student is enrolled in another section that is linked to this one.",
        "Enter the score in the section where {sis} has the student.",
        many="In {sis} {students} students are enrolled in another section that is linked to this one.",
    ),
    Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT: Text(
        "In {sis} this assignment is for some students only, and this student isn't one of them.",
        "Add the student to the assignment in {sis}.",
    ),
    Reason.STUDENT_NOT_ENROLLED: Text(
        "The student isn't active in this Schoology section, so {sis} keeps the score that it has.",
        "Nothing to do. If the student belongs here, ask the school office to check the enrollment.",
        many="{students} students aren't active in this Schoology section, so {sis} keeps their scores.",
    ),
    Reason.STUDENT_NOT_FROM_SIS: Text(
        "The student was added manually in Schoology and has no school ID.",
        "Ask your administrator to enroll the student through {sis}.",
        "admin",
        many="{students} students were added manually in Schoology and have no school ID.",
    ),
    Reason.STUDENT_UNMATCHED: Text(
        "The student's school ID doesn't match any student in {sis}.",
        "Ask your administrator to compare the student's ID in Schoology with the one in {sis}.",
        "admin",
        many="The school IDs of {students} students don't match any student in {sis}.",
    ),
    Reason.SCHOOL_ID_SHARED: Text(
        "Another Schoology account here has the same school ID, so it isn't clear whose score counts.",
        "Ask your administrator to correct one of the two school IDs. The details name the other account.",
        "admin",
        many="{students} students have the school ID of another account, so it isn't clear which counts.",
    ),
    Reason.SCORE_NOT_ACCEPTED: Text(
        "{sis} doesn't accept this score.",
        "Correct the score in Schoology. Negative and very large scores aren't accepted.",
    ),
    Reason.SCORE_NOT_KEPT: Text(
        "{sis} accepted the score but doesn't show it.",
        "Check the score in {sis}. Enter it there, or correct it in Schoology.",
    ),
    Reason.CANNOT_CLEAR: Text(
        "The score is cleared in Schoology, but the sync can't clear it in {sis}.",
        "Clear the score in {sis}, or enter points in Schoology.",
    ),
    Reason.ENTERED_IN_SIS: Text(
        "A teacher changed this score in {sis}, and {sis} doesn't allow the sync to change it.",
        "Change the score in {sis}, or clear it there and sync again.",
    ),
    Reason.DRIFT_UNDECIDED: Text(
        "Someone changed this score in {sis}. It isn't sent until you choose which one is right.",
        "Choose in the tab Compare which score is right. If the one in {sis} is, enter it in Schoology too.",
    ),
    Reason.LEFT_TO_SIS: Text(
        "Someone chose to keep the score that {sis} has, so this one isn't sent.",
        "To send the score again, change the choice in the tab Compare.",
    ),
    Reason.CHANGED_SINCE: Text(
        "Someone changed this score after that sync, so {sis} keeps what it has.",
        "Check the score in {sis}. To change it, change it in Schoology and sync again.",
    ),
    Reason.STUDENT_RENUMBERED: Text(
        "The student had another number in {sis} then, so this score isn't put back.",
        "Check the student's scores in {sis}. To change one, change it in Schoology and sync again.",
    ),
    Reason.SIS_SCORES_UNREADABLE: Text(
        "The sync can't read scores in {sis}, so it isn't clear what {sis} has here.",
        "Ask your administrator whether {sis} can let the sync read scores.",
        "admin",
    ),
    Reason.ASSIGNMENT_SKIPPED: Text(
        "The score's assignment was left out.",
        "See the assignment for the reason.",
    ),
    Reason.ASSIGNMENT_FAILED: Text(
        "The score's assignment didn't reach {sis}.",
        "See the assignment for the reason, correct it, and sync again.",
    ),
    Reason.ASSIGNMENT_UNKNOWN: Text(
        "Schoology sent a score for an assignment that isn't in the gradebook.",
        "Nothing to do if the assignment was just deleted. Otherwise sync again in a minute.",
    ),
}

ROWS: Texts = {
    Reason.ROW_UNREADABLE: Text(
        "What Schoology has here couldn't be read, so {sis} keeps what it has.",
        "Save it again in Schoology. If that doesn't help, tell your administrator.",
    ),
    Reason.NOT_ATTEMPTED: Text(
        "The sync stopped before it got to this.",
        "See why the sync stopped, and sync again.",
    ),
    Reason.UPSTREAM_UNAVAILABLE: Text(
        "Schoology or {sis} isn't available right now.",
        "Sync again in a few minutes. Nothing is sent twice.",
        exact="{system} isn't available right now.",
    ),
    Reason.UPSTREAM_ANSWER_UNEXPECTED: Text(
        "Schoology or {sis} sent a response that couldn't be read.",
        "Sync again in a few minutes. If it happens again, tell your administrator.",
        exact="{system} sent a response that couldn't be read.",
    ),
    Reason.SIS_PERMISSION_MISSING: Text(
        "{sis} doesn't allow the sync to do this.",
        "Ask your administrator to give the {sis} plugin the permission that the details name.",
        "admin",
        exact="{sis} doesn't allow the sync to use {permission}.",
    ),
    Reason.TEACHER_NOT_IN_SIS_SECTION: Text(
        "The sync uses a {sis} teacher who doesn't teach this section.",
        "Ask your administrator to check the section's teacher in {sis}.",
        "admin",
    ),
    Reason.SIS_UNREADABLE: Text(
        "What {sis} has couldn't be read, so nothing was changed.",
        "Sync again in a few minutes. If it happens again, ask your administrator to check the connection.",
    ),
}
