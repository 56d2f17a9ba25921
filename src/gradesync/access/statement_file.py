"""Sign statements, pack them into files, and verify such files with nothing but the public key."""

import base64
import binascii
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import SecretStr

from gradesync.core.statement.lines import Statement
from gradesync.core.statement.render import Scope, render_csv, render_manifest
from gradesync.errors import GradeSyncError

CSV, MANIFEST, SIGNATURE = "statement.csv", "manifest.json", "signature.txt"
UNSIGNED = b"unsigned\n"


class KeyUnreadable(GradeSyncError):
    """Report a key that is neither a PEM nor the base64 text of 32 bytes of an Ed25519 key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Hold the private key that signs statements."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def read(cls, text: str) -> "SigningKey":
        """Read a private key from a PEM or the base64 text of its seed. Raises `KeyUnreadable`."""
        try:
            if text.lstrip().startswith("-----"):
                key = load_pem_private_key(text.encode(), password=None)
            else:
                key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
        except (ValueError, TypeError):  # their messages may show a part of the key
            raise KeyUnreadable("The key is no PEM, and no base64 text of an Ed25519 seed.") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnreadable("The key is not an Ed25519 key.")
        return cls(key)

    @property
    def id(self) -> str:
        return key_id(self.key.public_key())

    @property
    def public(self) -> str:
        """Return the public key as a PEM."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()


def read_signing_key(secret: SecretStr | None) -> SigningKey | None:
    """Read the key of the settings; None where none is set. Raises `KeyUnreadable`."""
    return SigningKey.read(secret.get_secret_value()) if secret else None


def read_public_key(text: str) -> Ed25519PublicKey:
    """Read a public key from a PEM or the base64 text of its bytes. Raises `KeyUnreadable`."""
    try:
        if text.lstrip().startswith("-----"):
            key = load_pem_public_key(text.encode())
        else:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
    except ValueError:
        raise KeyUnreadable("The public key is no PEM, and no base64 text of 32 bytes.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnreadable("The public key is not an Ed25519 key.")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return the id of a key: the first 16 hexadecimal digits of the SHA-256 of its bytes."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def pack_statement(statement: Statement, scope: Scope, key: SigningKey | None) -> bytes:
    """Render a statement and pack it, signed where there is a key."""
    csv = render_csv(statement)
    return pack(csv, render_manifest(statement, scope, csv, key.id if key else None), key)


def pack(csv: bytes, manifest: bytes, key: SigningKey | None) -> bytes:
    """Pack a statement as a ZIP file. The same parts and key give the same bytes."""
    signature = base64.b64encode(key.key.sign(manifest)) + b"\n" if key else UNSIGNED
    return _pack({CSV: csv, MANIFEST: manifest, SIGNATURE: signature})


def _pack(parts: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in parts.items():
            # The first time that the format knows. Stored as they are: releases of zlib compress differently.
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return packed.getvalue()


@dataclass(frozen=True, slots=True)
class Verified:
    """Report on a file: its manifest as far as it is readable, and what is wrong, nothing where it holds."""

    manifest: Mapping[str, Any]
    faults: Sequence[str]


def verify(packed: bytes, key: Ed25519PublicKey) -> Verified:
    """Verify the signature of the manifest, and that the CSV is the one that the manifest describes."""
    try:
        parts = _unpack(packed)
        manifest = json.loads(parts[MANIFEST])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, RecursionError):
        return Verified({}, ["The file is no statement: it has other parts, or is damaged."])
    if not isinstance(manifest, dict):
        return Verified({}, ["The manifest is no JSON object."])
    faults = [*_check_signature(parts, manifest, key), *_check_csv(parts[CSV], manifest)]
    return Verified(manifest, faults)


def _unpack(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        members = file.infolist()
        named = [member.filename for member in members] == [CSV, MANIFEST, SIGNATURE]
        if not named or any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise zipfile.BadZipFile("other parts")
        parts = {member.filename: file.read(member) for member in members}
    if _pack(parts) != packed:
        raise zipfile.BadZipFile("something beside its parts")
    return parts


def _check_signature(
    parts: Mapping[str, bytes], manifest: Mapping[str, Any], key: Ed25519PublicKey
) -> list[str]:
    if parts[SIGNATURE] == UNSIGNED:
        return ["The statement is not signed."]
    if manifest.get("key") != key_id(key):
        named = manifest.get("key") or "no key"
        return [f"The manifest names {named}, and this is the key {key_id(key)}."]
    try:
        key.verify(base64.b64decode(parts[SIGNATURE].strip(), validate=True), parts[MANIFEST])
    except (InvalidSignature, binascii.Error):
        return ["The signature is not that of this manifest: one of the two was changed."]
    return []


def _check_csv(csv: bytes, manifest: Mapping[str, Any]) -> list[str]:
    if manifest.get("sha256") != sha256(csv).hexdigest():
        return ["The CSV is not the one that the manifest describes: it was changed."]
    return []
