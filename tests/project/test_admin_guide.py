"""Check files, calls, scopes, reasons and defaults that the administrators' guide names."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gradesync.access.tokens import Scope
from gradesync.cli.district_file import parse
from gradesync.core.catalog import CATALOG
from gradesync.core.district import Match
from gradesync.core.reasons import Reason
from gradesync.core.sis import Policy
from gradesync.oneroster.profiles import PROFILES, Profile
from harness.api_document import api_document

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "admin-guide.md").read_text()
PATHS: dict[str, Any] = api_document()["paths"]


def section(title: str) -> str:
    return GUIDE.partition(f"{title}\n")[2].partition("\n## ")[0]


def test_admin_guide_district_file_is_valid() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    district = parse(toml)
    assert (district.match, district.policy) == (Match(), Policy())


@pytest.mark.parametrize("call", sorted(set(re.findall(r"`((?:GET|POST|PUT|PATCH) /[^`]*)`", GUIDE))))
def test_admin_guide_calls_exist(call: str) -> None:
    method, path = call.split(" ")
    known = {re.sub(r"\{\w+\}", "{id}", one): operations for one, operations in PATHS.items()}
    assert method.lower() in known[path]


def test_admin_guide_scopes_exist() -> None:
    named = set(re.findall(r"--scope ([\w:]+)", GUIDE))
    assert named <= set(Scope)
    assert len(named) == 7


def test_admin_guide_reasons_exist() -> None:
    named = re.findall(r"^\| `([a-z-]+)` \|", section("## 10. Reading the log"), re.MULTILINE)
    assert named
    assert all(Reason(code) in CATALOG for code in named)


def test_admin_guide_lists_policy_with_defaults() -> None:
    rows = re.findall(r"^\| (`.+?) \| (`.+?) \|", section("## 7. Policy"), re.MULTILINE)
    defaults = {
        name: default
        for names, defaults in rows
        for name, default in zip(re.findall("`(.+?)`", names), re.findall("`(.+?)`", defaults), strict=True)
    }
    text = "\n".join(f"{name} = {default}" for name, default in defaults.items())
    (toml,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert parse(f"{toml}\n[policy]\n{text}\n").policy == Policy()
    assert len(defaults) == len(Policy.__slots__)


def test_admin_guide_links_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", GUIDE)
    assert [link for link in links if not (DOCS / link).exists()] == []


def test_oneroster_page_has_a_section_a_vendor() -> None:
    page = (DOCS / "oneroster.md").read_text()
    sections = {
        "".join(re.findall(r"\(`([\w-]+)`\)", part.partition("\n")[0])): part for part in page.split("\n## ")
    }
    vendors = {name for name, vendor in PROFILES.items() if vendor.title}
    for name in vendors:
        steps = re.findall(r"^- \*\*(Ask for|Keys|Switch on|In [\w]+):\*\*", sections[name], re.MULTILINE)
        assert [word.split()[0] for word in steps] == ["Ask", "Keys", "Switch", "In"], name


def test_oneroster_page_lists_every_setting() -> None:
    page = (DOCS / "oneroster.md").read_text().partition("## Settings of a profile")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == {
        setting.name for setting in fields(Profile) if setting.name != "version"
    }
