"""Check the table [console] of district files: what it sets, and the mistakes that it reports."""

import pytest

from gradesync.cli.district_file import DistrictFileRefused, parse
from gradesync.core.district import ConsoleAccess, OidcAccess
from harness.district_files import SHORT

WHOLE = (
    SHORT
    + """[console]
system_admins = "operator"
issuer = "https://login.riverside.example/"
client_id = "44"
client_secret = "hush as well"
viewers = ["00u1", "00u2"]
operators = ["00u3"]
"""
)


def test_console_table_sets_roles_and_provider() -> None:
    district = parse(WHOLE)
    assert district.console == ConsoleAccess("operator")
    assert district.oidc == OidcAccess(
        "https://login.riverside.example/", "44", "hush as well", ("00u1", "00u2"), ("00u3",)
    )


def test_without_a_console_table_system_admins_look() -> None:
    district = parse(SHORT)
    assert (district.console, district.oidc) == (ConsoleAccess("viewer"), None)


@pytest.mark.parametrize(
    ("wrong", "message", "hint"),
    [
        ('system_admins = "owner"', "system_admins cannot be 'owner'", "'none', 'viewer' or 'operator'"),
        ('viewers = ["00u1"]', "the issuer of the subjects is missing", "Add issuer"),
        ('issuer = "https://login.example.org"', "client_id is missing beside issuer", "Add client_id"),
        ('issuer = "http://login.example.org"', "https only", '"https://login.example.org"'),
        ('issuer = "https://login.example.org"\nclient_id = "4"', "nobody may sign in", "operators = "),
        ('viewers = ["a"]\noperators = ["a"]', "'a' has two roles", "operators may look too"),
        ('operators = "00u1"', "operators must be a list", "in brackets"),
        ('admins = ["00u1"]', "no setting is called admins under [console]", "system_admins"),
    ],
)
def test_impossible_console_is_reported(wrong: str, message: str, hint: str) -> None:
    with pytest.raises(DistrictFileRefused) as refused:
        parse(f"{SHORT}[console]\n{wrong}\n")
    (mistake,) = refused.value.mistakes
    assert mistake.line > len(SHORT.splitlines())
    assert message in mistake.message
    assert hint in mistake.hint


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('issuer = "https://id.example.org"\nclient_id = "a"', 13),
        ('client_id = "a"\nsystem_admins = "none"', 13),
        ('issuer = "https://id.example.org"\nviewers = ["a"]\noperators = ["a"]', 14),
    ],
)
def test_contradiction_is_reported_at_its_setting(wrong: str, line: int) -> None:
    with pytest.raises(DistrictFileRefused) as caught:
        parse(f"{SHORT}[console]\n{wrong}\n")
    assert [mistake.line for mistake in caught.value.mistakes] == [line]
