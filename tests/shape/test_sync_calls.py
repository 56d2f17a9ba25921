"""Hold how much of the code a sync passes through, as `make shape` prints it."""

from gradesync.settings import Settings
from harness.servers import Urls
from shape.calls import record_syncs

FILES = 60


async def test_unchanged_sync_passes_through_few_files(settings: Settings, servers: Urls) -> None:
    _, unchanged = await record_syncs(settings, servers)
    assert len(unchanged.files) < FILES, sorted(unchanged.files)
