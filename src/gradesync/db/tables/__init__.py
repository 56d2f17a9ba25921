"""Define the tables as SQLModel classes: the metadata that migrations are checked against.

Every table but the LTI tool's own keys has a district, and row-level security by it. Statements are written
against these tables; their rows become dataclasses in the query modules, and no table object leaves this
package.
"""

from gradesync.db.tables import comparisons, districts, preflights, runs, sections, syncs, webhooks
from gradesync.db.tables.base import metadata

__all__ = ["comparisons", "districts", "metadata", "preflights", "runs", "sections", "syncs", "webhooks"]
