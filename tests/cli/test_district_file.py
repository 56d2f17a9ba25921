"""Check district files: what they set, and that mistakes are reported with their line and a hint."""

import re
from decimal import Decimal

import pytest

from gradesync.cli.district_file import DistrictFileRefused, Mistake, parse
from gradesync.core.district import Lti11Registration
from gradesync.core.sis import Policy
from harness.district_files import SHORT

WHOLE = r"""
id = "riverside"
name = "Riverside Unified"
timezone = "America/Los_Angeles"
[schoology]
base_url = "https://api.schoology.com/v1/"
consumer_key = "key"
consumer_secret = "secret"
requests_per_window = 50
window_seconds = 2.5
multiget_cost = 4
run_as = "requester"
domains = ["https://lms.riverside.example"]
[sis]
kind = "powerschool"
base_url = "https://sis.example.org"
client_id = "id"
client_secret = "hush"
minimum_interval_ms = 100
[match]
section = '^S(\d+)$'
student = '^1_(\d+)$'
student_id = "student_number"
[lti]
issuer = "https://schoology.schoology.com"
client_id = "42"
deployment_id = "7"
jwks_url = "https://lti-service.svc.schoology.com/lti-service/.well-known/jwks"
authorization_url = "https://lti-service.svc.schoology.com/lti-service/authorize-redirect"
[lti11]
consumer_key = "43"
consumer_secret = "hush too"
[policy]
title_overflow = "shorten"
category_mapping = "many_to_one"
exception_flags = true
guard_share = 0.25
"""


def mistakes(text: str, *, allow_http: bool = False) -> tuple[Mistake, ...]:
    with pytest.raises(DistrictFileRefused) as caught:
        parse(text, allow_http=allow_http)
    return caught.value.mistakes


def test_complete_file_sets_everything() -> None:
    district = parse(WHOLE)
    assert (district.id, district.name, district.timezone) == (
        "riverside",
        "Riverside Unified",
        "America/Los_Angeles",
    )
    schoology, sis = district.schoology, district.sis
    assert schoology.base_url == "https://api.schoology.com/v1"
    assert (schoology.requests_per_window, schoology.window_seconds) == (50, Decimal("2.5"))
    assert (schoology.multiget_cost, schoology.run_as_requester) == (4, True)
    assert schoology.domains == ("https://lms.riverside.example",)
    assert (sis.kind, sis.client_id, sis.client_secret, sis.minimum_interval_ms) == (
        "powerschool",
        "id",
        "hush",
        100,
    )
    assert (district.match.section, district.match.student_id) == (r"^S(\d+)$", "student_number")
    assert district.lti is not None
    assert (district.lti.client_id, district.lti.deployment_id) == ("42", "7")
    assert district.lti11 == Lti11Registration("43", "hush too")
    assert district.policy == Policy(
        shorten_titles=True, many_to_one=True, exception_flags=True, guard_share=Decimal("0.25")
    )


def test_short_file_gets_the_defaults() -> None:
    district = parse(SHORT)
    assert district.policy == Policy()
    assert district.match.student == r"^1_(\d+)$"
    assert (district.lti, district.lti11) == (None, None)
    assert district.schoology.base_url == "https://api.schoology.com/v1"


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message", "hint"),
    [
        ('"riverside"', '"River Side"', 1, "id cannot be 'River Side'", "small letters"),
        ('"Riverside Unified"', '" "', 2, "name is empty", "its value"),
        ("Los_Angeles", "Los_Angelos", 3, "not a time zone", '"America/Los_Angeles"'),
        ("[schoology]", "[scoology]", 4, "no setting is called scoology", "Did you mean schoology?"),
        ("consumer_key", "consumerkey", 5, "no setting is called consumerkey", "Did you mean consumer_key?"),
        ('"key"', "12", 5, "consumer_key must be text", "in quotes"),
        ('"powerschool"', '"aspen"', 8, "kind cannot be 'aspen'", "'powerschool'"),
        ("https://", "", 9, "not a web address", "https://"),
        ("sis.example.org", "xn--a.example", 9, "not a web address", "https://"),
        ("sis.example.org", "sis.example.org:0", 9, "not a web address", "https://"),
        ("sis.example.org", "sis.example.org:99999", 9, "not a web address", "https://"),
        ("sis.example.org", "[v1.x]", 9, "not a web address", "https://"),
        ("https://", "http://", 9, "https only", '"https://sis.example.org"'),
        ("[sis]", "", 1, "table [sis] is missing", "kind, base_url, client_id, client_secret"),
        ('client_secret = "hush"', "", 7, "client_secret is missing under [sis]", "Add client_secret"),
        ('"hush"', '"hush', 11, "not TOML", "name ="),
    ],
)
def test_mistake_is_reported_with_line_and_hint(
    right: str, wrong: str, line: int, message: str, hint: str
) -> None:
    reported = mistakes(SHORT.replace(right, wrong))
    assert any(m.line == line and message in m.message and hint in m.hint for m in reported), reported


@pytest.mark.parametrize(
    ("wrong", "message", "hint"),
    [
        (r"section = '^\d+$'", "the pattern has no group", "parentheses"),
        ("student = '^(1_'", "the pattern cannot be read", "regular expression"),
        ("student = '^((a|aa)+)+$'", "the pattern repeats a group", "single characters"),
        (r"student = '^\d*\d*\d*\d*(x)$'", "the pattern repeats too often", "at most twice"),
        (f"student = '^{'(1|1)' * 30}$'", "the pattern repeats too often", "at most twice"),
        (f"student = '^{'1?' * 30}(1)$'", "the pattern repeats too often", "at most twice"),
        ("student = 'a{9999999999}(1)'", "the pattern cannot be read", "regular expression"),
        (f"student = '{'(' * 3000}1{')' * 3000}'", "the pattern cannot be read", "regular expression"),
        ('student_id = "name"', "student_id cannot be 'name'", "'dcid', 'id' or 'student_number'"),
    ],
)
def test_unusable_match_is_reported(wrong: str, message: str, hint: str) -> None:
    (mistake,) = mistakes(f"{SHORT}[match]\n{wrong}\n")
    assert mistake.line == len(SHORT.splitlines()) + 2
    assert message in mistake.message
    assert hint in mistake.hint


@pytest.mark.parametrize(
    "pattern", [r"^[A-Z]{2}\d?-(\d+)-\w*$", r"(?:hs|ms)_(\d+)", r"-(\d+)$", r"\+(\d{9})"]
)
def test_usual_pattern_is_taken(pattern: str) -> None:
    district = parse(f"{SHORT}[match]\nstudent = '{pattern}'\n")
    assert district.match.student == pattern


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('exception_flags = "maybe"', "exception_flags must be true or false"),
        ("guard_share = 1.5", "guard_share: input should be less than or equal to 1"),
        ('guard_scores = "many"', "guard_scores must be a whole number"),
        ('guard_scores = "8"', "guard_scores must be a whole number"),
        ('runs = "yes"', "runs must be true or false"),
        ('guard_share = "0.5"', "guard_share: it must be a number"),
    ],
)
def test_impossible_policy_is_reported(wrong: str, message: str) -> None:
    (mistake,) = mistakes(f"{SHORT}[policy]\n{wrong}\n")
    assert message in mistake.message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('["https://lms.example.org/home"]', "domains: 'https://lms.example.org/home' is more than a host"),
        ('["https://lms.example.org; script-src *"]', "is more than a host"),
        ('["http://lms.example.org"]', "https only"),
        ('["lms.example.org"]', "not a web address"),
        ('"https://lms.example.org"', "domains must be a list"),
    ],
)
def test_domain_beyond_an_origin_is_reported(wrong: str, message: str) -> None:
    (mistake,) = mistakes(SHORT.replace("[sis]", f"domains = {wrong}\n[sis]"))
    assert message in mistake.message
    assert mistake.line == 7


def test_mistakes_are_reported_in_the_order_of_lines() -> None:
    reported = mistakes(SHORT.replace("Los_Angeles", "Nowhere").replace("powerschool", "aspen"))
    assert [m.line for m in reported] == [3, 8]


def test_mistakes_contain_no_secrets() -> None:
    with pytest.raises(DistrictFileRefused) as caught:
        parse(SHORT.replace('"hush"', "123456").replace("client_id", "clientid"))
    assert "123456" not in str(caught.value)


@pytest.mark.parametrize("name", ["base_url", "jwks_url", "authorization_url"])
@pytest.mark.parametrize("scheme", ["https://", "http://", "", "ftp://"])
@pytest.mark.parametrize("password", ["hunter2", "hunter2/", "hunter2?", "hunter2#"])
def test_address_with_credentials_is_refused_and_hidden(name: str, scheme: str, password: str) -> None:
    text = re.sub(
        rf'^{name} = ".*"$', f'{name} = "{scheme}svc:{password}@sis.example.org"', WHOLE, flags=re.M
    )
    assert text != WHOLE
    for allow_http in (False, True):
        with pytest.raises(DistrictFileRefused) as caught:
            parse(text, allow_http=allow_http)
        reported = {(mistake.message, mistake.hint.partition(":")[0]) for mistake in caught.value.mistakes}
        assert reported == {(f"{name}: an address takes no user name or password", "Write the address alone")}
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("rest", ["?token=hunter2", "/#hunter2", "?"])
def test_address_with_a_query_is_refused_and_hidden(rest: str) -> None:
    (mistake,) = mistakes(SHORT.replace("https://sis.example.org", f"sis.example.org{rest}"))
    assert mistake.message == "base_url: an address takes no query and no fragment"
    assert "hunter2" not in mistake.hint


def test_http_is_for_development() -> None:
    text = SHORT.replace("https://sis", "http://sis")
    assert parse(text, allow_http=True).sis.base_url == "http://sis.example.org"


def test_value_in_place_of_a_table_is_reported() -> None:
    (mistake,) = mistakes("sis = 3\n" + SHORT.partition("[sis]")[0])
    assert (mistake.line, mistake.message) == (1, "sis must be a table")


ROSTER = """id = "riverside"
name = "Riverside Unified"
timezone = "America/Los_Angeles"
[schoology]
consumer_key = "key"
consumer_secret = "secret"
[sis]
kind = "oneroster"
profile = "infinite-campus"
rostering_url = "https://sis.example.org/r"
gradebook_url = "https://sis.example.org/g"
token_url = "https://sis.example.org/token"
client_id = "id"
client_secret = "hush"
headers = ["x-vendor-authorization: key:secret"]
title_limit = 30
"""


def test_oneroster_is_set_up_by_profile_and_override() -> None:
    district = parse(ROSTER)
    sis = district.sis
    assert (sis.kind, sis.name, sis.headers) == (
        "oneroster",
        "Infinite Campus",
        "x-vendor-authorization: key:secret",
    )
    assert sis.oneroster is not None
    assert sis.oneroster.settings == (("title_limit", 30),)
    assert district.match.student_id == "sourced_id"
    assert "secret" not in repr(sis)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "message", "hint"),
    [
        ('"infinite-campus"', '"campus"', 9, "'campus' is no profile", "infinite-campus"),
        ('"infinite-campus"', '"standard"', 7, "the SIS has no name", "name ="),
        ("title_limit = 30", "title_limt = 30", 16, "no setting is called title_limt", "title_limit"),
        ("title_limit = 30", 'title_limit = "x"', 16, "must be a whole number", "digits"),
        ("title_limit = 30", 'title_limit = "8"', 16, "title_limit must be a whole number", "digits"),
        ("title_limit = 30", "connections = true", 16, "connections must be a whole number", "digits"),
        ("title_limit = 30", 'bulk_post = "yes"', 16, "bulk_post must be true or false", "without quotes"),
        ("title_limit = 30", "bulk_post = 1", 16, "bulk_post must be true or false", "without quotes"),
        ("title_limit = 30", "bulk_post = true\nreads_scores = false", 17, "shows its scores", "two"),
        ("title_limit = 30", 'version = "1.3"', 16, "version cannot be '1.3'", "'1.1'"),
        ("title_limit = 30", 'blank = "never"', 16, "blank cannot be 'never'", "'cannot'"),
        (
            "title_limit = 30",
            'version = "1.1"\nblank = "not-submitted"',
            17,
            "no result without a score",
            "two",
        ),
        ('token_url = "https://sis.example.org/token"', "", 7, "token_url is missing", "token_url"),
        ('gradebook_url = "https://sis.example.org/g"', "", 7, "addresses", "base_url"),
        ("key:secret", "", 15, "headers", ""),
        (
            "title_limit = 30",
            '[match]\nstudent_id = "dcid"',
            17,
            "student_id cannot be 'dcid'",
            "'sourced_id'",
        ),
    ],
)
def test_oneroster_mistakes_are_reported_with_line_and_hint(
    right: str, wrong: str, line: int, message: str, hint: str
) -> None:
    (mistake,) = mistakes(ROSTER.replace(right, wrong))
    assert (mistake.line, message in mistake.message, hint in mistake.hint) == (line, True, True), mistake
