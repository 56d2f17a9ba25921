"""Cut lists into keyset pages: cursors that fit one list and its filters, and the Link (RFC 8288)."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Response

from gradesync.errors import RequestRefused

SEAL_BYTES = 16

Limit = Annotated[int, Query(ge=1, le=200, description="The maximum number of items on a page")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before, same filters")
]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Listing:
    """Describe one list as it was requested. A cursor fits only an equal listing.

    `filters` are the query parameters that shape it; the district is part of it, the page size is not.
    """

    key: bytes
    district_id: str
    path: str
    filters: Mapping[str, str]

    def position(self, cursor: str | None) -> tuple[str, ...] | None:
        """Return the position that the page starts after. Raises `RequestRefused("cursor-not-valid")`."""
        if cursor is None:
            return None
        try:
            sealed = urlsafe_b64decode(cursor.encode("ascii") + b"==")
        except ValueError as error:
            raise RequestRefused("cursor-not-valid", "It is not a cursor of this service.") from error
        seal, text = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(text)):
            raise RequestRefused("cursor-not-valid", "It belongs to another list, or to other filters.")
        return tuple(json.loads(text))

    def paginate(
        self, response: Response, items: list[Item], limit: int, position: Callable[[Item], Sequence[str]]
    ) -> tuple[list[Item], str | None]:
        """Return the first `limit` of the items, and the cursor of the next page where there are more.

        Puts the Link to the next page on the response.
        """
        if len(items) <= limit:
            return items, None
        cursor = self._cursor(position(items[limit - 1]))
        query = urlencode({**self.filters, "limit": limit, "cursor": cursor})
        response.headers["link"] = f'<{self.path}?{query}>; rel="next"'
        return items[:limit], cursor

    def _cursor(self, position: Sequence[str]) -> str:
        text = json.dumps(position, separators=(",", ":")).encode()
        return urlsafe_b64encode(self._seal(text) + text).rstrip(b"=").decode()

    def _seal(self, text: bytes) -> bytes:
        about = json.dumps(["cursor", self.district_id, self.path, sorted(self.filters.items())]).encode()
        return hmac.digest(self.key, about + b"\n" + text, "sha256")[:SEAL_BYTES]
