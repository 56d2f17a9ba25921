"""Test which settings differ between two states of a district."""

from dataclasses import replace
from decimal import Decimal

from gradesync.core.district import District, Lti11Registration, SchoologyAccess, SisAccess
from gradesync.core.district_differences import Difference, find_differences
from gradesync.core.sis import Policy

FILED = District(
    id="riverside",
    name="Riverside Unified",
    timezone="America/Los_Angeles",
    schoology=SchoologyAccess("https://api.schoology.com/v1", "key", "hush"),
    sis=SisAccess("powerschool", "https://sis.example.org", "id", "hush"),
)


def test_equal_settings_have_no_differences() -> None:
    assert find_differences(FILED, FILED) == []
    other_secrets = replace(FILED, sis=replace(FILED.sis, client_secret="another"))
    assert find_differences(FILED, other_secrets) == []


def test_differences_name_settings_as_the_file_does() -> None:
    in_force = replace(
        FILED,
        name="Riverside County",
        schoology=replace(FILED.schoology, run_as_requester=True, domains=("https://lms.example.org",)),
        lti11=Lti11Registration("launches", "hush"),
        policy=Policy(shorten_titles=True, guard_share=Decimal("0.25"), runs=True),
    )
    assert find_differences(FILED, in_force) == [
        Difference("name", "Riverside Unified", "Riverside County"),
        Difference("schoology.domains", None, "https://lms.example.org"),
        Difference("schoology.run_as", "none", "requester"),
        Difference("lti11.consumer_key", None, "launches"),
        Difference("policy.title_overflow", "skip", "shorten"),
        Difference("policy.runs", "false", "true"),
        Difference("policy.guard_share", str(Policy().guard_share), "0.25"),
    ]
    assert Difference("policy.title_overflow", "shorten", "skip") in find_differences(in_force, FILED)
    assert find_differences(in_force, FILED)[-1] == Difference("lti11.consumer_key", "launches", None)
