"""Answer with a body that is sent while it is made."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TypeVar

from fastapi.responses import StreamingResponse

Part = TypeVar("Part", str, bytes)

AHEAD = 2  # a heading, and what one read of the database gives: more than most files have


async def stream_file(
    parts: AsyncIterator[Part], media_type: str, file_name: str, **headers: str
) -> StreamingResponse:
    """Return a response whose first parts are made before its status is sent: an error of theirs has its own.

    An error of later parts breaks the connection off, so that nobody takes what was sent for the whole.
    """
    ready: list[Part] = []
    async for part in parts:
        ready.append(part)
        if len(ready) == AHEAD:
            break
    named = {"content-disposition": f'attachment; filename="{file_name}"', **headers}
    return StreamingResponse(_chain(ready, parts), media_type=media_type, headers=named)


async def _chain(ready: Sequence[Part], parts: AsyncIterator[Part]) -> AsyncGenerator[Part, None]:
    for part in ready:
        yield part
    async for part in parts:
        yield part
