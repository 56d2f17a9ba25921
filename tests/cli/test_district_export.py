"""Test that an exported district file is the one that was applied, but for its secrets."""

import re

import pytest

from gradesync.cli.district_file import DistrictFileRefused, parse
from gradesync.core.district_export import export_district

WHOLE = r"""
id = "riverside"
name = "Riverside \"Unified\" é"
timezone = "America/Los_Angeles"
[schoology]
consumer_key = "key"
consumer_secret = "hush"
window_seconds = 2.5
run_as = "requester"
domains = ["https://lms.riverside.example"]
[sis]
kind = "powerschool"
base_url = "https://sis.example.org"
client_id = "id"
client_secret = "hush"
[match]
section = '^S(\d+)$'
[lti]
issuer = "https://schoology.schoology.com"
client_id = "42"
deployment_id = "7"
jwks_url = "https://lti.example.org/jwks"
authorization_url = "https://lti.example.org/authorize"
[lti11]
consumer_key = "43"
consumer_secret = "hush"
[console]
system_admins = "operator"
issuer = "https://login.example.org/"
client_id = "44"
client_secret = "hush"
viewers = ["ada"]
[policy]
title_overflow = "shorten"
service_sync = true
guard_share = 0.25
"""
ROSTER = """
id = "lakeside"
name = "Lakeside"
timezone = "America/Chicago"
[schoology]
consumer_key = "key"
consumer_secret = "hush"
[sis]
kind = "oneroster"
profile = "infinite-campus"
rostering_url = "https://sis.example.org/r"
gradebook_url = "https://sis.example.org/g"
token_url = "https://sis.example.org/token"
client_id = "id"
client_secret = "hush"
headers = ["x-vendor: hush"]
title_limit = 30
"""
SECRET = '"hush"'
FILLED = {"headers": '["x-vendor: hush"]'}


@pytest.mark.parametrize("text", [WHOLE, ROSTER])
def test_exported_file_with_its_secrets_is_the_same(text: str) -> None:
    district = parse(text)
    exported = export_district(district)
    assert "hush" not in exported
    with pytest.raises(DistrictFileRefused):
        parse(exported)
    filled = re.sub(r"# (\w+) is set.*", _fill, exported)
    assert parse(filled) == district


def _fill(found: re.Match[str]) -> str:
    return f"{found[1]} = {FILLED.get(found[1], SECRET)}"
