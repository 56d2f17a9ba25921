"""Render the summary of a file of statements as HTML to print: no script, and nothing from elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from zoneinfo import ZoneInfo

from gradesync.core.statement.lines import MOVEMENTS, Balance, Kind, Line
from gradesync.core.statement.render import Scope, Section, SectionPart, Totals, render_number, render_value

LATE_SHOWN = 1000  # changes after a term's end; all of them are in the CSV
STYLE = """
:root { color-scheme: light; font: 10pt/1.4 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem; color: #111; background: #fff; }
table { width: 100%; border-collapse: collapse; margin: 0 0 1.2rem; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; padding: .15rem .4rem; border-bottom: 1px solid #bbb; vertical-align: top; }
td { overflow-wrap: anywhere; }
@media print {
  body { max-width: none; padding: 0; font-size: 8pt; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; }
}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
UNKNOWN = {
    "not-known-before": "the history begins later than the period, or at this change",
    "failures-not-known-before": "failed syncs are kept for 30 days only",
    "opening-not-compared": (
        "no comparison of that time was made, or is kept: the opening has what was recorded, and the edits "
        "that earlier ones saw"
    ),
    "not-compared": "no comparison with the SIS was made, or is kept",
    "write-in-doubt": "the answer to a write was lost",
}


@dataclass(frozen=True, slots=True)
class LateLine:
    """Hold a change after a term's end, with its section."""

    section: Section
    line: Line


def render_summary(
    scope: Scope, parts: Sequence[SectionPart], late: Sequence[LateLine], zone: ZoneInfo
) -> bytes:
    """Render a file's totals, its sections, and the changes after a term's end as far as they fit."""
    totals = Totals.of(parts)
    about = ", ".join(f"{name} {value}" for name, value in sorted(scope.about.items())) or "all sections"
    since, until = (at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") for at in (scope.since, scope.until))
    body = [
        f"<h1>Statement of scores: {escape(scope.district_id)}, {escape(about)}</h1>",
        f"<p>{since} to {until}. {len(parts):,} sections. The lines are in statement.csv.</p>",
        _table("Balance", ("", "Scores", "Points"), _balance_rows(totals)),
        _table(
            "Open lines",
            ("", "Lines"),
            ((k.value, f"{totals.rows[k.value]:,}") for k in (Kind.FAILED, Kind.OWED, Kind.UNKNOWN)),
        ),
        _describe_unknown(scope, parts),
        _describe_late(totals.late, late, zone),
        _table("Sections", SECTION_HEAD, map(_section_row, parts)),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>Statement of scores</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body>\n</html>\n"
    ).encode()


def _balance_rows(totals: Totals) -> Iterator[Sequence[str]]:
    for kind in (Kind.OPENING, *MOVEMENTS, Kind.CLOSING):
        balance = totals.balances.get(kind, Balance())
        yield kind.value, f"{balance.scores:,}", render_number(balance.points)


def _describe_unknown(scope: Scope, parts: Iterable[SectionPart]) -> str:
    """State what could not be read, or is not kept."""
    found: dict[str, list[int]] = {}
    for part in parts:
        for reason, lines in part.unknown.items():
            sections, all_lines = found.get(reason, [0, 0])
            found[reason] = [sections + 1, all_lines + lines]
    rows = [
        (reason, UNKNOWN.get(reason, "could not be read"), f"{sections:,}", f"{lines:,}")
        for reason, (sections, lines) in sorted(found.items())
    ]
    text = _table("Not known", ("Reason", "Meaning", "Sections", "Lines"), rows) if rows else ""
    if scope.unplaced:
        missing = f"{scope.unplaced:,} sections of the district are not in it"
        text += f"\n<p>{missing}: their school or term is not known.</p>"
    return text


LATE_HEAD = (
    "Section",
    "When",
    "Assignment",
    "SIS student",
    "Before",
    "After",
    "Asked by",
    "Approved by",
    "Reason",
    "Sync",
)


def _describe_late(number: int, late: Iterable[LateLine], zone: ZoneInfo) -> str:
    """List changes after a term's end, each with who asked, who approved, and why."""
    if not number:
        return "<p>Nothing changed after the end of a term.</p>"
    rows = [_late_row(one, zone) for one in late]
    more = f"<p>{number - len(rows):,} more are in statement.csv.</p>" if number > len(rows) else ""
    return _table(f"Changes after the end of a term: {number:,}", LATE_HEAD, rows) + more


def _late_row(one: LateLine, zone: ZoneInfo) -> Sequence[str]:
    line, cause = one.line, one.line.cause
    return (
        one.section.title or one.section.id,
        line.at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if line.at else "",
        line.assignment_id,
        line.sis_student,
        render_value(line.before),
        render_value(line.after),
        cause.requested_by if cause else "",
        (cause.approved_by or "nobody") if cause else "",
        (cause.reason or "none given") if cause else "",
        cause.sync_id if cause else "",
    )


SECTION_HEAD = (
    "Section",
    "Title",
    "Term ends",
    "Opening",
    "Closing",
    "Points",
    "Failed",
    "Owed",
    "Drifted",
    "Unknown",
    "After term",
)


def _section_row(part: SectionPart) -> Sequence[str]:
    section, rows = part.section, part.rows
    opening, closing = part.totals[Kind.OPENING], part.totals[Kind.CLOSING]
    counts = (rows[kind.value] for kind in (Kind.FAILED, Kind.OWED, Kind.DRIFTED, Kind.UNKNOWN))
    return (
        section.id,
        section.title,
        str(section.term_last or ""),
        f"{opening.scores:,}",
        f"{closing.scores:,}",
        render_number(closing.points),
        *(f"{number:,}" for number in counts),
        f"{part.late:,}",
    )


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    title = f"<caption>{escape(caption)}</caption>"
    return f"<table>\n{title}\n<thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
