"""Test the tables of the vendors, and what a district may override."""

from dataclasses import fields

import pytest

from gradesync.cli.sis_tables import OneRosterSis
from gradesync.core.district import OneRosterAccess, SisAccess
from gradesync.oneroster.connection import OneRoster
from gradesync.oneroster.profiles import PROFILES, NotSpokenError, Profile, choose_profile
from gradesync.upstream.limits import RateLimit


@pytest.mark.parametrize("name", PROFILES)
def test_every_table_names_settings_of_a_profile(name: str) -> None:
    for version in PROFILES[name].versions:
        assert choose_profile(name, version, {}).version == version


def test_every_setting_can_be_overridden_by_a_district() -> None:
    settings = {field.name for field in fields(Profile)} - {"version"}
    assert settings == set(OneRosterSis.model_fields) - OneRosterSis.own


def test_a_district_overrides_its_vendor() -> None:
    assert choose_profile("skyward", None, {}).title_limit == 49
    assert choose_profile("skyward", None, {"title_limit": 30}).title_limit == 30


def test_the_usual_version_comes_first() -> None:
    assert choose_profile("infinite-campus", None, {}).categories == "class"
    assert choose_profile("infinite-campus", "1.1", {}).categories == "constant"


@pytest.mark.parametrize(
    ("name", "version", "settings"),
    [
        ("skyward", "1.2", {}),
        ("standard", "1.1", {"blank": "not-submitted"}),
        ("standard", "1.1", {"excused_score": "none"}),
        ("standard", "1.1", {"bulk_post": True}),
        ("standard", "1.2", {"bulk_post": True, "reads_scores": False}),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, version: str, settings: dict[str, str]) -> None:
    with pytest.raises(NotSpokenError):
        choose_profile(name, version, settings)  # type: ignore[arg-type]  # as a file has it


def test_calls_a_minute_are_spread_or_have_no_limit() -> None:
    def rate(calls: int) -> RateLimit | None:
        access = OneRosterAccess(settings=(("calls_per_minute", calls),))
        return OneRoster.rate(SisAccess("oneroster", "https://sis.example", "id", "secret", oneroster=access))

    usual = rate(600)
    assert usual is not None
    assert usual.limit <= 600 * 5 / 60
    assert usual.window >= 5
    slow = rate(6)
    assert slow is not None
    assert (slow.limit, slow.window >= 10) == (1, True)
    assert rate(0) is None
