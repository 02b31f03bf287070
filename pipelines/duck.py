"""The only way to get a DuckDB connection: one set of safe, repeatable settings."""

import os
from pathlib import Path

import duckdb

MEMORY_MB = 500
"""What all sessions of a process may take together before they spill."""


def cores() -> int:
    """Processors this process may use, at most 16."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2, 16)


def connect(
    database: str | Path = ":memory:",
    *,
    temp_dir: Path | None = None,
    read_only: bool = False,
    sessions: int = 1,
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB in UTC, without extensions from outside, within the memory cap.

    Args:
        database: A file, or memory.
        temp_dir: Where to spill beyond the cap; without it DuckDB stays in memory.
        read_only: Open a published file next to other readers.
        sessions: How many sessions of this process work side by side and share its resources.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        "memory_limit": f"{MEMORY_MB // sessions}MB",
        "threads": max(cores() // sessions, 1),
    }
    if temp_dir is not None:
        temp_dir.mkdir(parents=True, exist_ok=True)
        config["temp_directory"] = str(temp_dir)
    con = duckdb.connect(str(database), read_only=read_only, config=config)
    con.execute("set TimeZone = 'UTC'")
    return con
