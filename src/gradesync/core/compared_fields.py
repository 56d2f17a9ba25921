"""Compare the assignments themselves in both systems, field by field: name, points, due date, category."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gradesync.core.assignments import Binding, read_as_sent
from gradesync.core.cell_state import CellState, judge_field
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.plan import CATEGORY, FIELDS
from gradesync.core.sis import LiveAssignment, LiveGradebook, Spec, id_order

WHOLE = "assignment"  # the field of one that was deleted in the SIS


class ComparedField(NamedTuple):
    """Hold one field of an assignment that the SIS holds, or held, as texts.

    `sent` is None where nothing was sent, `live` where it was not read or stands no more, `wanted` where
    Schoology has nothing to send.
    """

    assignment_id: str
    title: str
    field: str
    state: CellState
    sent: str | None
    live: str | None
    wanted: str | None


def compare_fields(
    bindings: Mapping[str, Binding],
    ledger: Ledger,
    live: LiveGradebook,
    titles: Mapping[str, str],
    categories: Mapping[str, str],
) -> tuple[ComparedField, ...]:
    """Compare what was sent of each assignment, what the SIS lists, and what Schoology has.

    One that is to be created has no fields yet. `titles` are those of assignments by id, `categories` those
    of the SIS's categories by key.
    """
    listed = {item.ref.key: item for item in live.assignments}
    fields: list[ComparedField] = []
    for assignment_id in sorted({*bindings, *ledger}, key=id_order):
        entry = ledger.get(assignment_id) or LedgerAssignment(assignment_id)
        binding, title = bindings.get(assignment_id), titles.get(assignment_id, "")
        sent = None if binding and binding.adopted else entry.spec
        ref = binding.ref if binding else entry.ref
        if ref is None or ref.key in live.gone:
            if entry.ref is not None and entry.ref.key in live.gone:
                name = title if binding else None
                fields.append(ComparedField(assignment_id, title, WHOLE, CellState.DRIFT, title, None, name))
            continue
        shown = binding.live if binding else None
        if binding is None and entry.spec is not None and ref.key in listed:
            shown = read_as_sent(listed[ref.key], entry, entry.spec)
        columns = _texts(sent), _live_texts(shown), _texts(binding.spec if binding else None)
        fields += _compare(assignment_id, title, columns, categories)
    return tuple(fields)


Texts = Mapping[str, str]


def _compare(
    assignment_id: str, title: str, columns: tuple[Texts, Texts, Texts], categories: Mapping[str, str]
) -> Iterator[ComparedField]:
    for field in FIELDS:
        values = [column.get(field) for column in columns]
        if values[0] is None and values[2] is None:
            continue
        state = judge_field(*values)
        if field == CATEGORY:
            values = [value and categories.get(value, value) for value in values]
        yield ComparedField(assignment_id, title, field, state, *values)


def _texts(spec: Spec | None) -> Texts:
    """Return the fields as texts that are equal where the fields are."""
    if spec is None:
        return {}
    points = format(spec.points.normalize(), "f")
    counts = "yes" if spec.counts else "no"
    values = (spec.name, points, spec.due.isoformat(), spec.category.key, counts)
    return dict(zip(FIELDS, values, strict=True))


def _live_texts(shown: LiveAssignment | None) -> Texts:
    if shown is None or shown.spec is not None:
        return _texts(shown.spec if shown else None)
    return {"name": shown.name, **({"due": shown.due.isoformat()} if shown.due else {})}
