"""Verify a file of statements with nothing but the public key."""

import base64
import binascii
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from csv import DictReader
from csv import Error as CsvError
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import StringIO
from typing import IO, Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gradesync.access.signing_key import key_id
from gradesync.access.statement_file import (
    CSV,
    MANIFEST,
    PARTS,
    SECTIONS,
    SIGNATURE,
    SUMMARY,
    UNSIGNED,
    Forward,
    encode_signature,
    open_part,
)

BLOCK = 1 << 20
SMALL_MAX = 64 << 20  # bytes of a part other than the lines: more is none of ours
LINE_MAX = 64 << 10  # bytes of a line: what is longer is read in pieces, and is none of ours
NAMED_MAX = 5  # changed sections that a sentence names
CHANGED = "The signature is not that of this manifest: one of the two was changed."
SIZES_FOLLOW = 0x08  # the flag of a part in a file that was streamed
LINE_OF = re.compile(rb'"\d+","([^"]*)",')


@dataclass(frozen=True, slots=True)
class FileReport:
    """Report on a file: its manifest as far as it is readable, and what is wrong, nothing where it holds."""

    manifest: Mapping[str, Any]
    faults: Sequence[str]


def verify(packed: BinaryIO, key: Ed25519PublicKey) -> FileReport:
    """Verify the signature of the manifest, and that the other parts are those that the manifest describes.

    The file is read in blocks, and may be larger than memory.
    """
    try:
        with zipfile.ZipFile(packed) as file:
            _check_shape(file, packed)
            manifest = json.loads(file.read(MANIFEST))
            if not isinstance(manifest, dict):
                return FileReport({}, ["The manifest is no JSON object."])
            return FileReport(
                manifest, [*_check_signature(file, manifest, key), *_check_parts(file, manifest)]
            )
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        RecursionError,
        OSError,
    ):
        return FileReport({}, ["The file is no statement: it has other parts, or is damaged."])


def _check_shape(file: zipfile.ZipFile, packed: BinaryIO) -> None:
    """Raise `BadZipFile` unless the file is to the byte what these parts are packed as."""
    members = file.infolist()
    if [member.filename for member in members] != list(PARTS):
        raise zipfile.BadZipFile("other parts")
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or any(member.file_size > SMALL_MAX for member in members[1:]):
        raise zipfile.BadZipFile("other parts")
    with tempfile.TemporaryFile() as again:
        streamed = members[0].flag_bits & SIZES_FOLLOW
        with zipfile.ZipFile(Forward(again.write) if streamed else again, "w") as same:
            for name in PARTS:
                with file.open(name) as part, open_part(same, name) as copy:
                    for block in _blocks(part):
                        copy.write(block)
        again.seek(0)
        packed.seek(0)
        if any(ours != theirs for ours, theirs in zip(_padded(again), _padded(packed), strict=False)):
            raise zipfile.BadZipFile("something beside its parts")


def _blocks(part: IO[bytes]) -> Iterator[bytes]:
    while block := part.read(BLOCK):
        yield block


def _padded(part: IO[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a file, and an empty one at its end: a longer file differs there."""
    yield from _blocks(part)
    yield b""


def _check_signature(file: zipfile.ZipFile, manifest: Mapping[str, Any], key: Ed25519PublicKey) -> list[str]:
    signature = file.read(SIGNATURE)
    if signature == UNSIGNED:
        return ["The statement is not signed."]
    if manifest.get("key") != key_id(key):
        named = manifest.get("key") or "no key"
        return [f"The manifest names {named}, and this is the key {key_id(key)}."]
    try:
        decoded = base64.b64decode(signature.strip(), validate=True)
        key.verify(decoded, file.read(MANIFEST))
    except (InvalidSignature, binascii.Error):
        return [CHANGED]
    # Several texts in base64 stand for the same bytes, and one of them was written.
    return [] if signature == encode_signature(decoded) else [CHANGED]


def _check_parts(file: zipfile.ZipFile, manifest: Mapping[str, Any]) -> list[str]:
    described = manifest.get("files")
    digests = described if isinstance(described, dict) else {}
    faults = []
    for name in (CSV, SECTIONS, SUMMARY):
        digest = sha256()
        with file.open(name) as part:
            for block in _blocks(part):
                digest.update(block)
        if digests.get(name) != digest.hexdigest():
            where = _find_changed(file) if name == CSV else ""
            faults.append(f"{name} is not the one that the manifest describes: it was changed{where}.")
    return faults


def _find_changed(file: zipfile.ZipFile) -> str:
    """Name the sections whose lines were changed, moved or taken away, as far as their list shows it."""
    listed = DictReader(StringIO(file.read(SECTIONS).decode(errors="replace"), newline=""))
    try:
        expected = {str(row.get("section")): row.get("sha256") for row in listed}
    except CsvError:  # the list itself was changed, which is another fault
        return ""
    found: dict[str, Any] = {}
    current = ""
    with file.open(CSV) as part:
        part.readline(LINE_MAX)
        for line in iter(partial(part.readline, LINE_MAX), b""):
            if match := LINE_OF.match(line):
                current = match[1].decode(errors="replace")
            found.setdefault(current, sha256()).update(line)
    digests = {section: digest.hexdigest() for section, digest in found.items()}
    changed = sorted(
        id_
        for id_ in {*expected, *digests}
        if expected.get(id_, "") != digests.get(id_, sha256().hexdigest())
    )
    more = ", and others" if len(changed) > NAMED_MAX else ""
    return f", in section {', '.join(changed[:NAMED_MAX])}{more}" if changed else ""
