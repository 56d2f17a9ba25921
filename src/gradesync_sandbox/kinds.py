"""Name each kind of call by patterns, for logs and faults."""

import re
from collections.abc import Iterable


class Kinds:
    """Hold (pattern, kind) pairs; a kind may repeat a group of its pattern, in small letters."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(re.compile(pattern), kind) for pattern, kind in pairs]

    def __call__(self, method: str, path: str, query: str = "") -> str:
        """Return the kind of a call; else `unknown`."""
        matches = ((pattern.fullmatch(f"{method} {path}"), kind) for pattern, kind in self._pairs)
        found = next(((match, kind) for match, kind in matches if match), None)
        if found is None:
            return "unknown"
        match, kind = found
        return match.expand(kind).lower() if match.groups() else kind
