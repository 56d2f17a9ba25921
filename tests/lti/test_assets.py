"""The page's own files: kept for long under their version, and everything that a page names is there."""

import re

from gradesync.lti import assets
from harness.lti import LtiHarness, Page


async def test_whatever_the_page_names_is_there_and_kept(tool: LtiHarness) -> None:
    page = Page(await tool.launch())
    assert any(link.endswith("/page.js") for link in page.links)
    for link in page.links:
        answer = await tool.browser.get(f"/lti/{link}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_names_every_script_that_its_script_imports(tool: LtiHarness) -> None:
    named = {link.rpartition("/")[2] for link in Page(await tool.launch()).links}
    files = assets.load().files
    waiting, imported = ["page.js"], set()
    while waiting:
        name = waiting.pop()
        imported.add(name)
        found = re.findall(r'from "\./([a-z]+\.js)"', files[name].decode())
        waiting += [each for each in found if each not in imported]
    assert named == imported | {"page.css"}


async def test_the_page_of_another_release_still_finds_its_files(tool: LtiHarness) -> None:
    answer = await tool.browser.get("/lti/assets/an-older-one/page.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


async def test_nothing_else_is_served(tool: LtiHarness) -> None:
    for name in ("secrets.txt", "..%2Flaunch.py", "page.html"):
        assert (await tool.browser.get(f"/lti/assets/{assets.load().version}/{name}")).status_code == 404


def test_the_files_name_no_other_host() -> None:
    for name, content in assets.load().files.items():
        hosts = set(re.findall(rb"https?://[^/\s\"]+", content)) - {
            b"http://www.w3.org"
        }  # a name, not an address
        assert not hosts, name
