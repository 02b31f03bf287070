"""Readings of totals that only a record's own cost can tell apart, tested at list price.

A reader says of such records which AI model they are priced as and how far apart the readings are
(`cost_test_sql` of `pipelines.sources.readings`). Each reading is priced; the one whose price is
the record's own cost counts, if it is the only one. A cost at other prices than those of the list
meets none, and proves nothing.
"""

import duckdb

PARTS_PER_COST = 1_000
"""A price is the cost if they differ by less than one in so many."""

_METERS = {
    "input_uncached_tokens": "input_uncached",
    "cache_read_tokens": "cache_read",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "input_audio_tokens": "input_audio",
    "input_image_tokens": "input_image",
    "output_text_tokens": "output",
    "output_reasoning_tokens": "output",
    "output_audio_tokens": "output_audio",
    "output_image_tokens": "output_image",
    "web_search_requests": "web_search",
}
_INPUT = ", ".join(f"coalesce({name}, 0)" for name in [*_METERS][:6])
_QUANTITIES = ", ".join(
    f"{{'meter': '{meter}', 'quantity': coalesce({column}, 0)}}"
    for column, meter in _METERS.items()
)

_DECIDE = f"""
create temp table own_costs as
with readings as (
    select
        staged.rowid as id,
        staged.* replace (
            staged.input_uncached_tokens + input_delta as input_uncached_tokens,
            staged.output_text_tokens + output_delta as output_text_tokens
        ),
        input_delta,
        output_delta,
        lifetime,
        price_names.price_provider,
        price_names.model_id
    from staged
    cross join lateral (
        select unnest(list_distinct([0, coalesce(cost_test.input_delta, 0)])) as input_delta
    )
    cross join lateral (
        select unnest(list_distinct([0, coalesce(cost_test.output_delta, 0)])) as output_delta
    )
    cross join lateral (
        select unnest(if(
            cache_write_tokens > 0, ['cache_write_5m', 'cache_write_1h'], ['cache_write_5m']
        )) as lifetime
    )
    inner join price_names
        on
            cost_test.provider is not distinct from price_names.provider
            and cost_test.model = price_names.model_text
    where staged.rule is null and staged.cost_test is not null
),

meters as (
    select
        id,
        input_delta,
        output_delta,
        lifetime,
        price_provider,
        model_id,
        service_tier,
        started_at,
        logged_cost_usd,
        list_sum([{_INPUT}]) + coalesce(cache_write_tokens, 0) as all_input,
        unnest([
            {_QUANTITIES},
            {{'meter': lifetime, 'quantity': coalesce(cache_write_tokens, 0)}}
        ], recursive := true)
    from readings
),

priced as (
    select
        meters.id,
        meters.input_delta,
        meters.output_delta,
        meters.lifetime,
        any_value(meters.logged_cost_usd) as logged_cost,
        sum(meters.quantity::hugeint * (book.price_per_million * 1000000)::bigint) as picos,
        count(*) = count(book.price_per_million) as is_priced
    from meters
    left join price_list as book
        on
            meters.price_provider = book.provider
            and meters.model_id = book.model_id
            and meters.meter = book.meter
            and coalesce(meters.service_tier, 'standard') = book.service_tier
            and (book.valid_from is null or meters.started_at >= book.valid_from)
            and (book.valid_to is null or meters.started_at < book.valid_to)
            and book.time_from is null
            and (meters.all_input > book.min_input_tokens or book.min_input_tokens = 0)
            and (book.max_input_tokens is null or meters.all_input <= book.max_input_tokens)
    where meters.quantity > 0
    group by all
),

met as (
    select distinct
        id,
        input_delta,
        output_delta
    from priced
    where
        is_priced
        and abs(picos - (logged_cost * 1000000000000)::hugeint) * {PARTS_PER_COST}
        < (logged_cost * 1000000000000)::hugeint
)

select
    id,
    any_value(input_delta) as input_delta,
    any_value(output_delta) as output_delta
from met
group by id
having count(*) = 1
"""  # noqa: S608 - our own constants only

_APPLY = """
update staged set
    input_uncached_tokens = input_uncached_tokens + own_costs.input_delta,
    output_text_tokens = output_text_tokens + own_costs.output_delta,
    token_semantics = case
        when cost_test.is_input_exclusive <> (own_costs.input_delta <> 0) then 'exclusive'
        when cost_test.is_output_exclusive <> (own_costs.output_delta <> 0) then 'mixed'
        else 'inclusive'
    end,
    is_token_conflict = is_token_conflict
    or (own_costs.input_delta <> 0 and cost_test.is_input_ruled)
    or (own_costs.output_delta <> 0 and cost_test.is_output_ruled),
    notes = list_concat(list_filter(notes, lambda n: n <> 'unknown_semantics'), [
        'read_by_own_cost',
        if(
            not is_token_conflict
            and (
                (own_costs.input_delta <> 0 and cost_test.is_input_ruled)
                or (own_costs.output_delta <> 0 and cost_test.is_output_ruled)
            ),
            'token_conflict', null
        )
    ])
from own_costs
where
    staged.rowid = own_costs.id
    and (
        own_costs.input_delta <> 0 or own_costs.output_delta <> 0
        or list_contains(notes, 'unknown_semantics')
    )
"""


def read_by_own_cost(con: duckdb.DuckDBPyConnection) -> None:
    """Give calls in the table `staged` the reading that their own cost proves.

    Nothing happens, and nothing is loaded, where no reader asks for it or no call needs it.
    """
    columns = [row[0] for row in con.execute("describe staged").fetchall()]
    if "cost_test" not in columns:
        return
    names = con.execute(
        "select distinct cost_test.provider, cost_test.model from staged"
        " where rule is null and cost_test is not null"
    ).fetchall()
    if not names:
        return
    from pipelines.prices.listing import list_prices_of
    from pipelines.prices.matching import resolve_models

    resolved = resolve_models(names)
    pairs = zip(*(resolved[c].to_pylist() for c in ("price_provider", "model_id")), strict=True)
    prices = list_prices_of(frozenset((p, m) for p, m in pairs if p and m))
    for name, table in {"price_names": resolved, "price_list": prices}.items():
        con.register(name, table)
    con.execute(_DECIDE)
    con.execute(_APPLY)
    con.execute("drop table own_costs")
    for name in ("price_names", "price_list"):
        con.unregister(name)
