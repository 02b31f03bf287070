import hashlib
import json
from datetime import date
from decimal import Decimal

import pytest

from pipelines.publishing.chargeback import (
    DetailLine,
    StatementLine,
    chargeback_files,
    file_stem,
)
from pipelines.publishing.csv_files import csv_rows
from pipelines.publishing.errors import PublishError
from pipelines.statements import Invoice

OCTOBER = date(2026, 10, 1)
INVOICE = Invoice("anthropic", "acct-1", "INV-1", OCTOBER, "USD")


def line(center, amount, *, invoice_id="INV-1", name=None, kind="cost_center", cause="attributed"):
    return StatementLine(
        OCTOBER,
        "anthropic",
        "acct-1",
        invoice_id,
        "USD",
        kind,
        center,
        name or (center and f"Cost centre {center}"),
        cause,
        Decimal(amount),
    )


LINES = [
    line("cc-200", "60.0000"),
    line("cc-100", "39.9900"),
    line(None, "0.0100", kind="residual", cause="rounding"),
]
TOTAL = {INVOICE: 10_000}


def test_the_summary_holds_every_line_in_a_fixed_order_at_the_scale_of_the_currency():
    files = chargeback_files(reversed(LINES), TOTAL)

    assert files["chargeback/2026-10/summary.csv"].decode().splitlines() == [
        "billing_period,issuer,billing_account_id,invoice_id,billing_currency,"
        "line_kind,cost_center_id,cost_center_name,cause,amount",
        "2026-10-01,anthropic,acct-1,INV-1,USD,cost_center,cc-100,"
        "Cost centre cc-100,attributed,39.99",
        "2026-10-01,anthropic,acct-1,INV-1,USD,cost_center,cc-200,"
        "Cost centre cc-200,attributed,60.00",
        "2026-10-01,anthropic,acct-1,INV-1,USD,residual,,,rounding,0.01",
    ]


def test_each_cost_centre_gets_a_file_of_its_own_lines_only():
    files = chargeback_files(LINES, TOTAL)
    [row] = csv_rows(files["chargeback/2026-10/cc-100.csv"])

    assert row["amount"] == "39.99"
    assert sorted(files) == [
        f"chargeback/2026-10/{name}"
        for name in ("MANIFEST.json", "cc-100.csv", "cc-200.csv", "summary.csv")
    ]


def test_the_manifest_says_rows_sums_and_hash_of_each_file():
    files = chargeback_files(LINES, TOTAL)
    manifest = json.loads(files["chargeback/2026-10/MANIFEST.json"])["files"]

    assert manifest["summary.csv"] == {
        "rows": 3,
        "sums": {"USD": "100.00"},
        "sha256": hashlib.sha256(files["chargeback/2026-10/summary.csv"]).hexdigest(),
    }
    assert set(manifest) == {"summary.csv", "cc-100.csv", "cc-200.csv"}


def test_a_cent_that_is_missing_stops_the_export_and_names_the_invoice():
    with pytest.raises(PublishError, match=r"INV-1 .*is 100\.01 USD.*difference 0\.01"):
        chargeback_files(LINES, {INVOICE: 10_001})


def test_lines_of_an_invoice_nobody_registered_stop_the_export():
    with pytest.raises(PublishError, match="INV-1"):
        chargeback_files(LINES, {})


def test_lines_without_an_invoice_yet_are_written_as_they_are():
    files = chargeback_files([line("cc-100", "5.0000", invoice_id=None)], {})

    assert csv_rows(files["chargeback/2026-10/cc-100.csv"])[0]["invoice_id"] == ""


def test_an_amount_finer_than_a_cent_is_refused():
    with pytest.raises(PublishError, match="finer than the minor unit of USD"):
        chargeback_files([line("cc-100", "0.0050")], TOTAL)


def test_an_id_that_looks_like_a_formula_still_ties_out():
    odd = Invoice("anthropic", "-acct", "=INV", OCTOBER, "USD")
    row = line("cc-100", "1")._replace(billing_account_id="-acct", invoice_id="=INV")
    files = chargeback_files([row], {odd: 100})

    assert csv_rows(files["chargeback/2026-10/summary.csv"])[0]["invoice_id"] == "'=INV"


def test_credits_make_a_statement_negative_and_tie_out_too():
    files = chargeback_files([line("cc-100", "-12.3400")], {INVOICE: -1234})

    assert csv_rows(files["chargeback/2026-10/cc-100.csv"])[0]["amount"] == "-12.34"


def test_details_lie_beside_the_statement_at_full_precision():
    detail = DetailLine(
        billing_period=OCTOBER,
        cost_center_id="cc-100",
        application_id="app-1",
        issuer="anthropic",
        billing_account_id="acct-1",
        model_id=None,
        meter="output",
        cause="attributed",
        billing_currency="USD",
        call_count=7,
        quantity=None,
        amount_exact=Decimal("39.990001"),
    )
    files = chargeback_files(LINES, TOTAL, [detail])
    manifest = json.loads(files["chargeback/2026-10/MANIFEST.json"])["files"]

    assert csv_rows(files["chargeback/2026-10/cc-100.detail.csv"])[0]["call_count"] == "7"
    assert manifest["cc-100.detail.csv"]["sums"] == {"USD": "39.990001"}


@pytest.mark.parametrize("center", ["cc-100", "a", "x" * 64])
def test_a_safe_id_is_its_own_file_name(center):
    assert file_stem(center) == center


@pytest.mark.parametrize(
    "center", ["../../etc/passwd", "CC 100", "summary", "con", "", ".", "x" * 65, "é", "a\0b"]
)
def test_any_other_id_becomes_a_slug_with_a_hash(center):
    stem = file_stem(center)

    assert stem != center
    assert stem.split(".")[0].replace("-", "").isalnum()
    assert len(stem.split(".")[1]) == 8


def test_ids_that_share_a_slug_get_different_files():
    assert file_stem("CC 100") != file_stem("CC/100")
