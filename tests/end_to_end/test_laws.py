"""How two runs relate when we know how their inputs do. Bytes, not numbers, are compared."""

import gzip
import random
import shutil
from pathlib import Path

import pytest

from pipelines import run
from tests.end_to_end.company import Company

pytestmark = pytest.mark.slow

# who is called what inside a version is its own hash, which these relations may change
LOGS = ("gateway_eu", "gateway_us")


def different(one: Company, other: Company) -> list[str]:
    left, right = one.published_bytes(), other.published_bytes()
    return sorted({*left, *right} - {path for path in left if left[path] == right.get(path)})


@pytest.fixture
def again(clean, tmp_path) -> Company:
    """The clean company's inputs, not run yet."""
    return clean.copy(tmp_path / "acme")


def jsonl_files(company: Company) -> list[Path]:
    return [path for path in company.inbox("gateway_eu") if path.name.endswith(".jsonl.gz")]


def rewrite(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(gzip.compress(b"".join(lines), mtime=0))


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def test_another_run_on_the_same_inputs_gives_the_same_bytes(clean, again):
    again.run()

    assert different(clean, again) == []


def test_running_again_changes_nothing_and_publishes_nothing(clean, tmp_path):
    company = clean.copy(tmp_path / "acme", with_state=True)
    before = company.published_bytes()
    summary = company.run()

    assert summary.computed.days == ()
    assert not summary.published.changed
    assert company.published_bytes() == before


def test_the_order_of_lines_does_not_matter(clean, again):
    shuffler = random.Random(5)
    for path in jsonl_files(again):
        lines = lines_of(path)
        shuffler.shuffle(lines)
        rewrite(path, lines)
    again.run()

    assert different(clean, again) == []


def test_a_file_may_come_in_pieces(clean, again):
    for path in jsonl_files(again):
        lines = lines_of(path)
        rewrite(path.with_name("a_" + path.name), lines[::2])
        rewrite(path.with_name("b_" + path.name), lines[1::2])
        path.unlink()
    again.run()

    assert different(clean, again) == []


def test_the_name_and_the_compression_of_a_log_file_do_not_matter(clean, again):
    for number, path in enumerate(jsonl_files(again)):
        (path.parent / f"renamed-{number}.jsonl").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    again.run()

    assert different(clean, again) == []


def test_a_file_delivered_twice_counts_once(clean, again):
    for path in jsonl_files(again)[::3]:
        shutil.copy(path, path.with_name("copy-of-" + path.name))
    for path in jsonl_files(again)[::5]:
        # the same calls in a file of other bytes
        rewrite(path.with_name("again-" + path.name), lines_of(path) * 2)
    again.run()

    assert different(clean, again) == []


def test_deliveries_may_come_one_at_a_time_in_any_order(clean, again):
    inbox = again.root / "inbox"
    waiting = again.root / "waiting"
    inbox.rename(waiting)
    for source in sorted(p.name for p in waiting.iterdir()):
        (inbox / source).mkdir(parents=True)
    again.run()
    for source in ("gateway_us", "outcomes", "aws", "gateway_eu", "openai", "anthropic"):
        shutil.rmtree(inbox / source)
        (waiting / source).rename(inbox / source)
        again.run()

    assert different(clean, again) == []


def test_day_by_day_is_the_same_as_all_at_once(clean, again):
    workspace = again.workspace
    for source in workspace.settings.sources:
        run.land_source(workspace, source.source)
    for day in reversed(run.pending_days(workspace)):
        run.compute_days(workspace, days=[day])
    run.publish_workspace(workspace)

    assert different(clean, again) == []


def test_a_late_file_touches_only_its_days(clean, tmp_path):
    company = clean.copy(tmp_path / "acme")
    late = [path for path in jsonl_files(company) if "2026-09-02" in path.as_posix()]
    kept = {path: path.read_bytes() for path in late[:5]}
    for path in kept:
        path.unlink()
    company.run()
    before = company.published_bytes()
    for path, content in kept.items():
        path.write_bytes(content)
    summary = company.run()
    after = company.published_bytes()

    assert [f"{day}" for day in summary.computed.days] == ["2026-09-02"]
    assert {p.name for p in map(Path, after) if after[str(p)] != before.get(str(p))} >= {
        "2026-09-02.parquet"
    }
    assert not {
        path
        for path in after
        if after[path] != before.get(path) and ("2026-09-01" in path or "2026-09-03" in path)
    }
    assert different(clean, company) == []


def test_a_second_feed_of_the_same_calls_changes_no_total(clean, again):
    settings = again.root / "everycent.yaml"
    shutil.copytree(again.root / "inbox" / "gateway_eu", again.root / "inbox" / "mirror")
    for path in again.inbox("mirror"):
        rewrite(path, [line.replace(b'"stream"', b'"stream" ') for line in lines_of(path)])
    settings.write_text(
        settings.read_text("utf-8")
        + "  - source: mirror\n    kind: litellm\n    location: inbox/mirror\n"
        + "    tag_keys: [app, feature]\n    task_key: task_id\n",
        "utf-8",
    )
    again.run()
    totals = (
        "select charge_date, application_id, cause, sum(billed_cost) from fct_cost_lines "
        "group by all order by all"
    )

    assert again.rows(totals) == clean.rows(totals)
    assert again.rows("select count(*) from fct_calls") == clean.rows(
        "select count(*) from fct_calls"
    )


def test_days_add_up_to_the_period(clean):
    daily = clean.rows(
        "select issuer, billing_currency, sum(billed_cost) from fct_cost_lines "
        "where cost_basis = 'billed' group by all order by all"
    )
    monthly = clean.rows(
        "select issuer, billing_currency, sum(billed_cost) from mart_invoice_tie_out "
        "group by all order by all"
    )
    charged = clean.rows(
        "select issuer, billing_currency, sum(amount_exact) from mart_chargeback_monthly "
        "where cause not in ('rounding', 'unexplained') and line_kind <> 'reconciling' "
        "group by all order by all"
    )

    assert daily == monthly == charged


def test_money_is_conserved_per_pool_day_issuer_and_currency(clean):
    broken = clean.rows(
        """
        with lines as (
            select charge_date, pool_id, sum(billed_cost) as cost
            from fct_cost_lines
            where pool_id is not null
            group by all
        )

        select pools.pool_id
        from mart_reconciliation_daily as pools
        full join lines
            on pools.charge_date = lines.charge_date and pools.pool_id = lines.pool_id
        where pools.billed_cost is distinct from lines.cost
        """
    )
    counted = clean.rows("select count(*) from mart_reconciliation_daily")

    assert broken == []
    assert counted[0][0] > 50


def test_renaming_a_team_changes_no_amount(clean, again):
    teams = again.root / "reference" / "teams.csv"
    text = teams.read_text("utf-8")
    header, *rows = [line for line in text.splitlines() if not line.startswith("#")]
    renamed = [row.replace(row.split(",")[1], f"Renamed {n}", 1) for n, row in enumerate(rows)]
    teams.write_text("\n".join([header, *renamed]) + "\n", "utf-8")
    again.run()
    by_cost_center = (
        "select cost_center_id, sum(amount) from mart_chargeback_monthly group by all order by all"
    )

    assert again.rows(by_cost_center) == clean.rows(by_cost_center)


def test_another_pseudonym_key_changes_labels_of_users_and_nothing_else(clean, again, monkeypatch):
    monkeypatch.setattr(
        "tests.end_to_end.company.ENVIRONMENT",
        {"EVERYCENT_PSEUDONYM_KEY": "8f2c61d0b7e94a35" * 2 + "c4d1907ae6b35f28" * 2},
    )
    again.run()
    tables = {path.split("/")[1] for path in different(clean, again) if path.startswith("parquet/")}

    assert tables <= {"fct_calls", "mart_cost_per_user_daily"}
    assert not [path for path in different(clean, again) if path.startswith("chargeback/")]
