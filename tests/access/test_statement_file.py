"""Check that a statement's file verifies with the public key alone, and that every change of it is named."""

import base64
import io
import json
import zipfile
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from gradesync.access.statement_file import KeyUnreadable, SigningKey, pack, read_public_key, verify

SEED = base64.b64encode(bytes(range(32))).decode()
KEY = SigningKey.read(SEED)
PUBLIC = read_public_key(KEY.public)
CSV = b'"line","kind"\r\n"1","opening"\r\n'
NAMES = ("statement.csv", "manifest.json", "signature.txt")


def manifest(csv: bytes = CSV, key_id: str | None = KEY.id) -> bytes:
    return json.dumps({"sha256": sha256(csv).hexdigest(), "key": key_id}).encode()


SIGNED = pack(CSV, manifest(), KEY)


def parts(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        return {name: file.read(name) for name in file.namelist()}


def repack(**changed: bytes) -> bytes:
    """Pack the parts of the signed file with others in their place."""
    content = {**parts(SIGNED), **{name.replace("_", "."): text for name, text in changed.items()}}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in NAMES:
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content[name])
    return packed.getvalue()


def test_signed_file_verifies_and_has_the_same_bytes_again() -> None:
    assert verify(SIGNED, PUBLIC).faults == []
    assert pack(CSV, manifest(), KEY) == SIGNED
    assert tuple(parts(SIGNED)) == NAMES


def test_key_is_read_from_its_pem_and_its_seed() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert SigningKey.read(pem).id == KEY.id
    raw = private.public_key().public_bytes_raw()
    assert verify(SIGNED, read_public_key(base64.b64encode(raw).decode())).faults == []
    assert SEED not in repr(KEY)


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "-----BEGIN PRIVATE KEY-----\nxx\n"])
def test_unreadable_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KeyUnreadable) as refused:
        SigningKey.read(text)
    assert not text or text not in str(refused.value)
    with pytest.raises(KeyUnreadable):
        read_public_key(text)


@pytest.mark.parametrize(
    ("packed", "fault"),
    [
        (repack(statement_csv=CSV.replace(b"1", b"2")), "The CSV is not the one"),
        (repack(manifest_json=manifest() + b" "), "The signature is not that of this manifest"),
        (repack(signature_txt=base64.b64encode(bytes(64)) + b"\n"), "The signature is not that"),
        (repack(signature_txt=b"no base64\n"), "The signature is not that"),
        (pack(CSV, manifest(key_id=None), None), "The statement is not signed."),
        (repack(signature_txt=b"unsigned\n"), "The statement is not signed."),
        (repack(manifest_json=b"[]"), "The manifest is no JSON object."),
        (repack(manifest_json=b"{"), "The file is no statement"),
        (SIGNED + b"more", "The file is no statement"),
        (b"no zip", "The file is no statement"),
    ],
)
def test_change_of_a_part_is_named(packed: bytes, fault: str) -> None:
    (found,) = verify(packed, PUBLIC).faults
    assert found.startswith(fault)


def test_other_key_is_named() -> None:
    other = SigningKey.read(base64.b64encode(bytes(32)).decode())
    (found,) = verify(SIGNED, read_public_key(other.public)).faults
    assert KEY.id in found
    assert other.id in found


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_no_byte_changes_unnoticed(place: int, flip: int) -> None:
    changed = SIGNED[:place] + bytes([SIGNED[place] ^ flip]) + SIGNED[place + 1 :]
    assert verify(changed, PUBLIC).faults
