"""Read a section's Schoology gradebook with dlt and merge it into tables: what a data team would run.

`python dlt_merge.py SETTINGS.json FOLDER`, in an environment that has dlt and duckdb. It writes to no SIS.
Prints the calls, seconds and processor seconds of one run.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt  # type: ignore[import-not-found]  # it is in an environment of its own
import requests

LISTS = (
    ("enrollments", ("id",), ("enrollment",)),
    ("grade_items", ("id",), ("assignment",)),
    ("grades", ("enrollment_id", "assignment_id"), ("grades", "grade")),
)


class Reader:
    """Read lists of Schoology's page by page, and count calls and bytes."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.base = f"{settings['schoology_url']}/sections/{settings['section']}"
        self.session = requests.Session()
        self.calls = self.size = 0

    def rows(self, name: str, wrappers: tuple[str, ...]) -> Iterator[Any]:
        address: str | None = f"{self.base}/{name}?limit=200"
        while address:
            answer = self.session.get(
                address, headers={"Accept": "application/json", "Authorization": self.sign()}, timeout=60
            )
            answer.raise_for_status()
            self.calls, self.size = self.calls + 1, self.size + len(answer.content)
            page = found = answer.json()
            for wrapper in wrappers:
                found = found.get(wrapper, {})
            yield from found
            address = page.get("links", {}).get("next")

    def sign(self) -> str:
        """Return Schoology's plain signature (Schoology §1.2)."""
        fields = {
            "oauth_consumer_key": self.settings["consumer_key"],
            "oauth_token": "",
            "oauth_nonce": uuid.uuid4().hex,
            "oauth_timestamp": str(int(time.time())),
            "oauth_signature_method": "PLAINTEXT",
            "oauth_version": "1.0",
            "oauth_signature": f"{self.settings['consumer_secret']}%26",
        }
        return 'OAuth realm="Schoology API",' + ",".join(f'{k}="{v}"' for k, v in fields.items())


def main(settings: dict[str, Any], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    reader = Reader(settings)
    pipeline = dlt.pipeline(
        "gradebook",
        destination=dlt.destinations.duckdb(str(folder / "gradebook.duckdb")),
        dataset_name="schoology",
        pipelines_dir=str(folder),
    )
    began, cpu = time.perf_counter(), time.process_time()
    for name, key, wrappers in LISTS:
        pipeline.run(reader.rows(name, wrappers), table_name=name, primary_key=key, write_disposition="merge")
    spent = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps({"calls": reader.calls, "bytes": reader.size, **spent}))  # noqa: T201 - its caller reads it


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
