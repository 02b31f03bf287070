"""Run a folder of small cases and print what each comes to.

    python -m tests.run_cases FOLDER [NAME ...]

A case is a folder with `everycent.yaml`, `inbox/` and, where needed, `reference/*.append.csv`,
whose rows are appended to the reference files of a fresh workspace. Printed is one JSON object per
case: calls, tokens by bucket, calls by provider, AI model and cost basis, estimates, bills by
cause, and every counter that is not zero.
"""

import json
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import duckdb

from pipelines import run
from pipelines.scaffold import init_workspace
from pipelines.workspace import load_workspace
from tests.end_to_end.company import ENVIRONMENT

QUERIES = {
    "calls": """
        select columns(['source', 'call_id', 'session_id', 'provider', 'model_id', 'service_tier',
        'operation', 'status', 'token_source', 'cost_basis', 'grade', 'billed_cost',
        'estimated_cost', 'logged_cost_usd', 'role']), columns('_tokens$|_requests$')
        from fct_calls order by all limit 30
    """,
    "lines": """
        select cause, cost_basis, billing_currency, sum(billed_cost) as billed_cost,
        sum(estimated_cost) as estimated_cost, sum(call_count) as call_count
        from fct_cost_lines group by all order by all
    """,
    "counters": """
        select suite, partition, counter, value, passed, message from quality_results
        where not passed or (suite not in ('landing') and counter not in
        ('rows', 'days') and try_cast(value as decimal(38, 18)) <> 0
        and not regexp_matches(counter, 'rows|total|sum')) order by all
    """,
}


def run_case(case: Path, root: Path) -> dict[str, object]:
    """What a case comes to. Nothing of it is kept, and nothing is written beside it."""
    init_workspace(root)
    shutil.copy(case / "everycent.yaml", root / "everycent.yaml")
    shutil.copytree(case / "inbox", root / "inbox", dirs_exist_ok=True)
    for rows in sorted((case / "reference").glob("*.append.csv")):
        target = root / "reference" / rows.name.replace(".append", "")
        with target.open("a") as file:
            file.write(rows.read_text())
    summary = run.run(load_workspace(root, ENVIRONMENT))
    told: dict[str, object] = {"problems": summary.problems}
    marts = root / "published" / "current" / "marts.duckdb"
    if not marts.exists():
        return told
    with duckdb.connect(str(marts), read_only=True) as con:
        for name, query in QUERIES.items():
            cursor = con.execute(query)
            columns = [column[0] for column in cursor.description]
            told[name] = [
                {c: v for c, v in zip(columns, row, strict=True) if v is not None}
                for row in cursor.fetchall()
            ]
    return told


def main(folder: Path, names: list[str]) -> int:
    """Run all cases of a folder, or those named. 1 if one of them ended in an error."""
    failed = 0
    for case in sorted(path.parent for path in folder.glob("*/everycent.yaml")):
        if names and case.name not in names:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            try:
                told = run_case(case, Path(temporary) / "company")
            except Exception:
                told, failed = {"error": traceback.format_exc()}, 1
        print(json.dumps({"case": case.name, **told}, default=str, indent=1))
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
