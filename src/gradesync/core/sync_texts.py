"""Word the warnings, and the reasons of a sync as a whole, for teachers. `{sis}` is the SIS's name."""

from gradesync.core.reason_texts import Text, Texts
from gradesync.core.reasons import Reason

# What to do about a plan that waits for a person: who may send it, and who may not.
REVIEW = "Review what would change. If it's right, send it."
ASK_FOR_REVIEW = "Ask a teacher of the section to review what would change, and to send it if it's right."

WARNINGS: Texts = {
    Reason.EXCEPTION_NOT_SENT: Text(
        "The points were sent. The mark next to them wasn't, because {sis} doesn't have it.",
        "Nothing to do.",
    ),
    Reason.FACTOR_NOT_SENT: Text(
        "The assignment has a factor other than 1. Factors aren't sent, so averages may differ.",
        "If the averages should agree, set the factor to 1 and change the total points.",
    ),
    Reason.TITLE_SHORTENED: Text(
        "The name was too long for {sis} and was shortened there.",
        "To choose the name in {sis} yourself, shorten it in Schoology.",
        exact="The name has {length} characters. {sis} accepts {name_max}, so it was shortened there.",
    ),
    Reason.DUE_DATE_FILLED: Text(
        "The assignment has no due date. The last day of its grading period or term was sent.",
        "To choose the day yourself, set a due date in Schoology.",
        exact="The assignment has no due date. The last day of its grading period or term was sent: {due}.",
    ),
    Reason.SCORE_ROUNDED: Text(
        "The points have more decimal places than {sis} keeps, so they were rounded.",
        "Nothing to do.",
    ),
    Reason.DUPLICATE_IN_SIS: Text(
        "{sis} has a second assignment with this name and due date from an earlier sync.",
        "Compare both in {sis}, and delete the one without scores.",
    ),
    Reason.PARTIAL_READ: Text(
        "Schoology didn't send everything. What it sent is synced, and nothing else was changed.",
        "Sync again to send the rest.",
    ),
    Reason.EDITED_IN_SIS: Text(
        "Someone changed this in {sis} after it was sent.",
        "If it's right, make the change in Schoology too. If not, your next change there replaces it.",
    ),
    Reason.NAME_SET_ASIDE: Text(
        "Assignments swapped names, and {sis} may still show this one by its old name and a number.",
        "Correct the other assignments that swapped names with it, and sync again.",
    ),
    Reason.NEVER_SCORED_HERE: Text(
        "This student was never scored here in Schoology, so {sis} keeps the score that it has.",
        "To change it, enter a score in Schoology. To remove it, enter one, and then clear it.",
    ),
    Reason.SEVERAL_ENROLLMENTS: Text(
        "The student is enrolled here more than once with different scores. The latest active one counts.",
        "Check the score. Ask the school office to end the enrollment that isn't needed.",
        many="{students} students are enrolled here more than once, and the latest active score counts.",
    ),
    Reason.TAKEN_FROM_REMOVED: Text(
        "A deleted assignment had the same name and due date. This one continues it in {sis}.",
        "Nothing to do. If they're different assignments, change the name or the due date.",
    ),
    Reason.LEFT_AT_FORMER_STUDENT: Text(
        "The student's school ID changed, and the {sis} student with the former ID still has this score.",
        "If that score is wrong there, clear it in {sis}.",
        many="The school IDs of {students} students changed, and {sis} still has scores for the former ones.",
    ),
    Reason.LEFT_IN_FORMER_SECTION: Text(
        "This section now syncs to another {sis} section. The assignment is still in the former one.",
        "If it doesn't belong there, delete it in {sis}.",
    ),
    Reason.ALL_ZERO: Text(
        "All scores of this assignment are zero.",
        "If that isn't right, correct the scores in Schoology.",
        exact="All {scores} scores of this assignment are zero.",
    ),
    Reason.ALL_EQUAL: Text(
        "All students have the same score in this assignment.",
        "If that isn't right, correct the scores in Schoology.",
        exact="All {scores} scores of this assignment are {score} of {total} points.",
    ),
    Reason.ALL_ABOVE_TOTAL: Text(
        "All scores are above the total points.",
        "Check the scores and the total points in Schoology.",
        exact="All {scores} scores are above the {total} total points.",
    ),
    Reason.ALL_AT_MOST_ONE: Text(
        "No score of this assignment is above 1.",
        "Check the scores and the total points in Schoology.",
        exact="None of the {scores} scores is above 1, and the assignment has {total} points.",
    ),
    Reason.COLUMNS_SWAPPED: Text(
        "The scores of this assignment and of another one were swapped.",
        "If that isn't right, correct the scores of both in Schoology.",
        exact="The scores of this assignment and of “{other}” were swapped.",
    ),
    Reason.MEAN_MOVED: Text(
        "This assignment changes averages more than usual.",
        "If that isn't right, check the scores and the total points in Schoology.",
        exact="With this assignment, averages are {shift} points {direction}.",
    ),
}

SYNCS: Texts = {
    Reason.SECTION_NOT_FROM_SIS: Text(
        "This section wasn't created from {sis}, so it can't sync.",
        "Sync from a section that was created from {sis}.",
    ),
    Reason.SECTION_NOT_FOUND: Text(
        "Schoology doesn't have this section.",
        "Check that the course isn't archived. If it isn't, tell your administrator.",
    ),
    Reason.SECTION_UNMATCHED: Text(
        "The section school code doesn't have the form that your district set.",
        "Ask your administrator to check the section school code and the pattern in the district's settings.",
        "admin",
    ),
    Reason.SIS_SECTION_NOT_FOUND: Text(
        "{sis} has no section with this section school code.",
        "Ask your administrator to compare the section school code with {sis}.",
        "admin",
    ),
    Reason.SIS_SECTION_TAKEN: Text(
        "Another Schoology section already syncs to this {sis} section.",
        "Ask your administrator to decide which of the two syncs to it.",
        "admin",
    ),
    Reason.NOT_COURSE_ADMIN: Text(
        "Only a course admin of this section can sync it.",
        "Ask a teacher of the section to sync, or to make you a course admin.",
    ),
    Reason.SCHOOLOGY_KEY_NOT_ALLOWED: Text(
        "Schoology doesn't allow your district's key to read this section.",
        "Ask your administrator to check the key's permissions in Schoology.",
        "admin",
    ),
    Reason.SCHOOLOGY_CREDENTIALS_REFUSED: Text(
        "Schoology didn't accept your district's key.",
        "Ask your administrator to check the key and secret, and the server's clock.",
        "admin",
    ),
    Reason.SIS_CREDENTIALS_REFUSED: Text(
        "{sis} didn't accept your district's key.",
        "Ask your administrator to check the plugin's client ID and secret, and that it is enabled.",
        "admin",
    ),
    Reason.TIMED_OUT: Text(
        "The sync didn't finish in time and was ended.",
        "Sync again to send what is still missing.",
    ),
    Reason.MASS_CHANGE: Text(
        "The sync stopped because it would clear or change an unusual part of the gradebook.",
        REVIEW,
        exact="Stopped for {review}. {change}",
    ),
    Reason.LATE_CHANGE: Text(
        "The term has ended, so a second person has to review what would change.",
        "Ask another teacher of the section to review and send it. If there is none, ask your administrator.",
        exact="Stopped for {review}. {change}",
    ),
    Reason.PLAN_CHANGED: Text(
        "The gradebook has changed since the review, so nothing was sent.",
        "Review the new changes. If they're right, send them.",
        exact="The gradebook has changed since the review. {change}",
    ),
    Reason.INTERNAL_ERROR: Text(
        "Something went wrong in the sync itself.",
        "Sync again. If it happens again, tell your administrator.",
    ),
}
