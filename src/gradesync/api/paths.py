"""Where things are."""


def section_path(section_id: str) -> str:
    return f"/sections/{section_id}"


def sync_path(section_id: str, sync_id: str) -> str:
    return f"{section_path(section_id)}/syncs/{sync_id}"
