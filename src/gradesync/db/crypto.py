"""Encrypt secrets at rest and derive the keys that sign tokens, from the installation's keys."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gradesync.errors import GradeSyncError


class SecretUnreadable(GradeSyncError):
    """Report a secret at rest that our keys did not seal, or not for this district and field."""


class Secrets:
    """Encrypt with the first key and decrypt with all of them, so that keys can be changed.

    `keys` are high-entropy texts, the newest first. Keys derived for one purpose reveal nothing of another.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._fernet = MultiFernet(
            [Fernet(urlsafe_b64encode(key)) for key in self._derived("secrets at rest")]
        )

    def encrypt(self, district_id: str, field: str, secret: str) -> str:
        """Seal a secret with its district and field, so that one moved to another row is detected."""
        return self._fernet.encrypt(json.dumps([district_id, field, secret]).encode()).decode()

    def decrypt(self, district_id: str, field: str, sealed: str) -> str:
        """Open a sealed secret. Raises `SecretUnreadable`."""
        try:
            content = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise SecretUnreadable(f"no key opens the {field} of {district_id}") from None
        if content[:2] != [district_id, field]:
            raise SecretUnreadable(f"the {field} of {district_id} belongs elsewhere")
        return str(content[2])

    def rotate(self, sealed: str) -> str:
        """Seal again with the first key. Raises `SecretUnreadable`."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable("no key opens it") from None

    def signing_keys(self) -> tuple[bytes, ...]:
        """Return keys of 32 bytes for tokens: sign with the first, verify with all."""
        return tuple(self._derived("tokens"))

    def _derived(self, purpose: str) -> list[bytes]:
        info = f"gradesync: {purpose}".encode()
        return [HKDF(SHA256(), 32, salt=None, info=info).derive(key.encode()) for key in self._keys]
