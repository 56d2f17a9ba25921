"""Make a client and a webhook in the console, try them, and end them."""

from playwright.async_api import expect

from gradesync.access.tokens import Scope
from gradesync.core.district import ConsoleAccess
from harness.accessibility import find_violations
from harness.browser import BrowserSession, change_district


async def test_operator_makes_and_revokes_a_client(session: BrowserSession) -> None:
    await change_district(session, console=ConsoleAccess("operator"))
    opened = await session.open(session.world.admin)
    await opened.tool.get_by_role("link", name="Clients", exact=True).click()
    await opened.tool.get_by_label("Name of a new client").fill("Data warehouse")
    offered = opened.tool.locator("[id^='scope-']")
    assert {await box.input_value() for box in await offered.all()} == set(Scope) - {Scope.TOKEN_EXCHANGE}
    await opened.tool.get_by_label("Read who did what").check()
    await opened.button("Make a client").dblclick()
    await expect(opened.tool.get_by_text("it is shown only once")).to_be_visible()
    await expect(opened.tool.get_by_role("rowheader", name="Data warehouse")).to_have_count(1)
    assert await find_violations(opened) == []
    await opened.button("I have stored it").click()
    await expect(opened.tool.get_by_text("it is shown only once")).to_have_count(0)
    await opened.button("New secret of Data warehouse").click()
    await expect(opened.tool.get_by_text("accepted for 24 more hours").first).to_be_visible()
    await opened.button("Revoke Data warehouse").click()
    await opened.button("Revoke: its tokens end at once").click()
    await expect(opened.tool.get_by_role("rowheader", name="Data warehouse")).to_have_count(0)

    await opened.tool.get_by_label("Address of a new webhook").fill("https://hooks.example.org/x")
    await opened.button("Add a webhook").click()
    await opened.button("Send a test: https://hooks.example.org/x").click()
    await expect(opened.tool.get_by_role("cell", name="webhook.test")).to_be_visible()
    assert await find_violations(opened) == []
    await opened.button("Remove: https://hooks.example.org/x").click()
    await expect(opened.tool.get_by_text("The district has no webhook.")).to_be_visible()
