"""Cut texts between the characters that people see: each may be several code points (Unicode UAX #29)."""

from unicodedata import category, combining

_ZERO_WIDTH_JOINER = "\u200d"
_VIRAMA = 9  # the combining class of what joins two consonants
# What continues a character although Unicode counts it among no marks: joiners, the sound marks of narrow
# katakana, am of Thai and Lao, vowels and finals of Hangul, skin tones, tags of flags.
_CONTINUES = (
    ("\u200c", "\u200d"),
    ("\uff9e", "\uff9f"),
    ("\u0e33", "\u0e33"),
    ("\u0eb3", "\u0eb3"),
    ("\u1160", "\u11ff"),
    ("\ud7b0", "\ud7ff"),
    ("\U0001f3fb", "\U0001f3ff"),
    ("\U000e0020", "\U000e007f"),
)
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def cut_text(text: str, most: int) -> str:
    """Return the longest beginning of at most `most` code points that splits no character."""
    if len(text) <= most:
        return text
    ends = (end for end in range(most, 0, -1) if not _is_inside(text, end))
    return text[: next(ends, most)]  # one character alone is longer than that


def _is_inside(text: str, at: int) -> bool:
    """Return True for a place inside of one character."""
    before, after = text[at - 1], text[at]
    if after in _FLAG_LETTERS:  # two of them make one flag
        return (at - len(text[:at].rstrip(_FLAG_LETTERS))) % 2 == 1
    continues = category(after)[0] == "M" or any(first <= after <= last for first, last in _CONTINUES)
    return continues or before == _ZERO_WIDTH_JOINER or combining(before) == _VIRAMA
