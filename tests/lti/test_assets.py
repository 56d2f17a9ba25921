"""Test the page's own files: cached under their version, and complete."""

import re
from posixpath import normpath

from gradesync.lti import assets
from harness.lti import LtiHarness, Page


async def test_files_that_the_page_links_are_served_and_cached(tool: LtiHarness) -> None:
    page = Page(await tool.launch())
    assert any(link.endswith("/page.js") for link in page.links)
    for link in page.links:
        response = await tool.browser.get(f"/lti/{link}")
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_page_preloads_every_imported_script(tool: LtiHarness) -> None:
    linked = {link.rpartition("/")[2] for link in Page(await tool.launch()).links}
    files = assets.load().files
    waiting, imported = ["page.js"], set()
    while waiting:
        name = waiting.pop()
        imported.add(name)
        names = re.findall(r'from "\./([a-z]+\.js)"', files[name].decode())
        waiting += [each for each in names if each not in imported]
    assert linked == imported | {name for name in files if name.endswith(".css") and "/" not in name}


async def test_modules_of_the_console_are_served(tool: LtiHarness) -> None:
    files = assets.load().files
    for name in (name for name in files if name.startswith("console/")):
        response = await tool.browser.get(f"/lti/assets/{assets.load().version}/{name}")
        assert response.content == files[name]
        for link in re.findall(r"""(?:from |import\()["']([./a-z-]+)["']""", response.text):
            assert normpath(f"console/{link}") in files, (name, link)


async def test_page_of_another_release_gets_its_files(tool: LtiHarness) -> None:
    response = await tool.browser.get("/lti/assets/an-older-one/page.css")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"


async def test_nothing_else_is_served(tool: LtiHarness) -> None:
    for name in ("secrets.txt", "..%2Flaunch.py", "page.html"):
        assert (await tool.browser.get(f"/lti/assets/{assets.load().version}/{name}")).status_code == 404


def test_files_name_no_other_host() -> None:
    for name, content in assets.load().files.items():
        hosts = set(re.findall(rb"https?://[^/\s\"]+", content)) - {
            b"http://www.w3.org"
        }  # a name, not an address
        assert not hosts, name
