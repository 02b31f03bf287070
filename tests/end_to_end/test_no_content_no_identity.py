"""Prompts, people and secrets planted all over the inbox are in nothing that is ever written."""

import csv
import gzip
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.definitions import defs
from pipelines.truth import Fault
from tests.end_to_end.company import ENVIRONMENT, Company
from tests.end_to_end.damage import edit_bill, edit_calls, without_manifests

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dagster")]

GIVEN = ("inbox", "reference", "truth", "everycent.yaml")
FAULTS = (
    Fault.PLANTED_CANARIES,
    Fault.HOSTILE_TAGS,
    Fault.MALFORMED_LINES,
    Fault.TORN_FILE,
    Fault.UNKNOWN_OWNER,
)
EMAIL = "jane.canary@customer.example"
PROMPT = "CANARY-PROMPT: please summarise my medical file. " * 10
SHORT = (
    "sk-canary0123",
    "jane@corp",
    "does jane need surgery?",
    "/home/jane/canary",
    "Jane, 42 years",
)
"""What anybody may write where an id or an AI model belongs."""

# people and content, whatever they say: e-mail addresses, ids of people, addresses, keys, prompts
FORBIDDEN = re.compile(
    rb"canary|@acme\.example|@customer\.example|emp-[0-9]{4}|person[0-9]{4}|cust-[0-9]{3,}"
    rb"|10\.0\.[0-9]{1,3}\.[0-9]{1,3}|you are the assistant|sk-[0-9a-z]{6}|jane",
    re.IGNORECASE,
)


def plant(company: Company) -> None:
    """Put people and prompts where the simulator puts none: in ids, kept tags and odd fields."""

    def into_calls(calls: list[dict]) -> None:
        for call in calls:
            call["request_tags"] = [f"app:{EMAIL}", f"feature:{PROMPT}", f"feature={EMAIL}", EMAIL]
            call["metadata"]["spend_logs_metadata"] = {"task_id": EMAIL, "note": PROMPT}
            call |= {"session_id": EMAIL, "trace_id": PROMPT, "end_user": EMAIL, "user": EMAIL}
            call |= {"error_str": PROMPT, "proxy_server_request": {"body": PROMPT}}
            call |= {"model_group": EMAIL, EMAIL: PROMPT}
        for call, text in zip(calls, SHORT * len(calls), strict=False):
            call |= {"session_id": text, "model_group": text, "model_id": text}
            call["metadata"]["spend_logs_metadata"]["task_id"] = text

    logs = [path for path in company.inbox("gateway_eu") if path.suffix == ".gz"]
    # the first day's files have lines that are no calls, and one is torn
    edit_calls(company, into_calls, logs[-1])

    def into_bill(rows: list[list[str]]) -> list[list[str]]:
        header, *body = rows
        header.append("line_item_iam_principal")
        for row in body:
            row[header.index("resource_tags")] = json.dumps({"user_owner": EMAIL, EMAIL: PROMPT})
            row.append(f"arn:aws:sts::111122223333:assumed-role/dev/{EMAIL}")
        # a row that is set aside must not be quoted
        body[-1][header.index("line_item_unblended_cost")] = PROMPT
        return rows

    edit_bill(company, into_bill)
    without_manifests(company)
    for path in company.inbox("openai"):
        text = path.read_text("utf-8")
        path.write_text(text.replace('"user_id": null', f'"user_id": "{EMAIL}"'), "utf-8")
    path = company.inbox("outcomes")[0]
    events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for event in events:
        event["subject"] = EMAIL
        event["data"] |= {"note": PROMPT, "customer": EMAIL}
        event["data"]["refs"].append({"kind": "end_user_id", "value": EMAIL})
    events[0]["data"]["value_amount"] = PROMPT
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events), "utf-8")


@dataclass(frozen=True)
class Leaky:
    """A company full of canaries that was run from the command line, and all it left behind."""

    company: Company
    temporary: Path
    said: dict[str, str]
    """What each command wrote to the terminal."""


@pytest.fixture(scope="module")
def leaky(tmp_path_factory) -> Leaky:
    company = Company.simulated(
        tmp_path_factory.mktemp("leaky") / "acme", days=2, calls=300, faults=FAULTS
    )
    plant(company)
    temporary = tmp_path_factory.mktemp("temporary")
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": str(temporary), "HOME": str(temporary)}
    said = {}
    for command in ("check", "run", "status"):
        ended = subprocess.run(
            [sys.executable, "-c", "from pipelines.cli import main; main()", command],
            cwd=company.root,
            env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
        said[command] = ended.stdout + ended.stderr
        # a file is torn, so the run is not green
        assert ended.returncode == int(command == "run"), said[command]
    return Leaky(company, temporary, said)


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and the values in it where they are compressed."""
    yield path.read_bytes()
    if path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    elif path.suffix == ".parquet":
        for column in pq.read_table(path).columns:
            yield "\n".join(map(str, column.unique().to_pylist())).encode()
    elif path.suffix == ".duckdb":
        yield from tables(path)
    elif path.suffix == ".db":
        yield from snapshots(path)


def tables(path: Path) -> Iterator[bytes]:
    with duckdb.connect(path, read_only=True) as con:
        for (name,) in con.execute("select table_name from duckdb_tables()").fetchall():
            rows = con.execute(f'select columns(*)::varchar from "{name}"').fetchall()
            yield "\n".join(str(value) for row in rows for value in row).encode()


def snapshots(path: Path) -> Iterator[bytes]:
    """What Dagster keeps compressed in its SQLite files."""
    with closing(sqlite3.connect(path)) as con:
        for (name,) in con.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall():
            for row in con.execute(f'select * from "{name}"'):
                yield from (zlib.decompress(v) for v in row if is_packed(v))


def is_packed(value: object) -> bool:
    return isinstance(value, bytes) and value[:1] == b"\x78"


def written(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def outputs(company: Company) -> list[Path]:
    return [
        path
        for path in written(company.root)
        if path.relative_to(company.root).parts[0] not in GIVEN
    ]


def found(paths: list[Path]) -> list[tuple[str, bytes]]:
    return [
        (path.name, match[0])
        for path in paths
        for content in contents(path)
        if (match := FORBIDDEN.search(content))
    ]


def people(company: Company) -> list[str]:
    with (company.root / "reference" / "users.csv").open(newline="") as file:
        return [row["user_id"] for row in csv.DictReader(file)]


def test_the_search_finds_what_is_planted(leaky):
    inbox = [path for path in leaky.company.inbox("gateway_eu") if path.suffix == ".gz"]
    torn = [path for path in inbox if not is_whole(path)]

    assert len(torn) == 1
    assert len(found([path for path in inbox if path not in torn])) >= len(inbox) - 1
    assert found([leaky.company.root / "truth" / "truth.parquet"]) == []
    assert people(leaky.company)


def is_whole(path: Path) -> bool:
    try:
        gzip.decompress(path.read_bytes())
    except EOFError:
        return False
    return True


def test_the_search_looks_into_compressed_tables(leaky, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "FORBIDDEN", re.compile(rb"support-bot"))
    names = {name.rsplit(".", 1)[-1] for name, _ in found(outputs(leaky.company))}

    assert {"parquet", "duckdb", "csv"} <= names


def test_nothing_that_is_written_holds_content_or_a_person(leaky):
    paths = outputs(leaky.company)
    kinds = {path.suffix for path in paths}

    assert {".parquet", ".duckdb", ".csv", ".html", ".json"} <= kinds
    assert found(paths) == []


def test_no_name_of_a_file_holds_content_or_a_person(leaky):
    names = "\n".join(path.as_posix() for path in outputs(leaky.company)).encode()

    assert FORBIDDEN.search(names) is None


def test_nothing_is_said_that_holds_content_or_a_person(leaky):
    assert "gateway_eu" in leaky.said["run"]
    assert "amount_form" in leaky.said["run"]
    assert [c for c, said in leaky.said.items() if FORBIDDEN.search(said.encode())] == []


def test_nothing_is_left_in_temporary_folders(leaky):
    assert found(written(leaky.temporary)) == []


def test_people_are_keyed_pseudonyms_and_no_plain_hashes(leaky):
    [(users, keyed)] = leaky.company.rows(
        "select count(distinct user_id), "
        "count(distinct user_id) filter (regexp_full_match(user_id, 'u_[0-9a-z]{26,}')) "
        "from fct_calls"
    )
    plain = re.compile(
        "|".join(
            digest(person.encode()).hexdigest()[:24]
            for person in {*people(leaky.company), EMAIL}
            for digest in (hashlib.sha256, hashlib.md5, hashlib.sha1)
        ).encode()
    )
    text = b"\n".join(c for path in outputs(leaky.company) for c in contents(path))

    assert users == keyed > 10
    assert plain.search(text) is None


def test_the_key_is_written_nowhere(leaky):
    [key] = ENVIRONMENT.values()
    secret = re.compile(re.escape(key.encode()) + b"|" + re.escape(bytes.fromhex(key)))
    paths = [*outputs(leaky.company), *written(leaky.temporary)]

    assert [path.name for path in paths for c in contents(path) if secret.search(c)] == []
    assert not any(key in said for said in leaky.said.values())


@pytest.fixture(scope="module")
def dagster_home(leaky, tmp_path_factory) -> Path:
    """Dagster's own storage after it ran the same company: databases, logs and all."""
    company = leaky.company.copy(tmp_path_factory.mktemp("dagster") / "acme")
    home = tmp_path_factory.mktemp("home")
    days = {
        "dagster/asset_partition_range_start": "2026-09-01",
        "dagster/asset_partition_range_end": "2026-09-02",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("EVERYCENT_WORKSPACE", str(company.root))
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with dg.DagsterInstance.local_temp(
            str(home), overrides={"telemetry": {"enabled": False}}
        ) as instance:
            job = defs().resolve_job_def("daily")
            result = job.execute_in_process(instance=instance, raise_on_error=False, tags=days)
            (home / "logs.txt").write_text(
                "\n".join(str(entry) for entry in instance.all_logs(result.run_id)), "utf-8"
            )
    return home


def test_dagster_keeps_no_content_and_no_person(dagster_home):
    paths = written(dagster_home)

    assert any(path.suffix == ".db" for path in paths)
    assert any(c for path in paths if path.suffix == ".db" for c in snapshots(path))
    assert b"gateway_eu" in (dagster_home / "logs.txt").read_bytes()
    assert b"fct_cost_lines" in (dagster_home / "logs.txt").read_bytes()
    assert found(paths) == []


def test_dagster_keeps_no_key(dagster_home):
    [key] = ENVIRONMENT.values()

    assert [p.name for p in written(dagster_home) if key.encode() in p.read_bytes()] == []
