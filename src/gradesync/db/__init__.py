"""Store everything in PostgreSQL: tables, migrations, sessions and queries."""
