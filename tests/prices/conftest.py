"""Prices calls the way SQL does: by joining rows of quantities with the price book."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from pipelines.duck import connect
from pipelines.prices import list_prices

CALLS = pa.schema(
    [
        ("call", pa.int64()),
        ("provider", pa.string()),
        ("model_id", pa.string()),
        ("service_tier", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("total_input", pa.int64()),
        ("meter", pa.string()),
        ("quantity", pa.int64()),
    ]
)

# Price per million in millionths is pico-dollars per unit: whole numbers all the way.
JOIN = """
select
    calls.call,
    cast(
        sum(
            cast(quantity as hugeint)
            * cast(price_per_million * cast(1000000 as decimal(7, 0)) as bigint)
        ) as decimal(38, 0)
    ) as picos,
    count_if(price_per_million is null) as unpriced,
    count(*) - count(distinct calls.meter) as doubled,
    bool_or(is_rounded) as is_rounded
from calls
left join prices on prices.provider = calls.provider
    and prices.model_id = calls.model_id
    and prices.meter = calls.meter
    and prices.service_tier = calls.service_tier
    and (prices.valid_from is null or prices.valid_from <= calls.at)
    and (prices.valid_to is null or calls.at < prices.valid_to)
    and (
        prices.time_from is null
        or date_part('hour', calls.at) * 60 + date_part('minute', calls.at) >= prices.time_from
        and date_part('hour', calls.at) * 60 + date_part('minute', calls.at) < prices.time_to
    )
    and (prices.min_input_tokens = 0 or calls.total_input > prices.min_input_tokens)
    and (prices.max_input_tokens is null or calls.total_input <= prices.max_input_tokens)
group by calls.call
order by calls.call
"""


@pytest.fixture(scope="session")
def priced() -> Callable[[list[dict]], list[dict]]:
    """Join calls (one row per call and meter) with the list; one row per call comes back."""

    def run(calls: list[dict]) -> list[dict]:
        with connect() as con:
            con.register("calls", pa.Table.from_pylist(calls, schema=CALLS))
            con.register("prices", list_prices())
            return con.sql(JOIN).to_arrow_table().to_pylist()

    return run


@pytest.fixture(scope="session")
def cost(priced: Callable[[list[dict]], list[dict]]) -> Callable[..., Decimal | None]:
    """Dollars of one call, or null if a meter of it has no price."""

    def run(
        provider: str, model_id: str, at: str, tier: str = "standard", **quantities: int
    ) -> Decimal | None:
        total = sum(n for meter, n in quantities.items() if meter.startswith(("input", "cache")))
        calls = [
            {
                "call": 1,
                "provider": provider,
                "model_id": model_id,
                "service_tier": tier,
                "at": datetime.fromisoformat(at),
                "total_input": total,
                "meter": meter,
                "quantity": quantity,
            }
            for meter, quantity in quantities.items()
        ]
        (row,) = priced(calls)
        assert row["doubled"] == 0
        return None if row["unpriced"] else Decimal(row["picos"]).scaleb(-12)

    return run
