"""Pricing as a join: the price book beside the calls of the plain script, in whole pico-dollars."""

import time
from pathlib import Path

import duckdb

from pipelines.prices import list_prices, price_table, resolve_models

_METERS = {
    "input_uncached": "greatest(prompt_tokens - coalesce(cache_read, 0), 0)",
    "cache_read": "coalesce(cache_read, 0)",
    "cache_write_5m": "coalesce(cache_write_5m, 0)",
    "cache_write_1h": "coalesce(cache_write_1h, 0)",
    "output": "completion_tokens",
    "web_search": "coalesce(web_search, 0)",
}

_BANDS = """
create table bands as
with used as (select distinct provider, model_text, charge_date from calls)
select
    used.*,
    min_input_tokens,
    max_input_tokens,
    {prices}
from used
join models using (provider, model_text)
join book
    on book.provider = models.price_provider
    and book.model_id = models.model_id
    and book.service_tier = 'standard'
    and book.time_from is null
    and (book.valid_from is null or book.valid_from <= used.charge_date)
    and (book.valid_to is null or book.valid_to > used.charge_date)
group by all
"""

_PRICED = """
create table costs as
select calls.call_id, {cost} as cost_picos
from calls
left join bands
    on calls.provider = bands.provider
    and calls.model_text = bands.model_text
    and calls.charge_date = bands.charge_date
    and (bands.min_input_tokens = 0 or calls.prompt_tokens > bands.min_input_tokens)
    and (bands.max_input_tokens is null or calls.prompt_tokens <= bands.max_input_tokens)
"""


def run(calls: Path) -> tuple[int, float]:
    """Price every call of a Parquet file of the plain script.

    Returns:
        The number of calls, and the seconds from resolving their models to the cost of each.
    """
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    con.read_parquet(str(calls)).create_view("calls")
    list_prices()  # the loop has its list loaded as well when its clock starts
    started = time.perf_counter()
    pairs = con.execute("select distinct provider, model_text from calls").fetchall()
    models = resolve_models(pairs)
    con.register("models", models)
    con.register("book", price_table(models=models))
    picos = "cast(price_per_million * 1000000 as bigint)"
    prices = ", ".join(f"max(if(meter = '{m}', {picos}, null)) as {m}_price" for m in _METERS)
    cost = " + ".join(
        f"cast({quantity} as hugeint) * if({quantity} = 0, 0, {meter}_price)"
        for meter, quantity in _METERS.items()
    )
    con.execute(_BANDS.format(prices=prices))
    con.execute(_PRICED.format(cost=cost))
    seconds = time.perf_counter() - started
    (rows,) = con.execute("select count(*) from costs").fetchone() or (0,)
    con.close()
    return rows, seconds
