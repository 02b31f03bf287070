"""Runs transforms. `duckdb` is the default engine: embedded, one session for a range of days."""
