"""The only way to get a DuckDB connection: one set of safe, repeatable settings."""

import os
from pathlib import Path

import duckdb

MEMORY_LIMIT = "900MB"


def connect(
    database: str | Path = ":memory:",
    *,
    temp_dir: Path | None = None,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB in UTC, without extensions from outside, within the memory cap.

    Args:
        database: A file, or memory.
        temp_dir: Where to spill beyond the cap; without it DuckDB stays in memory.
        read_only: Open a published file next to other readers.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        "memory_limit": MEMORY_LIMIT,
        "threads": min(os.cpu_count() or 1, 16),
    }
    if temp_dir is not None:
        temp_dir.mkdir(parents=True, exist_ok=True)
        config["temp_directory"] = str(temp_dir)
    con = duckdb.connect(str(database), read_only=read_only, config=config)
    con.execute("set TimeZone = 'UTC'")
    return con
