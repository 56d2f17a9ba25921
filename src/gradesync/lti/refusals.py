"""Why a launch does not end at the teacher's page, in words for the person who sits before it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the page says instead. `admin` is for whoever installed the app in Schoology."""

    status: int
    title: str
    text: str
    admin: str = ""


AGAIN = "Go back to your course in Schoology and open Sync to SIS again."

CATALOGUE: Mapping[str, Refusal] = {
    "too-many-logins": Refusal(
        429, "Too many people are opening this page at once.", f"Wait a minute. {AGAIN}"
    ),
    "lti-not-instructor": Refusal(
        403,
        "This page is for teachers.",
        "Only a course admin can send a course's grades to the SIS. There is nothing for you to do here.",
    ),
    "lti-user-unknown": Refusal(
        400,
        "Schoology did not say who you are.",
        "Please show this page to whoever looks after Schoology in your district.",
        "The app needs the custom parameter user_id=$User.id.",
    ),
    "lti-section-unknown": Refusal(
        400,
        "Schoology did not say which course this is.",
        "Open Sync to SIS from inside one of your courses. If you did, please show this page to whoever "
        "looks after Schoology in your district.",
        "The app needs the custom parameter section_id=$com.schoology.CourseSection.id, "
        "and an installation in courses.",
    ),
    "lti-not-registered": Refusal(
        403,
        "This school district is not set up here.",
        "Please show this page to whoever looks after Schoology in your district.",
        "Issuer, client id and deployment id of the app must be those of [lti] in the district's file, "
        "or its key that of [lti11].",
    ),
    "id-token-refused": Refusal(
        401,
        "Schoology's answer could not be verified.",
        f"{AGAIN} If this comes back, please show it to whoever looks after Schoology in your district.",
        "Compare client id, deployment id, key set address and launch address with the app in Schoology.",
    ),
    "lti11-refused": Refusal(
        401,
        "Schoology's answer could not be verified.",
        f"{AGAIN} If this comes back, please show it to whoever looks after Schoology in your district.",
        "Compare key, secret and launch address with the app in Schoology.",
    ),
    "lti-keys-unavailable": Refusal(
        503,
        "Schoology cannot be reached just now.",
        f"Wait a minute. {AGAIN}",
        "The platform's key set did not answer.",
    ),
    "launch-over": Refusal(400, "This page was opened before, or a while ago.", AGAIN),
    "platform-refused": Refusal(
        400, "Schoology did not sign you in.", f"Make sure that you are signed in to Schoology. {AGAIN}"
    ),
    "browser-unknown": Refusal(
        403,
        "Your browser could not be recognized.",
        "It must let this page keep a cookie for a few minutes. Private windows and some extensions do not. "
        f"{AGAIN}",
    ),
    "lti-request-not-valid": Refusal(400, "This page opens from Schoology.", AGAIN),
    "not-found": Refusal(404, "There is nothing here.", AGAIN),
    "method-not-allowed": Refusal(405, "This page opens from Schoology.", AGAIN),
    "service-unavailable": Refusal(503, "This does not work just now.", f"Wait a minute. {AGAIN}"),
    "internal-error": Refusal(
        500, "Something went wrong here.", f"{AGAIN} If this comes back, please tell your district."
    ),
}
