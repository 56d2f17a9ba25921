"""Read the metrics of a process as Prometheus does, and compare two readings."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, frozenset[tuple[str, str]]]


def series(name: str, **labels: str) -> Series:
    return name, frozenset(labels.items())


async def scrape(api: httpx.AsyncClient) -> dict[Series, float]:
    """Return every gradesync series with its value, without the times of creation."""
    text = (await api.get("/metrics")).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("gradesync_") and not sample.name.endswith("_created")
    }


class Watch:
    """Compare the metrics with those of when it was made."""

    def __init__(self, before: dict[Series, float]) -> None:
        self._before = before

    @classmethod
    async def begin(cls, api: httpx.AsyncClient) -> "Watch":
        return cls(await scrape(api))

    async def grown(self, api: httpx.AsyncClient) -> dict[Series, float]:
        """Return the series that changed, and by how much, without buckets of histograms."""
        now = await scrape(api)
        return {
            key: value - self._before.get(key, 0.0)
            for key, value in now.items()
            if value != self._before.get(key, 0.0) and not key[0].endswith("_bucket")
        }
