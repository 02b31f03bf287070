"""The pieces of work that are measured, each run alone: `python -m benchmarks.work PIECE ...`."""

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable, Iterable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks import format_work
from benchmarks.formats import FORMATS

Facts = dict[str, Any]

LOGS = {"payloads": "gateway_eu/**/*.jsonl.gz", "spend_logs": "gateway_us/**/*.csv.gz"}
"""Where the simulator puts logs, below the inbox."""


def log_files(workspace: Path) -> dict[str, list[str]]:
    """The logs of a simulated workspace by form, in order of name."""
    inbox = workspace / "inbox"
    return {form: sorted(str(p) for p in inbox.glob(pattern)) for form, pattern in LOGS.items()}


def simulate(args: argparse.Namespace) -> Facts:
    """Write the company that everything is measured on."""
    from pipelines.truth import simulate as write

    summary = write(
        args.workspace, seed=args.seed, days=args.days, calls=args.calls, start=args.start
    )
    return {"calls": summary.calls_logged}


def read(args: argparse.Namespace) -> Facts:
    """Unpack every log and write its lines as they are: the floor of any path through DuckDB."""
    import duckdb

    from benchmarks.plain import READ_LINES

    target = args.scratch / "lines.parquet"
    files = [name for form in log_files(args.workspace).values() for name in form]
    con = duckdb.connect(config={"temp_directory": str(args.scratch / "spill")})
    con.execute("set preserve_insertion_order = false")
    query = f"copy ({READ_LINES}) to '{target}' (format parquet, compression zstd)"
    (rows,) = con.execute(query, {"files": files}).fetchone() or (0,)
    con.close()
    return {"rows": rows}


def plain(args: argparse.Namespace) -> Facts:
    """The plain DuckDB script over the same logs."""
    from benchmarks.plain import run

    return {"rows": run(**log_files(args.workspace), out=args.scratch / "plain")}


def loop(args: argparse.Namespace) -> Facts:
    """Price calls one by one with the price library, as a script without a database would."""
    import gzip

    from genai_prices import Usage, calc_price

    def lines() -> Iterable[str]:
        for name in log_files(args.workspace)["payloads"]:
            with gzip.open(name, "rt", encoding="utf-8") as file:
                yield from file

    # the library loads its list with the first call
    calc_price(Usage(input_tokens=1), "gpt-5", provider_id="openai")
    started, calls, unpriced = time.perf_counter(), 0, 0
    for line, _ in zip(lines(), range(args.sample), strict=False):
        call = json.loads(line)
        usage = call["metadata"]["usage_object"] or {}
        read_tokens = usage.get("cache_read_input_tokens") or 0
        write_tokens = usage.get("cache_creation_input_tokens") or 0
        try:
            calc_price(
                Usage(
                    input_tokens=max(call["prompt_tokens"], read_tokens + write_tokens),
                    cache_read_tokens=read_tokens,
                    cache_write_tokens=write_tokens,
                    output_tokens=call["completion_tokens"],
                ),
                call["model"],
                provider_id=call["custom_llm_provider"],
            )
        except LookupError:
            unpriced += 1
        calls += 1
    seconds = time.perf_counter() - started
    return {"rows": calls, "unpriced": unpriced, "calls_per_second": calls / seconds}


def price(args: argparse.Namespace) -> Facts:
    """Price the calls of the plain script with a join over the price book."""
    from benchmarks.pricing import run

    calls = args.scratch / "plain" / "calls.parquet"
    if not calls.is_file():
        raise SystemExit(f"{calls} is missing: run the stage `plain` before `price`")
    rows, seconds = run(calls)
    return {"rows": rows, "calls_per_second": rows / seconds}


def start_up(_: argparse.Namespace) -> Facts:
    """Everything `ours` imports at its start, and nothing else."""
    importlib.import_module("pipelines.run")
    return {}


def ours(args: argparse.Namespace) -> Facts:
    """The whole path through the Python API: land, compute and check, publish."""
    started = time.perf_counter()
    run = importlib.import_module("pipelines.run").run
    load_workspace = importlib.import_module("pipelines.workspace").load_workspace
    imported = time.perf_counter()
    summary = run(load_workspace(args.workspace))
    if summary.problems:
        raise SystemExit(f"{len(summary.problems)} files did not land: {summary.problems[0]}")
    return {
        "stages": {"start-up": imported - started, **summary.seconds},
        "rows": summary.computed.tables.get("fct_calls", 0),
        "quarantined": sum(landing.rows_quarantined for landing in summary.landings),
        "days": len(summary.computed.days),
    } | _published(args.workspace)


def _published(workspace: Path) -> Facts:
    """Size of the Parquet of `fct_calls` in the newest published version."""
    places = sorted((workspace / "published").rglob("fct_calls"), key=lambda p: p.stat().st_mtime)
    sizes = [f.stat().st_size for p in places[-1:] for f in p.rglob("*.parquet")]
    return {"fct_calls_bytes": sum(sizes)} if sizes else {}


PIECES: dict[str, Callable[[argparse.Namespace], Facts]] = {
    work.__name__: work for work in (simulate, read, plain, loop, price, start_up, ours)
} | format_work.PIECES


def main() -> None:
    """Run one piece and write what it says about itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("piece", choices=PIECES)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--days", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2026, 9, 1))
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--format", choices=FORMATS)
    parser.add_argument("--lines", type=int, default=0)
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("EVERYCENT_PSEUDONYM_KEY", sha256(b"benchmarks").hexdigest())
    facts = PIECES[args.piece](args)
    args.facts.write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
