"""Name in a word why Redis cannot be used."""

import re
from collections.abc import Sequence

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
)
from redis.exceptions import TimeoutError as NoAnswer

REFUSALS = {"READONLY": "read-only", "OOM": "full", "MISCONF": "not-saving", "NOREPLICAS": "not-saving"}
_REFUSAL = re.compile(rf"\b({'|'.join(REFUSALS)})\b")


class RedisAway(ConnectionError):
    """Report that Redis is known to be away: it was not asked."""


class TooSlow(NoAnswer):
    """Report that Redis answers, and not fast enough to be asked again and again."""


# The first kind that fits: kinds of errors are nested.
PROBLEMS: Sequence[tuple[type[Exception], str]] = (
    (TooSlow, "slow"),
    (NoAnswer, "no-answer"),
    (TimeoutError, "no-answer"),
    (BusyLoadingError, "loading"),
    (AuthenticationError, "password-refused"),
    (ReadOnlyError, "read-only"),
    (OutOfMemoryError, "full"),
    (ConnectionError, "unreachable"),
    (OSError, "unreachable"),
)


def find_problem(error: Exception) -> str | None:
    """Return why Redis cannot be used, in a word; None for an error that is of the command alone."""
    if isinstance(error, RedisAway):
        return None
    for kind, problem in PROBLEMS:
        if isinstance(error, kind):
            return problem
    found = _REFUSAL.search(str(error))  # a script reports a refusal in the middle of its own text
    return REFUSALS[found[1]] if found else None
