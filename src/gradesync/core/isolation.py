"""Keep the direction of what people typed apart from the sentence around it (Unicode UAX #9)."""

from unicodedata import bidirectional

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
# Embeddings, overrides and isolates of the words themselves would reach into the sentence.
_NO_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def isolate(words: str) -> str:
    """Return words to be put into a sentence; those from right to left in an isolate of their own."""
    if words.isascii():
        return words
    plain = words.translate(_NO_CONTROLS)
    if any(bidirectional(letter) in _RIGHT_TO_LEFT for letter in plain):
        return f"{_FIRST_STRONG_ISOLATE}{plain}{_POP_ISOLATE}"
    return plain
