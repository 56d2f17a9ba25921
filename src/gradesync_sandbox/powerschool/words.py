"""Store and quote what callers sent, in the forms that the switches choose."""

import html
import json
import unicodedata

from gradesync_sandbox.powerschool.switches import Switches


def stored_name(name: str, switches: Switches) -> str:
    """Return an assignment's name as it is stored (upstream.md PowerSchool §3.2)."""
    forms = switches.name_form
    if "collapse" in forms:
        name = " ".join(name.split()) if "trim" in forms else _collapsed(name)
    if "trim" in forms:
        name = name.strip()
    if "nfc" in forms:
        name = unicodedata.normalize("NFC", name)
    return name[: switches.name_cut] if "cut" in forms else name


def compared_name(name: str, switches: Switches) -> str:
    """Return a stored name in the form in which duplicates are found (upstream.md PowerSchool §3.2)."""
    return name if switches.name_case == "compared" else name.upper()


def _collapsed(name: str) -> str:
    inner = " ".join(name.split())
    start, end = len(name) - len(name.lstrip()), len(name.rstrip())
    return name[:start] + inner + name[end:]


def quoting(message: str, text: str, switches: Switches) -> str:
    """Return a refusal's message with what the caller sent, quoted as the switches choose.

    Source: upstream.md PowerSchool §5.1.
    """
    match switches.refusal_quotes:
        case "plain":
            return f'{message}: "{text}"'
        case "json":
            return f"{message}: {json.dumps(text)}"
        case "html":
            return f"{message}: &quot;{html.escape(text)}&quot;"
    return message
