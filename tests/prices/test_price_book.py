"""Contract rows beside the list."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from models.columns import arrow_schema
from models.prices import PRICE
from pipelines.prices import list_prices, price_table, resolve_models

CONTRACT = pa.schema(
    [
        ("issuer", pa.string()),
        ("provider", pa.string()),
        ("model_id", pa.string()),
        ("meter", pa.string()),
        ("service_tier", pa.string()),
        ("currency", pa.string()),
        ("price_per_million", pa.decimal128(18, 6)),
        ("valid_from", pa.timestamp("us", tz="UTC")),
        ("valid_to", pa.timestamp("us", tz="UTC")),
        ("min_input_tokens", pa.int32()),
        ("inference_geo", pa.string()),
    ]
)
SIGNED = datetime(2026, 10, 1, tzinfo=UTC)


def contract(**values: object) -> pa.Table:
    row = {
        "issuer": "openai",
        "provider": "openai",
        "model_id": "gpt-4o",
        "meter": "output",
        "service_tier": None,
        "currency": "EUR",
        "price_per_million": Decimal("8.100000"),
        "valid_from": SIGNED,
        "valid_to": None,
        **values,
    }
    return pa.Table.from_pylist([row], schema=CONTRACT)


def own_rows(table: pa.Table) -> list[dict]:
    """Contract rows that hold where nobody names a geography."""
    own = [row for row in table.to_pylist() if row["price_kind"] == "contract"]
    return [row for row in own if row["inference_geo"] is None]


def listed(table: pa.Table) -> set[tuple[object, ...]]:
    """The rows as the list has them."""
    return {tuple(row.values()) for row in table.select(list_prices().schema.names).to_pylist()}


def test_without_a_contract_the_book_is_the_list_for_any_issuer() -> None:
    book = price_table()

    assert book.schema.equals(arrow_schema(PRICE))
    assert listed(list_prices()) <= listed(book)
    assert book["issuer"].null_count == book.num_rows
    assert set(book["price_kind"].to_pylist()) == {"list"}


def test_a_contract_row_holds_for_any_size_at_any_time_of_day_in_its_own_currency() -> None:
    (row,) = own_rows(price_table(contract()))

    assert row == {
        "provider": "openai",
        "model_id": "gpt-4o",
        "meter": "output",
        "service_tier": "standard",
        "valid_from": SIGNED,
        "valid_to": None,
        "time_from": None,
        "time_to": None,
        "min_input_tokens": 0,
        "max_input_tokens": None,
        "price_per_million": Decimal("8.100000"),
        "currency": "EUR",
        "price_key": None,
        "is_inherited": False,
        "is_rounded": False,
        "price_source": "contract",
        "issuer": "openai",
        "price_kind": "contract",
        "inference_geo": None,
        "is_per_call": False,
        "precedence": 0,
    }


@pytest.mark.parametrize(
    ("provider", "text", "expected"),
    [
        ("openai", "gpt-4o-2024-08-06", ("openai", "gpt-4o")),
        ("OpenAI", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("azure", "prod-chat", ("azure", "gpt-4o")),
        ("ollama", "Llama-4", ("ollama", "llama-4")),
        ("openai", None, ("openai", None)),
    ],
)
def test_a_contract_names_its_model_as_people_do(
    provider: str, text: str | None, expected: tuple[str, str | None]
) -> None:
    aliases = pa.table({"provider": ["azure"], "model_text": ["prod-chat"], "model_id": ["gpt-4o"]})
    (row,) = own_rows(price_table(contract(provider=provider, model_id=text), aliases))

    assert (row["provider"], row["model_id"]) == expected


def test_the_book_has_the_same_order_whatever_the_order_of_the_contract() -> None:
    two = pa.concat_tables([contract(), contract(meter="cache_read")])

    assert price_table(two).equals(price_table(two.take([1, 0])))
    assert [row["meter"] for row in own_rows(price_table(two))] == ["cache_read", "output"]


def test_a_contract_tier_is_kept() -> None:
    (row,) = own_rows(price_table(contract(service_tier="batch")))

    assert row["service_tier"] == "batch"


def test_the_book_can_be_limited_to_the_models_in_use() -> None:
    models = resolve_models([("openai", "gpt-4o"), ("azure", "gpt-4o"), (None, None)])
    book = price_table(contract(model_id="gpt-5"), models=models)
    whole = price_table().to_pylist()
    ids = {("openai", "gpt-4o"), ("azure", "gpt-4o")}

    rows = [row for row in book.to_pylist() if row["price_kind"] == "list"]
    assert rows == [row for row in whole if (row["provider"], row["model_id"]) in ids]
    assert len(own_rows(book)) == 1


def test_writes_of_unknown_lifetime_cost_what_the_contract_asks_for_five_minutes() -> None:
    short = contract(meter="cache_write_5m", price_per_million=Decimal("3.750000"))
    own = contract(meter="cache_write", price_per_million=Decimal("4.000000"))
    earlier = contract(meter="cache_write", valid_from=None, price_per_million=Decimal("1.000000"))

    rows = own_rows(price_table(short))
    assert [(r["meter"], r["price_per_million"], r["is_inherited"]) for r in rows] == [
        ("cache_write", Decimal("3.750000"), True),
        ("cache_write_5m", Decimal("3.750000"), False),
    ]
    rows = own_rows(price_table(pa.concat_tables([short, own])))
    assert [(r["meter"], r["price_per_million"], r["is_inherited"]) for r in rows] == [
        ("cache_write", Decimal("4.000000"), False),
        ("cache_write_5m", Decimal("3.750000"), False),
    ]
    assert len(own_rows(price_table(pa.concat_tables([short, earlier])))) == 3
