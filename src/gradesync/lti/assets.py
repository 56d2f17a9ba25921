"""Load the pages' own files: scripts and styles, served under an address that changes with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
# What the browser need not load ahead: entries, and the console and setup, which only admins open.
UNLOADED = ("page.js", "store.js", "console/", "setup/")


@dataclass(frozen=True, slots=True)
class Assets:
    """Hold the files; `version` names the content of all of them together."""

    version: str
    files: Mapping[str, bytes]

    @property
    def modules(self) -> list[str]:
        """Return the scripts that the page's own script imports, so that a browser can preload them."""
        return [name for name in self.files if name.endswith(".js") and not name.startswith(UNLOADED)]


@cache
def load() -> Assets:
    """Read the files from the package."""
    contents = dict(_read(files("gradesync.lti").joinpath("assets")))
    digest = sha256(b"".join(name.encode() + b"\0" + content for name, content in contents.items()))
    return Assets(digest.hexdigest()[:12], contents)


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder and its folders in order: name, content."""
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _read(each, f"{prefix}{each.name}/")
        elif each.name.rpartition(".")[2] in TYPES:
            yield prefix + each.name, each.read_bytes()
