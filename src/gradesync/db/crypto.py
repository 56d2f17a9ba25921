"""Secrets at rest, and the keys that tokens are signed with: all derived from the installation's keys."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gradesync.errors import GradeSyncError


class SecretUnreadable(GradeSyncError):
    """A secret at rest was not made by our keys, or not for this district and field."""


class Secrets:
    """Encrypts with the first key and decrypts with all of them, so that keys can be changed.

    `keys` are high-entropy texts, the newest first. What is derived for one purpose says nothing of another.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._fernet = MultiFernet(
            [Fernet(urlsafe_b64encode(key)) for key in self._derived("secrets at rest")]
        )

    def encrypt(self, district_id: str, field: str, secret: str) -> str:
        """The district and the field are sealed in, so that a secret moved to another row is found out."""
        return self._fernet.encrypt(json.dumps([district_id, field, secret]).encode()).decode()

    def decrypt(self, district_id: str, field: str, sealed: str) -> str:
        """Raises `SecretUnreadable`."""
        try:
            place_and_secret = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise SecretUnreadable(f"no key opens the {field} of {district_id}") from None
        if place_and_secret[:2] != [district_id, field]:
            raise SecretUnreadable(f"the {field} of {district_id} belongs elsewhere")
        return str(place_and_secret[2])

    def rotate(self, sealed: str) -> str:
        """Seal again with the first key. Raises `SecretUnreadable`."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable("no key opens it") from None

    def signing_keys(self) -> tuple[bytes, ...]:
        """Keys of 32 bytes for tokens: sign with the first, verify with all."""
        return tuple(self._derived("tokens"))

    def _derived(self, purpose: str) -> list[bytes]:
        info = f"gradesync: {purpose}".encode()
        return [HKDF(SHA256(), 32, salt=None, info=info).derive(key.encode()) for key in self._keys]
