"""Write statements into a signed ZIP file, one section after the other: no more than one is held."""

import base64
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import IO, Any, Protocol
from zoneinfo import ZoneInfo

from gradesync.access.signing_key import SigningKey
from gradesync.core.statement.lines import Statement
from gradesync.core.statement.render import (
    HEADER,
    Scope,
    Section,
    SectionPart,
    Totals,
    render_lines,
    render_manifest,
    render_sections,
)
from gradesync.core.statement.summary import LATE_SHOWN, LateLine, render_summary

CSV, SECTIONS, SUMMARY = "statement.csv", "sections.csv", "summary.html"
MANIFEST, SIGNATURE = "manifest.json", "signature.txt"
PARTS = (CSV, SECTIONS, SUMMARY, MANIFEST, SIGNATURE)
UNSIGNED = b"unsigned\n"


class Out(Protocol):
    """Take the bytes of a file."""

    def write(self, block: bytes, /) -> int: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Forward:
    """Pass each block on, as a response does: such a file cannot seek, so its sizes follow its parts."""

    to: Callable[[bytes], object]

    def write(self, block: bytes, /) -> int:
        self.to(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Do nothing: no block is kept."""

    def close(self) -> None:
        """Do nothing: the receiver ends the file."""


@dataclass(slots=True)
class StatementFile:
    """Write a file of statements to `out`. The same statements and key give the same parts, to the byte.

    Add the sections within `lines`, then `finish`. `zone` is that of the times in the summary.
    """

    out: Out
    zone: ZoneInfo
    parts: list[SectionPart] = field(default_factory=list)
    late: list[LateLine] = field(default_factory=list)
    written: int = 0
    _csv: Any = field(default_factory=lambda: sha256(HEADER))
    _zip: zipfile.ZipFile = field(init=False)
    _lines: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(self.out, "w")

    @contextmanager
    def lines(self) -> Iterator[None]:
        """Open the part that has the lines."""
        with open_part(self._zip, CSV) as self._lines:
            self._lines.write(HEADER)
            yield

    def add(self, section: Section, statement: Statement) -> None:
        """Add a section's statement."""
        lines = render_lines(section.id, statement, self.written + 1)
        self._lines.write(lines)
        self._csv.update(lines)
        self.written += len(statement.lines)
        self.parts.append(SectionPart.of(section, statement, lines))
        late = (LateLine(section, line) for line in statement.lines if line.late)
        self.late += islice(late, LATE_SHOWN - len(self.late))

    def finish(self, scope: Scope, key: SigningKey | None) -> None:
        """Write the parts that sum up the lines, and sign them where there is a key."""
        sections = render_sections(self.parts)
        summary = render_summary(scope, self.parts, self.late, self.zone)
        digests = {
            CSV: self._csv.hexdigest(),
            SECTIONS: sha256(sections).hexdigest(),
            SUMMARY: sha256(summary).hexdigest(),
        }
        totals = Totals.of(self.parts)
        manifest = render_manifest(scope, totals, len(self.parts), digests, key.id if key else None)
        signature = encode_signature(key.key.sign(manifest)) if key else UNSIGNED
        contents: Mapping[str, bytes] = {
            SECTIONS: sections,
            SUMMARY: summary,
            MANIFEST: manifest,
            SIGNATURE: signature,
        }
        for name, content in contents.items():
            with open_part(self._zip, name) as part:
                part.write(content)
        self._zip.close()


def encode_signature(signature: bytes) -> bytes:
    """Return the part that holds a signature."""
    return base64.b64encode(signature) + b"\n"


def open_part(file: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Open a part of a file to be written: with no time of its own, and stored as it is.

    Releases of zlib compress differently. The size of a part is not known before it is written.
    """
    return file.open(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True)
