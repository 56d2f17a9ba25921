"""Check that a statement's file verifies with the public key alone, and that every change of it is named."""

import base64
import io
import json
import string
import tempfile
import tracemalloc
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from gradesync.access.signing_key import KeyUnreadable, SigningKey, read_public_key
from gradesync.access.statement_check import verify
from gradesync.access.statement_file import PARTS, Forward, StatementFile
from gradesync.core.history import Cause
from gradesync.core.statement.lines import Kind, Line, Statement
from gradesync.core.statement.render import Scope, Section

SEED = base64.b64encode(bytes(range(32))).decode()
KEY = SigningKey.read(SEED)
PUBLIC = read_public_key(KEY.public)
FIRST, LAST = datetime(2026, 8, 17, tzinfo=UTC), datetime(2026, 12, 19, tzinfo=UTC)
SECTIONS = ("79", "80")


def pack(key: SigningKey | None = KEY, *, streamed: bool = False) -> bytes:
    """Write a file of two sections with two lines each."""
    out = io.BytesIO()
    file = StatementFile(Forward(out.write) if streamed else out, ZoneInfo("America/Chicago"))
    with file.lines():
        for id_ in SECTIONS:
            lines = tuple(Line(kind=Kind.UNKNOWN, reason=f"reason-{n}") for n in range(2))
            file.add(Section(id_, f"Algebra {id_}"), Statement(FIRST, LAST, lines))
    file.finish(Scope("riverside", FIRST, LAST, {"school": "5"}, 12, "ab" * 32, 3), key)
    return out.getvalue()


SIGNED, STREAMED = pack(), pack(streamed=True)


def faults(packed: bytes, public: Ed25519PublicKey = PUBLIC) -> Sequence[str]:
    return verify(io.BytesIO(packed), public).faults


def parts(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        return {name: file.read(name) for name in file.namelist()}


CSV, MANIFEST = parts(SIGNED)["statement.csv"], parts(SIGNED)["manifest.json"]
SIGNATURE = parts(SIGNED)["signature.txt"]
# The last letter of the signature, some bits of which stand for nothing.
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
SPARE = LETTERS[LETTERS.index(chr(SIGNATURE[-4])) ^ 1].encode()


def repack(**changed: bytes) -> bytes:
    """Pack the parts of the signed file with others in their place."""
    content = {**parts(SIGNED), **{name.replace("_", "."): text for name, text in changed.items()}}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in PARTS:
            with file.open(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as part:
                part.write(content[name])
    return packed.getvalue()


def test_signed_file_verifies_and_has_the_same_bytes_again() -> None:
    assert faults(SIGNED) == []
    assert pack() == SIGNED == repack()
    assert tuple(parts(SIGNED)) == PARTS
    manifest = json.loads(MANIFEST)
    assert (manifest["school"], manifest["sections"], manifest["sections_not_placed"]) == ("5", 2, 3)
    assert (manifest["rows"]["all"], len(CSV.splitlines())) == (4, 5)


def test_streamed_file_has_the_same_parts_and_verifies() -> None:
    assert parts(STREAMED) == parts(SIGNED)
    assert faults(STREAMED) == []
    assert faults(STREAMED + b"more") == faults(STREAMED[:-1]) != []
    changed = STREAMED.replace(b'"reason-1"', b'"reason-9"', 1)
    assert faults(changed) != []


def test_key_is_read_from_its_pem_and_its_seed() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert SigningKey.read(pem).id == KEY.id
    raw = private.public_key().public_bytes_raw()
    assert faults(SIGNED, read_public_key(base64.b64encode(raw).decode())) == []
    assert SEED not in repr(KEY)


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "-----BEGIN PRIVATE KEY-----\nxx\n"])
def test_unreadable_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KeyUnreadable) as refused:
        SigningKey.read(text)
    assert not text or text not in str(refused.value)
    with pytest.raises(KeyUnreadable):
        read_public_key(text)


ROWS = CSV.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (CSV.replace(b'"reason-1"', b'"reason-9"', 1), "79"),
        (b"".join([*ROWS[:3], ROWS[4], ROWS[3]]), "80"),
        (b"".join(ROWS[:-1]), "80"),
        (b"".join([*ROWS[:2], *ROWS[3:]]), "79"),
        (CSV + ROWS[-1], "80"),
        (CSV.replace(b'"2","79"', b'"2","80"'), "79, 80"),
    ],
)
def test_changed_moved_and_lost_lines_are_placed(lines: bytes, where: str) -> None:
    expected = (
        f"statement.csv is not the one that the manifest describes: it was changed, in section {where}."
    )
    assert faults(repack(statement_csv=lines)) == [expected]


@pytest.mark.parametrize(
    ("packed", "fault"),
    [
        (repack(summary_html=b"<p>All is well.</p>"), "summary.html is not the one"),
        (repack(sections_csv=b""), "sections.csv is not the one"),
        (repack(manifest_json=MANIFEST + b" "), "The signature is not that of this manifest"),
        (repack(signature_txt=base64.b64encode(bytes(64)) + b"\n"), "The signature is not that"),
        (repack(signature_txt=b"no base64\n"), "The signature is not that"),
        (repack(signature_txt=SIGNATURE[:-4] + SPARE + SIGNATURE[-3:]), "The signature is not that"),
        (repack(signature_txt=b" " + SIGNATURE), "The signature is not that"),
        (pack(None), "The statement is not signed."),
        (repack(signature_txt=b"unsigned\n"), "The statement is not signed."),
        (repack(manifest_json=b"[]"), "The manifest is no JSON object."),
        (repack(manifest_json=b"{"), "The file is no statement"),
        (SIGNED + b"more", "The file is no statement"),
        (SIGNED[: len(SIGNED) // 2], "The file is no statement"),
        (b"no zip", "The file is no statement"),
    ],
)
def test_change_of_a_part_is_named(packed: bytes, fault: str) -> None:
    (found,) = faults(packed)
    assert found.startswith(fault)


LONG = b"x" * (1 << 18)  # longer than a field that the csv module reads


@pytest.mark.parametrize("spoilt", [b'"section"\n"' + LONG + b'"\n', b'"section","sha256"\n"79"\n' + LONG])
def test_list_that_is_no_csv_is_named_beside_its_lines(spoilt: bytes) -> None:
    csv_fault, list_fault = faults(repack(statement_csv=CSV + ROWS[-1], sections_csv=spoilt))
    assert csv_fault == "statement.csv is not the one that the manifest describes: it was changed."
    assert list_fault.startswith("sections.csv is not the one")


def test_line_without_an_end_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    readline = zipfile.ZipExtFile.readline

    def record(part: zipfile.ZipExtFile, limit: int = -1) -> bytes:
        asked.append(limit)
        return readline(part, limit)

    monkeypatch.setattr(zipfile.ZipExtFile, "readline", record)
    (fault,) = faults(repack(statement_csv=CSV + LONG))
    assert (fault.endswith("it was changed, in section 80."), 0 < max(asked) < len(LONG)) == (True, True)


def test_other_key_is_named() -> None:
    other = SigningKey.read(base64.b64encode(bytes(32)).decode())
    (found,) = faults(SIGNED, read_public_key(other.public))
    assert KEY.id in found
    assert other.id in found


@given(st.sampled_from([SIGNED, STREAMED]), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_no_byte_changes_unnoticed(packed: bytes, share: float, flip: int) -> None:
    position = int(share * len(packed))
    assert faults(packed[:position] + bytes([packed[position] ^ flip]) + packed[position + 1 :])


def peak(sections: int) -> tuple[int, int]:
    """Return the most bytes that are held while a file of so many sections is written, and is verified."""
    long = Cause("s-1", "changes", "teacher:1", reason="Handed in again. " * 4)
    lines = [Line(kind=Kind.CLOSING, assignment_id=str(n), after=Decimal(n), cause=long) for n in range(250)]
    with tempfile.TemporaryFile() as out:
        tracemalloc.start()
        file = StatementFile(out, ZoneInfo("America/Chicago"))
        with file.lines():
            for n in range(sections):
                file.add(Section(str(n), "Algebra"), Statement(FIRST, LAST, tuple(lines)))
        file.finish(Scope("riverside", FIRST, LAST, {}, 12, "ab" * 32), KEY)
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        out.seek(0)
        assert verify(out, PUBLIC).faults == []
        verified = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return written, verified


@pytest.mark.long
def test_long_file_takes_no_more_memory() -> None:
    """Write and verify 50,000 lines, which are megabytes, and 5,000."""
    short, long = peak(20), peak(200)
    assert long[0] < short[0] + 2_000_000
    assert long[1] < short[1] + 2_000_000
