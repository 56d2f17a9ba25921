"""Build the paths of resources."""


def section_path(section_id: str) -> str:
    """Return the path of a section."""
    return f"/sections/{section_id}"


def sync_path(section_id: str, sync_id: str) -> str:
    """Return the path of a sync."""
    return f"{section_path(section_id)}/syncs/{sync_id}"
