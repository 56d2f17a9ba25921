"""Load the page's own files: scripts and style, served under an address that changes with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
ENTRIES = {"page.js", "store.js"}


@dataclass(frozen=True, slots=True)
class Assets:
    """Hold the files; `version` names the content of all of them together."""

    version: str
    files: Mapping[str, bytes]

    @property
    def modules(self) -> list[str]:
        """Return the scripts that the page's own script imports, so that a browser can preload them."""
        return [name for name in self.files if name.endswith(".js") and name not in ENTRIES]


@cache
def load() -> Assets:
    """Read the files from the package."""
    contents = {
        each.name: each.read_bytes()
        for each in sorted(files("gradesync.lti").joinpath("assets").iterdir(), key=lambda each: each.name)
        if each.name.rpartition(".")[2] in TYPES
    }
    digest = sha256(b"".join(name.encode() + b"\0" + content for name, content in contents.items()))
    return Assets(digest.hexdigest()[:12], contents)
