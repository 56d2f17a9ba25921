"""Explain why a launch does not end at the teacher's page, in words for the person who sees it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold the text of the page. `admin` is for the person who installed the app in Schoology."""

    status: int
    title: str
    text: str
    admin: str = ""


AGAIN = "Go back to your course in Schoology and open Sync to SIS again."

# What teachers read.
LAUNCHES: Mapping[str, Refusal] = {
    "too-many-logins": Refusal(429, "Too many people opened this page at once.", f"Wait a minute. {AGAIN}"),
    "lti-not-instructor": Refusal(
        403,
        "This page is for teachers.",
        "Only a course admin can sync a course's grades. There is nothing for you to do here.",
    ),
    "lti-user-unknown": Refusal(
        400,
        "Schoology didn't tell us who you are.",
        "Show this page to your administrator.",
        "The app needs the custom parameter user_id=$User.id.",
    ),
    "lti-section-unknown": Refusal(
        400,
        "Schoology didn't tell us which course this is.",
        "Open Sync to SIS in one of your courses. If you did, show this page to your administrator.",
        "The app needs the custom parameter section_id=$com.schoology.CourseSection.id, "
        "and an installation in courses.",
    ),
    "lti-not-registered": Refusal(
        403,
        "Your school district isn't set up here.",
        "Show this page to your administrator.",
        "The app's issuer, client id and deployment id must match [lti] in the district's file, "
        "or its key must match [lti11].",
    ),
    "id-token-refused": Refusal(
        401,
        "Your sign-in from Schoology couldn't be checked.",
        f"{AGAIN} If this happens again, show this page to your administrator.",
        "Compare client id, deployment id, key set address and launch address with the app in Schoology.",
    ),
    "lti11-refused": Refusal(
        401,
        "Your sign-in from Schoology couldn't be checked.",
        f"{AGAIN} If this happens again, show this page to your administrator.",
        "Compare key, secret and launch address with the app in Schoology.",
    ),
    "lti-keys-unavailable": Refusal(
        503,
        "Schoology can't be reached right now.",
        f"Wait a minute. {AGAIN}",
        "The platform's key set did not answer.",
    ),
    "launch-over": Refusal(400, "This page was opened before, or too long ago.", AGAIN),
    "platform-refused": Refusal(
        400, "Schoology didn't sign you in.", f"Make sure you are signed in to Schoology. {AGAIN}"
    ),
    "browser-unknown": Refusal(
        403,
        "Your browser couldn't be recognized.",
        f"It has to allow cookies for this page. Private windows and some extensions don't. {AGAIN}",
    ),
    "lti-request-not-valid": Refusal(400, "This page opens from Schoology.", AGAIN),
    "not-found": Refusal(404, "There is nothing here.", AGAIN),
    "method-not-allowed": Refusal(405, "This page opens from Schoology.", AGAIN),
    "body-too-large": Refusal(413, "This page opens from Schoology.", AGAIN),
    "service-unavailable": Refusal(503, "This doesn't work right now.", f"Wait a minute. {AGAIN}"),
    "internal-error": Refusal(
        500, "Something went wrong here.", f"{AGAIN} If it happens again, tell your administrator."
    ),
}

# What the district's people read who manage gradesync.
ADMINISTRATION: Mapping[str, Refusal] = {
    "console-not-allowed": Refusal(
        403,
        "You signed in, but this district has not let you in.",
        "Show this page to the person who manages gradesync in your district.",
        "To let this person in, add the subject {subject} to viewers or operators of [console] in the "
        "district's file.",
    ),
    "sign-in-off": Refusal(
        404,
        "There is no sign-in for this district here.",
        "Check the address with the person who gave it to you. System admins of Schoology open the console "
        "from any of their courses.",
        "A sign-in needs issuer, client_id and people under [console] in the district's file.",
    ),
    "sign-in-over": Refusal(
        400, "This sign-in was used before, or began too long ago.", "Open the console's address again."
    ),
    "sign-in-refused": Refusal(
        401,
        "Your sign-in could not be verified.",
        "Open the console's address again. If this happens again, show it to the person who manages "
        "gradesync in your district.",
        "Compare issuer, client id, client secret and redirect address with the provider's settings.",
    ),
    "provider-unavailable": Refusal(
        503,
        "Your district's sign-in can't be reached right now.",
        "Wait a minute, then open the console's address again.",
        "The provider of [console] did not give a usable response.",
    ),
    "invitation-over": Refusal(
        401,
        "This link was used before, or is too old.",
        "Ask the person who sent it for a new one. What you saved is kept.",
    ),
    "setup-empty": Refusal(409, "There is nothing to check yet.", "Save the settings, then check them."),
    "setup-not-readable": Refusal(400, "The settings can't be read.", "Open this page again."),
}

CATALOG: Mapping[str, Refusal] = {**LAUNCHES, **ADMINISTRATION}
