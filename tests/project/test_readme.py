"""Check the settings, files and districts that the README names."""

import re
from pathlib import Path

from gradesync.cli.district_file import parse
from gradesync.core.district import Match
from gradesync.core.sis import Policy
from gradesync.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_readme_lists_every_setting() -> None:
    listed = dict(re.findall(rf"^\| `({PREFIX}\w+)` \| (.+) \|$", README, re.MULTILINE))
    assert listed == {
        PREFIX + name.upper(): field.description for name, field in Settings.model_fields.items()
    }


def test_readme_links_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_district_file_is_valid_and_shows_defaults() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    district = parse(toml)
    assert (district.match, district.policy) == (Match(), Policy())
