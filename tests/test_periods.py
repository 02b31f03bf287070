"""Where lines meet invoices: every cent of the difference has a name, and only the right one."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from models.columns import arrow_schema
from models.reference import REFERENCE_TABLES
from pipelines.periods import BILL_LINE, Statements

PERIOD = date(2026, 10, 1)
ACCOUNT = {"billing_period": PERIOD, "issuer": "openai", "billing_account_id": "org"}


def table(rows: list[dict[str, object]], columns: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))


def statement(
    lines: list[tuple[str | None, str, str]],
    invoices: Mapping[str, str],
    *,
    items: tuple[tuple[str, str, str], ...] = (),
    bill: tuple[tuple[str, date, str], ...] = (),
    default: str | None = None,
) -> dict[tuple[str, str | None, str], str]:
    """Amount by kind, cost centre and cause, in cents.

    Lines are cost centre, cause and amount; the bill is description, day and amount.
    """
    money = pa.decimal128(38, 18)
    account = {"billing_period": pa.date32(), "issuer": pa.string()}
    account |= {"billing_account_id": pa.string(), "billing_currency": pa.string()}
    usd = {**ACCOUNT, "billing_currency": "USD"}
    exact = table(
        [
            {**usd, "cost_center_id": center, "cause": cause, "amount_exact": Decimal(amount)}
            | {"gross_cost": abs(Decimal(amount))}
            for center, cause, amount in lines
        ],
        {**account, "cost_center_id": pa.string(), "cause": pa.string()}
        | {"amount_exact": money, "gross_cost": money},
    )
    rows = {
        "ref_invoices": [
            {**ACCOUNT, "invoice_id": name, "currency": "USD", "total_amount": Decimal(total)}
            for name, total in invoices.items()
        ],
        "ref_reconciling_items": [
            {"invoice_id": name, "item": item, "amount": Decimal(amount), "evidence": "T-1"}
            for name, item, amount in items
        ],
    }
    reference = {
        name: pa.Table.from_pylist(found, schema=arrow_schema(REFERENCE_TABLES[name].columns))
        for name, found in rows.items()
    }
    bill_lines = table(
        [
            {**usd, "charge_date": day, "charge_description": name, "billed_cost": Decimal(amount)}
            for name, day, amount in bill
        ],
        {**account, "charge_date": pa.date32(), "sub_account_id": pa.string()}
        | dict.fromkeys(BILL_LINE, pa.string())
        | {"billed_cost": money},
    )
    made = Statements(exact, reference, {PERIOD}, lambda: bill_lines, default)
    return {
        (row["line_kind"], row["cost_center_id"], row["cause"]): f"{row['amount']:.2f}"
        for row in made.rounded.to_pylist()
    }


@pytest.mark.parametrize(
    "name", ["reconciling", "residual", "unexplained", "rounding", "cost_center", "a|b", "|", ", "]
)
def test_a_cost_centre_may_be_called_like_a_word_of_ours(name):
    found = statement(
        [(name, "attributed", "7"), (None, "shared", "1"), (name, "rounding", "1")],
        {"INV-1": "10"},
        items=(("INV-1", name, "0.5"),),
    )

    assert found == {
        ("cost_center", name, "attributed"): "7.00",
        ("cost_center", name, "rounding"): "1.00",
        ("residual", None, "shared"): "1.00",
        ("reconciling", None, name): "0.50",
        ("residual", None, "unexplained"): "0.50",
    }


def test_items_find_their_invoice_whatever_its_number_holds():
    found = statement(
        [("cc", "attributed", "8")],
        {"2026, part 1": "5", "2026, part 2": "4"},
        items=(("2026, part 2", "tax", "1"),),
    )

    assert found == {
        ("cost_center", "cc", "attributed"): "8.00",
        ("reconciling", None, "tax"): "1.00",
    }


SECOND, THIRD = date(2026, 10, 2), date(2026, 10, 3)


@pytest.mark.parametrize(
    ("bill", "total"),
    [
        # a name by month: 1.004 + 1.004 + 1.004 is three times 1.00
        ([("a", SECOND, "1.004"), ("b", SECOND, "1.004"), ("c", SECOND, "1.004")], "3.00"),
        # by month, not by day: two days of 0.006 are 0.01
        (
            [("a", SECOND, "0.006"), ("a", THIRD, "0.006"), *((n, THIRD, "0.004") for n in "bc")],
            "0.01",
        ),
        # by day
        ([("a", SECOND, "1.006"), ("a", THIRD, "2.006")], "3.02"),
        # a credit is rounded as the charge it undoes
        ([*((n, SECOND, "-1.005") for n in "abc"), ("d", SECOND, "6.004")], "2.97"),
    ],
)
def test_a_cent_that_rounding_the_invoices_own_lines_makes_has_that_name(bill, total):
    exact = sum(Decimal(amount) for *_, amount in bill)
    found = statement([("cc", "attributed", str(exact))], {"INV-1": total}, bill=tuple(bill))

    assert sum(map(Decimal, found.values())) == Decimal(total)
    assert set(found) == {
        ("cost_center", "cc", "attributed"),
        ("reconciling", None, "rounding_per_line"),
    }


def test_a_cent_more_than_rounding_makes_is_unexplained():
    bill = (("a", SECOND, "1.004"), ("b", SECOND, "1.004"), ("c", SECOND, "1.004"))
    found = statement([("cc", "attributed", "3.012")], {"INV-1": "2.99"}, bill=bill)

    assert found == {
        ("cost_center", "cc", "attributed"): "3.01",
        ("residual", None, "unexplained"): "-0.02",
    }


def test_rounding_per_line_is_what_named_items_leave():
    bill = (("a", SECOND, "1.004"), ("b", SECOND, "1.004"), ("c", SECOND, "1.004"))
    found = statement(
        [("cc", "attributed", "3.012")],
        {"INV-1": "3.57"},
        items=(("INV-1", "tax", "0.57"),),
        bill=bill,
    )

    assert found == {
        ("cost_center", "cc", "attributed"): "3.01",
        ("reconciling", None, "tax"): "0.57",
        ("reconciling", None, "rounding_per_line"): "-0.01",
    }


def test_the_default_cost_centre_pays_what_has_a_name_and_no_owner_and_is_no_owner():
    found = statement(
        [("cc", "attributed", "7"), (None, "shared", "-1"), (None, "unlogged_usage", "2")],
        {"INV-1": "9"},
        items=(("INV-1", "tax", "0.5"),),
        default="cc-rest",
    )

    assert found == {
        ("cost_center", "cc", "attributed"): "7.00",
        ("residual", "cc-rest", "shared"): "-1.00",
        ("residual", "cc-rest", "unlogged_usage"): "2.00",
        ("reconciling", "cc-rest", "tax"): "0.50",
        ("residual", None, "unexplained"): "0.50",
    }
