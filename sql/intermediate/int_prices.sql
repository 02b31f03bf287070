/*
description: The unit price of every meter that calls, charges or usage of a day need. Contract rows win over
  list prices meter by meter. A price is whole pico-units of currency per unit; all rows of one band
  of input tokens have one price_no, one currency, and say contract as soon as one of them is.
grain: one row per price_no and meter
keys: [price_no, meter]
*/

with needed as (
    select distinct
        coalesce(issuer, '') as issuer,
        provider,
        model_id,
        service_tier,
        charge_date
    from int_profiles
    union
    select distinct
        issuer,
        provider,
        model_id,
        coalesce(service_tier, 'standard') as service_tier,
        charge_date
    from stg_usage
    union
    select distinct
        issuer,
        provider,
        model_id,
        coalesce(service_tier, 'standard') as service_tier,
        charge_date
    from int_charges__classified
    where charge_part = 'pooled'
),

all_offers as (
    select
        needed.*,
        price_book.meter,
        price_book.min_input_tokens,
        price_book.price_kind,
        price_book.is_inherited,
        price_book.currency,
        cast(price_book.price_per_million * 1000000 as bigint) as price_picos
    from needed
    inner join price_book
        on
            needed.provider = price_book.provider
            and needed.model_id = price_book.model_id
            and needed.service_tier = price_book.service_tier
            and (price_book.issuer is null or needed.issuer = price_book.issuer)
            and (price_book.valid_from is null or needed.charge_date >= price_book.valid_from)
            and (price_book.valid_to is null or needed.charge_date < price_book.valid_to)
    -- a price for part of the day only is not a price for the pool of that day
    where price_book.time_from is null
),

-- prices of two currencies cannot be added: those of the contract's are the ones that count
currencies as (
    select
        issuer,
        provider,
        model_id,
        service_tier,
        charge_date,
        coalesce(
            min(case when price_kind = 'contract' then currency end), min(currency)
        ) as currency
    from all_offers
    group by issuer, provider, model_id, service_tier, charge_date
),

offers as (
    select all_offers.*
    from all_offers
    inner join currencies
        on
            all_offers.issuer = currencies.issuer
            and all_offers.provider = currencies.provider
            and all_offers.model_id = currencies.model_id
            and all_offers.service_tier = currencies.service_tier
            and all_offers.charge_date = currencies.charge_date
            and all_offers.currency = currencies.currency
),

-- long prompts move all their tokens to another price: each threshold starts a band
bands as (
    select distinct
        issuer,
        provider,
        model_id,
        service_tier,
        charge_date,
        min_input_tokens as input_tokens_from
    from offers
    union
    select distinct
        issuer,
        provider,
        model_id,
        service_tier,
        charge_date,
        0 as input_tokens_from
    from offers
),

closed_bands as (
    select
        bands.*,
        lead(bands.input_tokens_from) over (
            partition by
                bands.issuer, bands.provider, bands.model_id, bands.service_tier, bands.charge_date
            order by bands.input_tokens_from asc
        ) as input_tokens_to
    from bands
),

ranked as (
    select
        closed_bands.*,
        offers.meter,
        offers.currency,
        offers.price_kind,
        offers.price_picos,
        row_number() over (
            partition by
                closed_bands.issuer, closed_bands.provider, closed_bands.model_id,
                closed_bands.service_tier, closed_bands.charge_date,
                closed_bands.input_tokens_from, offers.meter
            order by
                (offers.price_kind = 'contract') desc, offers.min_input_tokens desc,
                offers.is_inherited asc, offers.price_picos asc
        ) as place,
        max(
            case when offers.price_kind = 'list' then offers.min_input_tokens end
        ) over (
            partition by
                closed_bands.issuer, closed_bands.provider, closed_bands.model_id,
                closed_bands.service_tier, closed_bands.charge_date,
                closed_bands.input_tokens_from, offers.meter
        ) as list_band,
        offers.min_input_tokens
    from closed_bands
    inner join offers
        on
            closed_bands.issuer = offers.issuer
            and closed_bands.provider = offers.provider
            and closed_bands.model_id = offers.model_id
            and closed_bands.service_tier = offers.service_tier
            and closed_bands.charge_date = offers.charge_date
            and closed_bands.input_tokens_from >= offers.min_input_tokens
),

chosen as (
    select
        issuer,
        provider,
        model_id,
        service_tier,
        charge_date,
        input_tokens_from,
        input_tokens_to,
        meter,
        max(case when place = 1 then price_picos end) as price_picos,
        max(case when place = 1 then price_kind end) as price_kind,
        max(case when place = 1 then currency end) as currency,
        max(
            case when price_kind = 'list' and min_input_tokens = list_band then price_picos end
        ) as list_price_picos
    from ranked
    group by
        issuer,
        provider,
        model_id,
        service_tier,
        charge_date,
        input_tokens_from,
        input_tokens_to,
        meter
)

select
    dense_rank() over (
        order by
            issuer asc, provider asc, model_id asc, service_tier asc, charge_date asc,
            input_tokens_from asc
    ) as price_no,
    issuer,
    provider,
    model_id,
    service_tier,
    charge_date,
    input_tokens_from,
    input_tokens_to,
    cast(meter as meter) as meter,
    min(currency) over band as currency,
    min(price_kind) over band as price_kind,
    price_picos,
    list_price_picos
from chosen
window band as (
    partition by issuer, provider, model_id, service_tier, charge_date, input_tokens_from
)
