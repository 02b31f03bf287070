"""The yardstick: the same logs to cost per team and day, as a plain DuckDB script.

Written to be fast, and open about what it leaves out: prices are doubles, nothing is checked, set
aside, deduplicated or tied out to a bill, owners are whatever the gateway says, and no day can be
rebuilt alone.
"""

import gzip
from pathlib import Path

import duckdb

from pipelines.prices import list_prices, resolve_models

_USAGE = "usage_object.prompt_tokens_details.cache_creation_token_details"
_PAYLOAD_PATHS = [
    "$.id",
    "$.startTime",
    "$.custom_llm_provider",
    "$.model",
    "$.metadata.user_api_key_hash",
    "$.metadata.user_api_key_team_id",
    "$.request_tags",
    "$.status",
    "$.prompt_tokens",
    "$.completion_tokens",
    "$.metadata.usage_object.cache_read_input_tokens",
    f"$.metadata.{_USAGE}.ephemeral_5m_input_tokens",
    f"$.metadata.{_USAGE}.ephemeral_1h_input_tokens",
    "$.metadata.usage_object.server_tool_use.web_search_requests",
    "$.response_cost",
]
_METADATA_PATHS = [
    "$.usage_object.cache_read_input_tokens",
    f"$.{_USAGE}.ephemeral_5m_input_tokens",
    f"$.{_USAGE}.ephemeral_1h_input_tokens",
    "$.usage_object.server_tool_use.web_search_requests",
]

_CALLS = """
create table calls (
    call_id varchar, started_at timestamp, provider varchar, model_text varchar, api_key varchar,
    team varchar, tags varchar, status varchar, prompt_tokens bigint, completion_tokens bigint,
    cache_read bigint, cache_write_5m bigint, cache_write_1h bigint, web_search bigint,
    logged_cost double
)
"""

READ_LINES = """
select line
from read_csv(
    $files, columns = {'line': 'VARCHAR'}, delim = chr(1), quote = '', escape = '',
    header = false, auto_detect = false, max_line_size = 16777216
)
"""

_PAYLOADS = f"""
insert into calls
select
    f[1], make_timestamp((f[2]::double * 1000000)::bigint), f[3], f[4], f[5], f[6], f[7], f[8],
    f[9], f[10], f[11], f[12], f[13], f[14], f[15]
from (select json_extract_string(line, $paths) as f from ({READ_LINES}))
"""

_SPEND_LOGS = """
insert into calls
select
    request_id, "startTime", custom_llm_provider, model, api_key, team_id, request_tags, status,
    prompt_tokens, completion_tokens, f[1], f[2], f[3], f[4], spend
from (
    select *, json_extract_string(metadata, $paths) as f
    from read_csv(
        $files, columns = $columns, auto_detect = false, header = true, delim = ',',
        quote = '"', escape = '"', max_line_size = 4194304
    )
)
"""

_PRICES = """
create table prices as
pivot (
    select
        models.provider, models.model_text, list_prices.meter,
        list_prices.price_per_million::double / 1000000 as price
    from list_prices
    join models
        on list_prices.provider = models.price_provider
        and list_prices.model_id = models.model_id
    where list_prices.service_tier = 'standard'
        and list_prices.min_input_tokens = 0
        and list_prices.valid_to is null
)
on meter in (
    'input_uncached', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'web_search'
)
using max(price)
"""

_PRICED = """
create table priced as
select
    calls.*,
    calls.started_at::date as charge_date,
    if(
        calls.status = 'failure',
        0,
        (calls.prompt_tokens - coalesce(calls.cache_read, 0)) * coalesce(prices.input_uncached, 0)
        + coalesce(calls.cache_read * prices.cache_read, 0)
        + coalesce(calls.cache_write_5m * prices.cache_write_5m, 0)
        + coalesce(calls.cache_write_1h * prices.cache_write_1h, 0)
        + coalesce(calls.completion_tokens * prices.output, 0)
        + coalesce(calls.web_search * prices.web_search, 0)
    ) as cost
from calls
left join prices on calls.provider = prices.provider and calls.model_text = prices.model_text
"""

_DAILY = """
select
    charge_date, team, provider, model_text, count(*) as calls, sum(prompt_tokens) as input_tokens,
    sum(completion_tokens) as output_tokens, sum(cost) as cost, quantile_cont(cost, 0.95) as p95
from priced
group by all
order by all
"""


def run(payloads: list[str], spend_logs: list[str], out: Path) -> int:
    """Read, price, aggregate, write.

    Args:
        payloads: LiteLLM payload files, a JSON object per line.
        spend_logs: LiteLLM spend-log dumps, gzipped CSV.
        out: Folder for `calls.parquet` and `daily.parquet`.

    Returns:
        The number of calls.
    """
    out.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"temp_directory": str(out / "spill")})
    con.execute("set TimeZone = 'UTC'")
    con.execute("set preserve_insertion_order = false")
    con.execute(_CALLS)
    if payloads:
        con.execute(_PAYLOADS, {"files": payloads, "paths": _PAYLOAD_PATHS})
    if spend_logs:
        columns = dict.fromkeys(_header(spend_logs[0]), "VARCHAR")
        bound = {"files": spend_logs, "paths": _METADATA_PATHS, "columns": columns}
        con.execute(_SPEND_LOGS, bound)
    pairs = con.execute("select distinct provider, model_text from calls").fetchall()
    con.register("models", resolve_models(pairs))
    con.register("list_prices", list_prices())
    con.execute(_PRICES)
    con.execute(_PRICED)
    for name, query in (
        ("calls", "from priced order by charge_date, team, model_text"),
        ("daily", _DAILY),
    ):
        target = str(out / f"{name}.parquet")
        con.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)")
    (calls,) = con.execute("select count(*) from priced").fetchone() or (0,)
    con.close()
    return int(calls)


def _header(path: str) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return lines.readline().strip().split(",")
