/*
description: The unit price of every meter that calls, charges or usage of a day need. Contract rows win over
  list prices meter by meter, then rows that name the geography. Where only one that names none is left,
  is_geo_unknown says so, and is_band_unknown where a contract is flat and the list is not. A price is whole
  pico-units of currency per unit, or per call. All rows of one band of input tokens, and of one window of
  the day where prices differ by the hour, have one price_no, one currency, and say contract as soon as one
  of them is.
grain: one row per price_no and meter
keys: [price_no, meter]
*/

with needed as (
    select distinct
        coalesce(issuer, '') as issuer,
        provider,
        model_id,
        service_tier,
        -- global is where nobody asked for a geography
        coalesce(nullif(inference_geo, 'global'), '') as price_geo,
        charge_date
    from int_profiles
    union
    select distinct
        issuer,
        provider,
        model_id,
        coalesce(service_tier, 'standard') as service_tier,
        coalesce(nullif(inference_geo, 'global'), '') as price_geo,
        charge_date
    from stg_usage
    union
    select distinct
        issuer,
        provider,
        model_id,
        coalesce(service_tier, 'standard') as service_tier,
        coalesce(nullif(inference_geo, 'global'), '') as price_geo,
        charge_date
    from int_charges__classified
    where charge_part = 'pooled'
),

all_offers as (
    select
        needed.*,
        price_book.meter,
        price_book.min_input_tokens,
        price_book.time_from,
        price_book.time_to,
        price_book.price_kind,
        price_book.is_inherited,
        price_book.precedence,
        price_book.is_per_call,
        -- 2: the price of that very geography, 1: of any, 0: of none
        case
            when price_book.inference_geo is null then 0
            when price_book.inference_geo = '*' then 1
            else 2
        end as geo_fit,
        price_book.currency,
        cast(price_book.price_per_million * 1000000 as bigint) as price_picos
    from needed
    inner join price_book
        on
            needed.provider = price_book.provider
            and needed.model_id = price_book.model_id
            and needed.service_tier = price_book.service_tier
            and (
                price_book.inference_geo is null
                or needed.price_geo = price_book.inference_geo
                or (needed.price_geo <> '' and price_book.inference_geo = '*')
            )
            and (price_book.issuer is null or needed.issuer = price_book.issuer)
            and (price_book.valid_from is null or needed.charge_date >= price_book.valid_from)
            and (price_book.valid_to is null or needed.charge_date < price_book.valid_to)
),

-- prices of two currencies cannot be added: those of the contract's are the ones that count
currencies as (
    select
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        coalesce(
            min(case when price_kind = 'contract' then currency end), min(currency)
        ) as currency
    from all_offers
    group by issuer, provider, model_id, service_tier, price_geo, charge_date
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
            and all_offers.price_geo = currencies.price_geo
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
        price_geo,
        charge_date,
        min_input_tokens as input_tokens_from
    from offers
    union
    select distinct
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        0 as input_tokens_from
    from offers
),

closed_bands as (
    select
        bands.*,
        lead(bands.input_tokens_from) over (
            partition by
                bands.issuer, bands.provider, bands.model_id, bands.service_tier, bands.price_geo,
                bands.charge_date
            order by bands.input_tokens_from asc
        ) as input_tokens_to
    from bands
),

-- where prices hold for some hours only, the day is cut wherever one begins or ends
cuts as (
    select distinct
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        unnest([0, time_from, time_to]) as minute_from
    from offers
    where time_from is not null
),

hours as (
    select
        cuts.*,
        lead(cuts.minute_from) over (
            partition by
                cuts.issuer, cuts.provider, cuts.model_id, cuts.service_tier, cuts.price_geo,
                cuts.charge_date
            order by cuts.minute_from asc
        ) as minute_to
    from cuts
    where cuts.minute_from < 1440
),

ranked as (
    select
        closed_bands.*,
        hours.minute_from,
        hours.minute_to,
        offers.meter,
        offers.currency,
        offers.price_kind,
        offers.price_picos,
        offers.geo_fit,
        offers.is_per_call,
        offers.min_input_tokens,
        row_number() over (
            meters
            order by
                (offers.price_kind = 'contract') desc, offers.precedence // 2 asc,
                offers.geo_fit desc, offers.min_input_tokens desc, offers.precedence asc,
                offers.is_inherited asc, offers.price_picos asc
        ) as place,
        row_number() over (
            meters
            order by
                (offers.price_kind = 'list') desc, offers.geo_fit desc,
                offers.min_input_tokens desc, offers.price_picos asc
        ) as list_place
    from closed_bands
    left join hours
        on
            closed_bands.issuer = hours.issuer
            and closed_bands.provider = hours.provider
            and closed_bands.model_id = hours.model_id
            and closed_bands.service_tier = hours.service_tier
            and closed_bands.price_geo = hours.price_geo
            and closed_bands.charge_date = hours.charge_date
    inner join offers
        on
            closed_bands.issuer = offers.issuer
            and closed_bands.provider = offers.provider
            and closed_bands.model_id = offers.model_id
            and closed_bands.service_tier = offers.service_tier
            and closed_bands.price_geo = offers.price_geo
            and closed_bands.charge_date = offers.charge_date
            and closed_bands.input_tokens_from >= offers.min_input_tokens
            and (
                offers.time_from is null
                or (hours.minute_from >= offers.time_from and hours.minute_from < offers.time_to)
            )
    window meters as (
        partition by
            closed_bands.issuer, closed_bands.provider, closed_bands.model_id,
            closed_bands.service_tier, closed_bands.price_geo, closed_bands.charge_date,
            closed_bands.input_tokens_from, hours.minute_from, offers.meter
    )
),

chosen as (
    select
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        input_tokens_from,
        input_tokens_to,
        minute_from,
        minute_to,
        meter,
        max(case when place = 1 then price_picos end) as price_picos,
        max(case when place = 1 then price_kind end) as price_kind,
        max(case when place = 1 then currency end) as currency,
        bool_or(place = 1 and is_per_call) as is_per_call,
        bool_or(place = 1 and geo_fit = 0 and price_geo <> '') as is_geo_unknown,
        -- the list asks more of long prompts, and the contract does not say what it asks
        coalesce(
            max(case when place = 1 and price_kind = 'contract' then min_input_tokens end)
            < max(case when price_kind = 'list' then min_input_tokens end),
            false
        ) as is_band_unknown,
        max(case when price_kind = 'list' and list_place = 1 then price_picos end)
            as list_price_picos
    from ranked
    group by
        issuer,
        provider,
        model_id,
        service_tier,
        price_geo,
        charge_date,
        input_tokens_from,
        input_tokens_to,
        minute_from,
        minute_to,
        meter
)

select
    dense_rank() over (
        order by
            issuer asc, provider asc, model_id asc, service_tier asc, price_geo asc,
            charge_date asc, input_tokens_from asc, minute_from asc
    ) as price_no,
    issuer,
    provider,
    model_id,
    service_tier,
    price_geo,
    charge_date,
    input_tokens_from,
    input_tokens_to,
    minute_from,
    minute_to,
    cast(meter as meter) as meter,
    min(currency) over band as currency,
    min(price_kind) over band as price_kind,
    price_picos,
    list_price_picos,
    is_per_call,
    is_geo_unknown,
    is_band_unknown
from chosen
window band as (
    partition by
        issuer, provider, model_id, service_tier, price_geo, charge_date, input_tokens_from,
        minute_from
)
