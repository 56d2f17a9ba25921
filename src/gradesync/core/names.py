"""Compare the names of assignments by their form: a SIS may store a name in another one (R50)."""

from unicodedata import normalize


def fold_name(name: str) -> str:
    """Return the form in which names are compared: NFC, trimmed, single spaces inside."""
    # Most names are in that form already, and every name of a section is compared.
    return " ".join(name.split()) if name.isascii() else normalize("NFC", " ".join(name.split()))


def is_cut(stored: str, sent: str) -> bool:
    """Return True where a stored name is only the beginning of the name that was sent."""
    start, whole = fold_name(stored), fold_name(sent)
    return bool(start) and start != whole and whole.startswith(start)
