"""What a record's totals include, by its own numbers first and by its format's rule after: as SQL.

One mechanism for every log. A total of input either includes its details (cache reads and writes)
or they come beside it, and a total of output its reasoning: each way is a *reading*. Readings that
the record itself disproves fall away (more cache than input, more reasoning than output, its own
total). If one is left it counts, against the rule too, and then it says so; else the rule of the
format, its version and its provider decides; without a rule the provider's own API does, unless the
input is so near the cache that it must hold it, and where that changes money the record says that
two readings fit. What a total holds beyond all that is named is counted and goes where it is
billed.
"""

import re

from pipelines.sources.sql_text import chosen

NATIVE_EXCLUSIVE_INPUT = ("anthropic", "aws")
NATIVE_EXCLUSIVE_OUTPUT = ("google", "x-ai")
"""Providers whose own API reports details beside the total: how unknown totals are read."""

HIDES_OUTPUT = ("google", "x-ai")
"""Providers whose own total holds reasoning that a log may not name."""

HIDES_INPUT = ("google",)
"""Providers whose own total holds prompt tokens of tools that no input total holds."""

TAKEN = (
    "input, output",  # totals as reported, 0 where none is
    "cached, written, thought",  # cache reads, cache writes, reasoning; 0 where not told
    "details_in, details_out",  # all that is inside or beside: with media, where they go with it
    "tool_use",  # prompt tokens of tools; 0 where not told
    "is_thought_told",  # whether reasoning is told at all, as 0 too
    "reported_total",
    "has_own_total",  # the total is more than the sum of the two others, so that it is evidence
    "has_sound_total",  # the total at least adds up in some way
    "input_totals, output_totals",  # TokenSemantics by the rule of format, version and provider
    "counted_by",  # the provider
)
"""Columns of the relation that `readings_sql` starts from. All but the total are never null."""

YIELDED = (
    "input_evidence, output_evidence",  # inclusive, exclusive or mixed; null: none
    "is_input_exclusive, is_output_exclusive",
    "beside_input, beside_output",  # how much of the details the totals do not hold
    "hidden_input, hidden_output",  # tokens nobody named that the total proves, beside the totals
    "is_contradicted",  # evidence against the rule
    "is_input_open, is_output_open",  # neither rule nor evidence
    "is_ambiguous",  # so, and it changes what the call costs
    "is_total_wrong",  # no reading explains the total
)
"""Columns that come with it. Uncached input is `input + hidden_input - (details_in - beside_input)`
and output beyond its details is `output - (details_out - beside_output)`."""

CACHEABLE = 1_024
"""Fewer tokens than this are hardly ever cached."""

_VERSION = re.compile(r"(>=|<)([0-9]+(?:\.[0-9]+)*)")


def in_versions(column: str, versions: str) -> str:
    """Whether a version is in a range, as SQL; false for a text that is no version.

    Args:
        column: Text such as `1.14.2`; what follows the numbers is not looked at.
        versions: Bounds such as `>=0.1.60`, or `>=1,<2.5`; empty for any version.
    """
    bounds = [_VERSION.fullmatch(bound.strip()) for bound in versions.split(",") if bound]
    if any(bound is None for bound in bounds):
        raise ValueError(f"versions are `>=` or `<` and numbers, and not {versions!r}")
    numbers = (
        f"list_transform(string_split(regexp_extract({column}, '^v?([0-9]+([.][0-9]+)*)', 1), '.'),"
        " lambda n: try_cast(n as integer))"
    )
    tests = [
        f"{numbers} {bound[1]} [{', '.join(bound[2].split('.'))}]" for bound in bounds if bound
    ]
    if not tests:
        return "true"
    return f"coalesce(regexp_matches({column}, '^v?[0-9]') and {' and '.join(tests)}, false)"


def cost_test_sql(cost: str, model: str) -> str:
    """What landing needs to test readings by the record's own cost, as SQL; null if none is open.

    Args:
        cost: Column of the record's own cost, in dollars.
        model: The AI model that its price list names.

    Returns:
        A struct: `provider` and `model`; `input_delta` and `output_delta`, how many tokens more of
        uncached input and visible output the other reading has, null where there is no other; and
        which reading is taken now, and whether by a rule.
    """
    is_open = {
        side: f"({side}_evidence is null and {details} > 0)"
        for side, details in (("input", "details_in"), ("output", "details_out"))
    }
    deltas = ", ".join(
        f"{side}_delta := if({is_open[side]}, if(is_{side}_exclusive, -{details}, {details}), null)"
        for side, details in (("input", "details_in"), ("output", "details_out"))
    )
    now = ", ".join(
        f"is_{side}_exclusive := is_{side}_exclusive, is_{side}_ruled := not is_{side}_open"
        for side in is_open
    )
    return (
        f"case when {cost} > 0 and status = 'success' and ({' or '.join(is_open.values())})"
        f" then struct_pack(provider := counted_by, model := {model}, {deltas}, {now}) end"
    )


def _native(rule: str, providers: tuple[str, ...]) -> str:
    is_exclusive = f"coalesce({chosen('counted_by', providers)}, false)"
    return f"if({rule} = 'unknown', if({is_exclusive}, 'exclusive', 'inclusive'), {rule})"


_IN_READING = f"""case
            -- uncached input is a number of its own: as large as the cache it is the cache's
            when
                input_totals = 'unknown'
                and cached + written >= {CACHEABLE}
                and 100 * (input - cached - written) between 0 and cached + written
                then 'inclusive'
            else {_native("input_totals", NATIVE_EXCLUSIVE_INPUT)}
        end"""


def readings_sql(relation: str, name: str = "read") -> str:
    """Common table expressions that choose a reading.

    Args:
        relation: What comes before: a relation with the columns of `TAKEN`.
        name: What the last expression is called. It has all columns of the relation and `YIELDED`.
    """
    return f"""
weighed_up as (
    select
        *,
        if(has_sound_total, nullif(reported_total, 0) - input - output, null) as rest,
        cached + written <= input as may_hold_cache,
        thought <= output as may_hold_thought,
        -- a total that the other details explain holds no prompt of tools beside the input
        tool_use > 0 and coalesce(
            rest not in (0, details_in, details_out, details_in + details_out), true
        ) as has_tool_use_beside,
        if(has_own_total, rest - if(has_tool_use_beside, tool_use, 0), null) as told
    from {relation}
),

fitted as (
    select
        *,
        may_hold_cache and may_hold_thought and told = 0 as fits_both_inside,
        may_hold_cache and told = details_out as fits_thought_beside,
        may_hold_thought and told = details_in as fits_cache_beside,
        told = details_in + details_out as fits_both_beside
    from weighed_up
),

proved as (
    select
        *,
        case
            when
                (fits_both_inside or fits_thought_beside)
                and (fits_cache_beside or fits_both_beside) then null
            when fits_both_inside or fits_thought_beside then 'inclusive'
            when fits_cache_beside or fits_both_beside then 'exclusive'
            when
                cached > 0 and 0 < written and written <= input
                and told in (cached, cached + details_out) then 'mixed'
            when not may_hold_cache then 'exclusive'
        end as input_evidence,
        case
            when
                (fits_both_inside or fits_cache_beside)
                and (fits_thought_beside or fits_both_beside) then null
            when fits_both_inside or fits_cache_beside then 'inclusive'
            when fits_thought_beside or fits_both_beside then 'exclusive'
            when not may_hold_thought then 'exclusive'
        end as output_evidence
    from fitted
),

chosen_readings as (
    select
        *,
        coalesce(input_evidence, {_IN_READING}) as in_reading,
        coalesce(output_evidence, {_native("output_totals", NATIVE_EXCLUSIVE_OUTPUT)}) = 'exclusive'
            as is_output_exclusive,
        in_reading <> 'inclusive' as is_input_exclusive,
        case in_reading when 'exclusive' then details_in when 'mixed' then cached else 0 end
            as beside_input,
        if(is_output_exclusive, details_out, 0) as beside_output,
        coalesce(input_evidence <> input_totals and input_totals <> 'unknown', false)
        or coalesce(output_evidence <> output_totals and output_totals <> 'unknown', false)
            as is_contradicted,
        input_totals = 'unknown' and input_evidence is null as is_input_open,
        output_totals = 'unknown' and output_evidence is null as is_output_open,
        (is_input_open and details_in > 0) or (is_output_open and details_out > 0) as is_ambiguous,
        rest - beside_input - beside_output - if(has_tool_use_beside, tool_use, 0) as leftover,
        coalesce(
            leftover > 0
            and if(
                is_thought_told,
                {chosen("counted_by", HIDES_INPUT)},
                {chosen("counted_by", HIDES_OUTPUT)}
            ),
            false
        ) as is_hiding
    from proved
),

{name} as (
    select
        * exclude (
            rest, told, leftover, is_hiding, in_reading, has_tool_use_beside, may_hold_cache,
            may_hold_thought, fits_both_inside, fits_thought_beside, fits_cache_beside,
            fits_both_beside
        ),
        if(has_tool_use_beside, tool_use, 0)
        + if(is_hiding and is_thought_told, leftover, 0) as hidden_input,
        if(is_hiding and not is_thought_told, leftover, 0) as hidden_output,
        coalesce(rest <> 0 and leftover <> 0 and not is_hiding, false) as is_total_wrong
    from chosen_readings
)"""  # noqa: S608 - our own constants only
