"""The `everycent` command: words and options only. What a command does is in `commands/`."""

from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.commands.guard import Guarded

app = typer.Typer(
    cls=Guarded,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

_DAYS = ["%Y-%m-%d"]
Dir = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="The workspace. The current folder if left out."),
]
Ws = Annotated[
    Path | None, typer.Option("--workspace", "-w", metavar="DIR", help="The workspace, as DIR.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for scripts; money is text.")]


class FileFormat(StrEnum):
    """How exported tables are written."""

    CSV = "csv"
    PARQUET = "parquet"


class MadeUp(StrEnum):
    """Companies that can be made up."""

    ACME = "acme"
    GLOBEX = "globex"


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"everycent {version('everycent')}")
        raise typer.Exit


@app.callback()
def everycent(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the trace when everycent itself fails.")
    ] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Every cent of the AI bill has an owner, and you can prove it.

    First time? Make a company up and see what it comes to:

    `everycent simulate demo && everycent run demo`

    Exit codes: 0 fine (warnings included), 1 finished but not green (a file refused or set aside,
    a difference unexplained), 2 something to correct in settings, reference tables or the command,
    3 a check failed and nothing was published, 4 a defect of everycent.
    """


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Write a fresh workspace: settings, reference tables and an inbox, with comments that teach.

    Example: `everycent init acme`
    """
    from pipelines.commands.setting_up import init_command

    init_command(folder)


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the company goes; must not exist yet.")
    ] = Path("demo"),
) -> None:
    """Put the sample company acme into a folder, run the whole pipeline on it, show the tie-out.

    Example: `everycent demo`
    """
    from pipelines.commands.setting_up import demo_command

    raise typer.Exit(demo_command(folder))


@app.command("new-key")
def new_key(
    folder: Dir = None,
    workspace: Ws = None,
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="Replace the key: every file is landed again, under the new one."
        ),
    ] = False,
    without_gone: Annotated[
        bool,
        typer.Option(
            "--without-gone", help="Rotate although landed files are not in their folders any more."
        ),
    ] = False,
) -> None:
    """Write the key of people's pseudonyms into `.env`, where there is none; or replace it.

    With another key every person has another name. `--rotate` therefore forgets what was landed,
    and the next `everycent run` lands every file again. The new key is made here, or is the one
    you have put into the environment or into `.env` before.

    Example: `everycent new-key acme --rotate`
    """
    from pipelines.commands.setting_up import new_key_command

    new_key_command(_folder(folder, workspace), rotate=rotate, without_gone=without_gone)


@app.command()
def check(folder: Dir = None, workspace: Ws = None, as_json: AsJson = False) -> None:
    """Check settings and reference tables, and report everything that is wrong at once.

    Example: `everycent check acme`
    """
    from pipelines.commands.setting_up import check_command

    raise typer.Exit(check_command(_folder(folder, workspace), as_json=as_json))


@app.command()
def run(
    folder: Dir = None,
    workspace: Ws = None,
    from_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DAYS, metavar="DAY", help="Compute no day before this."),
    ] = None,
    to_day: Annotated[
        datetime | None,
        typer.Option("--to", formats=_DAYS, metavar="DAY", help="Compute no day from this one on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Land new files, compute the days they touch, publish, and show whether it all adds up.

    Example: `everycent run acme --from 2026-09-01 --to 2026-10-01`
    """
    from pipelines.commands.run import run_command

    if from_day and to_day and from_day >= to_day:
        raise typer.BadParameter("no day is from --from on and before --to")
    code = run_command(
        _folder(folder, workspace),
        from_day.date() if from_day else None,
        to_day.date() if to_day else None,
        as_json=as_json,
    )
    raise typer.Exit(code)


@app.command()
def land(
    folder: Dir = None,
    workspace: Ws = None,
    again: Annotated[
        str | None,
        typer.Option(
            "--again",
            metavar="SOURCE",
            help="Land every file again that this source has in its inbox, not only new ones.",
        ),
    ] = None,
) -> None:
    """Bring new files into the lake and compute nothing yet; `run` does both.

    What was read with other settings, another mapping or an earlier version of a reader lands again
    by itself. `--again` does so whether or not anything changed, such as after a damaged disk: what
    landed takes the place of what was there, in one step, and nothing counts twice.

    Example: `everycent land acme --again gateway_eu`
    """
    from pipelines.commands.land import land_command

    raise typer.Exit(land_command(_folder(folder, workspace), again))


@app.command()
def accept(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The feed it came by.")],
    delivery: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="Its name, as `run` and `status` say it.")
    ],
    folder: Dir = None,
    workspace: Ws = None,
) -> None:
    """Let a bill or report count that is held back because it has much less than the one before.

    A snapshot replaces the delivery before it. One that has less than half of its money or rows, or
    no longer tells a dimension, is held back until you say that it is whole: a part of a bill, or
    only its corrections, would quietly take the place of the bill.

    Example: `everycent accept azure_bill 2026-09-export.csv acme`
    """
    from pipelines.commands.upkeep import accept_command

    accept_command(_folder(folder, workspace), source, delivery)


@app.command()
def status(
    folder: Dir = None,
    workspace: Ws = None,
    as_json: AsJson = False,
    show_all: Annotated[
        bool, typer.Option("--all", help="List every quarantined record, not only the first 20.")
    ] = False,
) -> None:
    """Show what has landed, what is missing or set aside, what waits, and what is published.

    Example: `everycent status acme`
    """
    from pipelines.commands.status import status_command

    status_command(_folder(folder, workspace), as_json=as_json, show_all=show_all)


@app.command()
def explain(
    identity: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A call id, the id of its request, a cost line id, or "
            "PERIOD/ISSUER/COST-CENTRE-OR-CAUSE of a statement.",
        ),
    ],
    folder: Dir = None,
    workspace: Ws = None,
    as_json: AsJson = False,
) -> None:
    """Walk from a cent back to the line of the bill or log it is from, and say who owns it and why.

    Example: `everycent explain 2026-09/openai/unallocated acme`
    """
    from pipelines.commands.explain import explain_command

    explain_command(identity, _folder(folder, workspace), as_json=as_json)


@app.command()
def export(
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files go.")],
    folder: Dir = None,
    workspace: Ws = None,
    period: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m"], metavar="YYYY-MM", help="Only this billing period."),
    ] = None,
    tables: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Published tables to write, in place of the usual four marts."
        ),
    ] = None,
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="How tables are written.")
    ] = FileFormat.CSV,
) -> None:
    """Copy the chargeback files and tables to a folder, with a list of their SHA-256.

    Example: `everycent export acme --to handover --period 2026-09 --tables mart_showback_daily`
    """
    from pipelines.commands.export import DEFAULT_TABLES, Export, export_command

    names = tuple(name.strip() for name in tables.split(",")) if tables else DEFAULT_TABLES
    month = period.date() if period else None
    export_command(_folder(folder, workspace), Export(to, month, names, file_format.value))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One query in DuckDB's SQL.")],
    folder: Dir = None,
    workspace: Ws = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write all rows as CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the published tables, read-only; `duckdb published/current/marts.duckdb` does the same.

    Example: `everycent query "select * from mart_invoice_tie_out" acme`
    """
    from pipelines.commands.query import query_command

    if as_csv and as_json:
        raise typer.BadParameter("choose one of --csv and --json")
    output: Literal["table", "csv", "json"] = "table"
    if as_csv or as_json:
        output = "csv" if as_csv else "json"
    query_command(sql, _folder(folder, workspace), output)


@app.command()
def sources(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="One kind: how to export and set it up.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the kinds of bills and logs that can be read, or say how to feed one of them in.

    Example: `everycent sources litellm`
    """
    from pipelines.commands.sources import source_command, sources_command

    if kind is None:
        sources_command(as_json=as_json)
    else:
        source_command(kind, as_json=as_json)


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")],
    company: Annotated[
        MadeUp,
        typer.Option(
            help="acme: OpenAI, Anthropic, AWS and two LiteLLM gateways. globex, much smaller: "
            "Google, Azure, OpenTelemetry traces and Langfuse."
        ),
    ] = MadeUp.ACME,
    seed: Annotated[int, typer.Option(help="Same seed and options, same bytes.")] = 7,
    days: Annotated[
        int | None, typer.Option(help="Days to simulate.", show_default="7; globex: 5")
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option(help="Calls in the logs, in all.", show_default="5000; globex: 200"),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAYS,
            metavar="DAY",
            help="First UTC day.",
            show_default="2026-09-01; globex: always 2026-09-28",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Plant a fault in acme; can be given again. One of: duplicate_files, "
            "duplicate_lines, late_files, restated_bill, missing_logs, torn_file, malformed_lines, "
            "wrong_gateway_cost, cache_semantics, unknown_owner, unknown_price, overlogged, "
            "planted_canaries, hostile_tags.",
        ),
    ] = None,
) -> None:
    """Write a made-up company with bills, logs and reference tables, and the truth about it.

    Example: `everycent simulate demo --days 30 --calls 100000 --fault missing_logs`
    """
    from pipelines.commands.setting_up import Simulation, simulate_command

    first = start.date() if start else None
    simulate_command(Simulation(out, company.value, seed, days, calls, first, tuple(fault or ())))


@app.command()
def verify(folder: Dir = None, workspace: Ws = None) -> None:
    """Re-read every byte of the published version and the lake: is it what was written?

    Example: `everycent verify acme`
    """
    from pipelines.commands.upkeep import verify_command

    raise typer.Exit(verify_command(_folder(folder, workspace)))


@app.command()
def rollback(
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="A kept version: see `everycent status`.")
    ],
    folder: Dir = None,
    workspace: Ws = None,
) -> None:
    """Show readers an earlier version, after checking its bytes. One link moves, nothing is lost.

    Example: `everycent rollback 0b29fec684605239 acme`
    """
    from pipelines.commands.upkeep import rollback_command

    rollback_command(_folder(folder, workspace), version)


def main() -> None:
    """Entry point of the `everycent` command."""
    app()


def _folder(argument: Path | None, option: Path | None) -> Path:
    if argument is not None and option is not None:
        raise typer.BadParameter("give the workspace once: as DIR or as --workspace")
    return argument or option or Path()


if __name__ == "__main__":
    main()
