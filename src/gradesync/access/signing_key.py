"""Read the keys that sign statements, and those that verify them."""

import base64
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import SecretStr

from gradesync.errors import GradeSyncError


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
            raise KeyUnreadable("GRADESYNC_REPORT_KEY is no PEM, and no base64 text of a seed.") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnreadable("GRADESYNC_REPORT_KEY is not an Ed25519 key.")
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
