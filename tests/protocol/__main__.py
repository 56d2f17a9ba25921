"""Print what spin finds: states, depth and seconds of the whole protocol, and of it without each guard."""

import sys

from rich.console import Console

from protocol.guards import GUARDS, LIVE, WHOLE, without
from protocol.spin import Search, missing, search

out = Console()


def main() -> int:
    if sentence := missing():
        out.print(sentence)
        return 1
    whole = [_line(name, search(settings, level=2)) for name, settings in WHOLE.items()]
    whole += [_line(f"every sync ends: {name}", search(settings, level=2)) for name, settings in LIVE.items()]
    fails = [_line(f"unless {name}", search(without(flag))) for name, (flag, _) in GUARDS.items()]
    return int(not all(whole) or any(fails))


def _line(name: str, found: Search) -> bool:
    """Print one search, and return whether every check holds."""
    verdict = found.error or "every check holds"
    out.print(
        f"{name}: {found.states:,} states, depth {found.depth}, {found.seconds:.1f} s: {verdict}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return not found.error


if __name__ == "__main__":
    sys.exit(main())
