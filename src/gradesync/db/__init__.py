"""PostgreSQL: tables, migrations, sessions and queries."""
