"""The reference cloud through its real API, on SQLite and on PostgreSQL."""
