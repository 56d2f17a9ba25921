"""Read the history of a section, and undo parts of it, by HTTP."""

from typing import Any

from harness.api import ApiClient, ApiHarness


async def read_all(who: ApiClient, path: str, **filters: Any) -> list[dict[str, Any]]:
    """Return the scores of all pages."""
    items: list[dict[str, Any]] = []
    query = {"limit": 7, **filters}
    while True:
        page = (await who.get(path, **query)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


def by_cell(items: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    return {(one["assignment"]["id"], one["student"]["id"]): one["change"]["value"] for one in items}


async def undo(api: ApiHarness, who: ApiClient, **wanted: Any) -> dict[str, Any]:
    """Undo, run the sync, and return it settled."""
    response = await who.post(f"{api.path}/undo", wanted)
    assert response.status_code == 202, response.text
    await api.run_queued()
    settled: dict[str, Any] = (await who.get(response.headers["location"])).json()
    return settled
