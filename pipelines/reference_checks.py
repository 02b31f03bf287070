"""What must hold between the rows of the reference tables.

Two rules that could both win, a share that is lost, an id that leads nowhere: each would move money
without a trace, so none of them gets past here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise
from typing import Any

from models.price_modifiers import PriceAttribute
from models.reference import Key
from models.vocabulary import MatchOn, ServiceTier, SharedMethod
from pipelines.prices import is_known, resolve_models, with_nearest
from pipelines.problems import SHOWN_PER_KIND, Problem, did_you_mean, shown
from pipelines.reference_files import Rows

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_OPEN = datetime.max.replace(tzinfo=UTC)
_TAGS = (MatchOn.CALL_TAG, MatchOn.RESOURCE_TAG)
_WITHOUT_KEY = (MatchOn.GATEWAY_TEAM, MatchOn.USER)
_OVER_ALL = (SharedMethod.EVEN, SharedMethod.PROPORTIONAL, SharedMethod.USAGE)
_SHOWN_IN_CYCLE = 10
_VALUES = {
    PriceAttribute.SERVICE_TIER: f"Use one of: {', '.join(ServiceTier)}.",
    PriceAttribute.INPUT_TOKENS: "Write the number of input tokens above which it holds.",
    PriceAttribute.INFERENCE_GEO: "Write the geography as calls name it: us, eu; * is any.",
}


def check_tables(tables: Mapping[str, Rows]) -> Iterator[Problem]:
    """Everything that is wrong between rows, of one table and of several."""
    for rows in tables.values():
        yield from _backward_ranges(rows)
        for key in rows.table.keys:
            yield from _clashes(rows, key)
        for column, target in rows.table.references.items():
            yield from _dangling(rows, column, tables[target])
            if target == rows.table.name:
                yield from _cycles(rows, column)
        if rows.table.parts:
            yield from _uneven_rules(rows)
    yield from _match_keys(tables["ref_ownership_rules"])
    yield from _methods(tables["ref_shared_cost_rules"])
    yield from _modifiers(tables["ref_price_modifiers"])
    yield from _tag_values(tables["ref_routes"])


def warn_tables(tables: Mapping[str, Rows], tag_keys: Iterable[str]) -> Iterator[Problem]:
    """What is allowed and yet surprises: money that will have no owner."""
    rules = tables["ref_ownership_rules"]
    if not rules.lines:
        said = "There are no ownership rules: all cost will be unallocated."
        yield Problem(rules.file, None, None, "no_rules", said, "Add a rule per application.")
    yield from _gaps(tables["ref_applications"])
    yield from _unkept_tags(rules, frozenset(tag_keys))
    yield from _unknown_models(tables["ref_contract_prices"])
    yield from _unknown_models(tables["ref_model_aliases"])


def _good(rows: Rows) -> list[int]:
    return [row for row in range(len(rows.lines)) if row not in rows.bad]


def _range(rows: Rows, row: int) -> tuple[datetime, datetime]:
    """The half-open time in which a row holds; all time for a table without dates."""
    if not rows.table.is_dated:
        return _ALWAYS, _OPEN
    return rows.values["valid_from"][row] or _ALWAYS, rows.values["valid_to"][row] or _OPEN


def _backward_ranges(rows: Rows) -> Iterator[Problem]:
    for row in _good(rows):
        start, end = _range(rows, row)
        if end <= start:
            said = "The row ends before it begins, or when it begins."
            fix = "valid_to is the first moment at which it no longer holds."
            yield rows.problem(row, "valid_to", "empty_range", said, fix)


def _clashes(rows: Rows, key: Key) -> Iterator[Problem]:
    """Rows that say the same, or could match the same, at one moment."""
    if key.blank_is_any:
        pairs = _wildcard_clashes(rows, key, _one_per_rule(rows))
    else:
        pairs = (
            pair
            for group in _grouped(rows, key.columns, _good(rows)).values()
            if len(group) > 1
            for pair in _overlaps(rows, group)
        )
    for pair in pairs:
        first, second = sorted(pair, key=lambda row: rows.lines[row])
        yield _clash(rows, key, first, second)


def _clash(rows: Rows, key: Key, first: int, second: int) -> Problem:
    line = rows.lines[first]
    if key.blank_is_any:
        name = rows.table.columns[0].name
        ids = [shown(rows.values[name][row]) for row in (first, second)]
        said = f"{ids[1]} and {ids[0]} on line {line} have equal rank and can match the same."
        fix = "Give the one that should win a lower rank, or end one before the other begins."
        return rows.problem(second, "rank", "overlap", said, fix)
    columns = ", ".join(key.columns)
    column = key.columns[0]
    if rows.table.is_dated:
        said = f"The row overlaps in time with line {line}, for the same {columns}."
        fix = "Set valid_to of the earlier row to valid_from of the later one."
        return rows.problem(second, column, "overlap", said, fix)
    said = f"Line {line} has the same {columns}."
    return rows.problem(second, column, "duplicate", said, "Keep one of them.")


def _one_per_rule(rows: Rows) -> list[int]:
    """Good rows; of a rule that is written in several rows only the first."""
    if not rows.table.parts:
        return _good(rows)
    return list({rows.values["rule_id"][row]: row for row in reversed(_good(rows))}.values())


def _grouped(
    rows: Rows, columns: Sequence[str], members: Iterable[int]
) -> dict[tuple[Any, ...], list[int]]:
    values = [rows.values[column] for column in columns]
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in members:
        groups[tuple(column[row] for column in values)].append(row)
    return groups


def _wildcard_clashes(rows: Rows, key: Key, members: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs that some call could match both of, without comparing every row with every other.

    Rows that leave the same columns blank form a shape. Between two shapes only the columns
    filled in both can tell rows apart, so grouping by those finds all candidates.
    """
    shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in members:
        filled = tuple(c for c in key.columns if rows.values[c][row] is not None)
        shapes[filled].append(row)
    for one, other in combinations_with_replacement(sorted(shapes), 2):
        common = [column for column in one if column in other]
        others = _grouped(rows, common, shapes[other])
        for values, group in _grouped(rows, common, shapes[one]).items():
            if one == other:
                yield from _overlaps(rows, group) if len(group) > 1 else ()
            elif values in others:
                yield from _overlaps_across(rows, group, others[values])


def _overlaps(rows: Rows, group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs that hold at the same time; at least one if there are any."""
    latest: tuple[datetime, int] | None = None
    for row in _by_time(rows, group):
        start, end = _range(rows, row)
        if latest and start < latest[0]:
            yield latest[1], row
        if latest is None or end > latest[0]:
            latest = end, row


def _overlaps_across(
    rows: Rows, group: Iterable[int], others: Iterable[int]
) -> Iterator[tuple[int, int]]:
    """Pairs of one row of each group that hold at the same time; at least one if there are any."""
    side_of = {**dict.fromkeys(group, 0), **dict.fromkeys(others, 1)}
    latest: list[tuple[datetime, int] | None] = [None, None]
    for row in _by_time(rows, side_of):
        start, end = _range(rows, row)
        side = side_of[row]
        facing, mine = latest[1 - side], latest[side]
        if facing and start < facing[0]:
            yield facing[1], row
        if mine is None or end > mine[0]:
            latest[side] = end, row


def _by_time(rows: Rows, group: Iterable[int]) -> list[int]:
    return sorted(group, key=lambda row: (_range(rows, row), row))


def _dangling(rows: Rows, column: str, target: Rows) -> Iterator[Problem]:
    if not target.is_whole:
        return
    known = set(target.values[target.table.columns[0].name])
    told = 0
    for row, value in enumerate(rows.values[column]):
        if value is None or value in known:
            continue
        fix = did_you_mean(value, known) if told < SHOWN_PER_KIND else ""
        told += 1
        said = f"{shown(value)} is not in {target.file}."
        yield rows.problem(row, column, "dangling", said, fix or "Add it there, or correct it.")


def _cycles(rows: Rows, column: str) -> Iterator[Problem]:
    """Things that are, over any number of steps, their own parent."""
    ids = rows.values[rows.table.columns[0].name]
    parent = dict(zip(ids, rows.values[column], strict=True))
    row_of = {name: row for row, name in enumerate(ids)}
    done: set[Any] = {None}
    for start in ids:
        path: dict[Any, None] = {}
        name = start
        while name not in done and name not in path and name in parent:
            path[name] = None
            name = parent[name]
        if name in path:
            steps = list(path)
            cycle = [*steps[steps.index(name) :], name]
            said = f"It is its own parent: {_arrows(cycle)}."
            fix = "Leave the parent of the top one blank."
            yield rows.problem(row_of[name], column, "cycle", said, fix)
        done.update(path)


def _arrows(cycle: Sequence[str]) -> str:
    names = [shown(name) for name in cycle]
    if len(names) > _SHOWN_IN_CYCLE:
        names = [*names[: _SHOWN_IN_CYCLE - 1], "...", names[-1]]
    return " -> ".join(names)


def _uneven_rules(rows: Rows) -> Iterator[Problem]:
    """Rules of several rows whose rows differ, or whose shares do not add up to 1."""
    same = [c.name for c in rows.table.columns if c.name not in (*rows.table.parts, "rule_id")]
    bad_rules = {rows.values["rule_id"][row] for row in rows.bad}
    for (rule_id,), members in _grouped(rows, ["rule_id"], _good(rows)).items():
        if rule_id in bad_rules:
            continue
        first = members[0]
        for row in members[1:]:
            differing = [c for c in same if rows.values[c][row] != rows.values[c][first]]
            if differing:
                said = f"The row differs from line {rows.lines[first]} of the same rule."
                fix = "Use the same value, or another rule_id."
                yield rows.problem(row, differing[0], "rule_differs", said, fix)
        shares = [rows.values["share"][row] for row in members]
        total = sum((Fraction(share) for share in shares if share is not None), Fraction(0))
        if any(share is not None for share in shares) and total != 1:
            lines = ", ".join(str(rows.lines[row]) for row in members[:_SHOWN_IN_CYCLE])
            said = (
                f"The shares of {shown(rule_id)} (line {lines}) add up to {_plain(total)}, not 1."
            )
            fix = "Correct them: the last share is 1 minus the others, and a third is written 1/3."
            yield rows.problem(first, "share", "shares", said, fix)


def _plain(number: Fraction) -> str:
    """A decimal where it is one, else the fraction."""
    digits = Decimal(number.numerator).scaleb(12)
    whole = digits // number.denominator
    is_decimal = whole * number.denominator == digits
    return f"{whole.scaleb(-12).normalize():f}" if is_decimal else str(number)


def _match_keys(rows: Rows) -> Iterator[Problem]:
    """A rule on a tag needs the tag's key; a rule on a gateway team or a person has none."""
    for row in _good(rows):
        match_on, key = rows.values["match_on"][row], rows.values["match_key"][row]
        if match_on in _TAGS and key is None:
            said = "A rule on a tag does not say which."
            yield rows.problem(row, "match_key", "tag_key", said, "Write the tag's key.")
        if key is not None and match_on in _WITHOUT_KEY:
            said = "The key has no meaning for this match_on, and would be ignored."
            fix = "Leave it blank; use match_source to narrow the rule."
            yield rows.problem(row, "match_key", "unused", said, fix)


def _methods(rows: Rows) -> Iterator[Problem]:
    """Each method of sharing needs its own columns, and ignores no other."""
    for (rule_id,), members in _grouped(rows, ["rule_id"], _good(rows)).items():
        method = rows.values["method"][members[0]]
        is_single = method in (SharedMethod.DIRECT, SharedMethod.CENTRAL)
        if is_single and len(members) > 1:
            said = f"{shown(rule_id)} has several rows, and {method} takes one."
            yield rows.problem(members[1], "cost_center_id", "method", said, "Keep one row.")
        for row in members:
            yield from _method_cells(rows, row, method, is_alone=len(members) == 1)


def _modifiers(rows: Rows) -> Iterator[Problem]:
    """A modifier of an attribute names a value of it, and no other does."""
    for row in _good(rows):
        attribute, value = rows.values["attribute"][row], rows.values["value"][row]
        fix = _VALUES.get(attribute, "Leave it blank, or name the attribute.")
        is_right = {
            None: value is None,
            PriceAttribute.SERVICE_TIER: value in tuple(ServiceTier),
            PriceAttribute.INPUT_TOKENS: bool(value and re.fullmatch("[1-9][0-9]{0,8}", value)),
        }.get(attribute, value is not None)
        if not is_right:
            said = "The value does not fit the attribute."
            yield rows.problem(row, "value", "modifier_value", said, fix)


def _tag_values(rows: Rows) -> Iterator[Problem]:
    """A value of a tag needs the tag's key."""
    for row in _good(rows):
        if rows.values["tag_value"][row] is not None and rows.values["tag_key"][row] is None:
            said = "A route on a tag does not say which."
            yield rows.problem(row, "tag_key", "tag_key", said, "Write the tag's key.")


def _method_cells(rows: Rows, row: int, method: str, *, is_alone: bool) -> Iterator[Problem]:
    may_be_all = is_alone and method in _OVER_ALL
    needs = {
        "cost_center_id": None if may_be_all else True,
        "share": method == SharedMethod.FIXED,
        "driver": method == SharedMethod.USAGE,
    }
    for column, is_needed in needs.items():
        is_filled = rows.values[column][row] is not None
        if is_needed and not is_filled:
            said = f"{method} needs a value here."
            yield rows.problem(row, column, "method", said, "Fill it in.")
        if is_needed is False and is_filled:
            said = f"{method} ignores this value."
            yield rows.problem(row, column, "method", said, "Leave it blank, or change the method.")


def _gaps(rows: Rows) -> Iterator[Problem]:
    for group in _grouped(rows, ["application_id"], _good(rows)).values():
        for before, after in pairwise(_by_time(rows, group)):
            if _range(rows, before)[1] < _range(rows, after)[0]:
                said = (
                    f"The application is not registered between line {rows.lines[before]} and this."
                )
                fix = "Its cost in that time will be unallocated; close the gap if that is wrong."
                yield rows.problem(after, "valid_from", "gap", said, fix)


def _unkept_tags(rows: Rows, tag_keys: frozenset[str]) -> Iterator[Problem]:
    for row in _good(rows):
        key = rows.values["match_key"][row]
        if rows.values["match_on"][row] in _TAGS and key is not None and key not in tag_keys:
            said = "No source keeps this tag, so the rule can never match."
            fix = did_you_mean(key, tag_keys) or "Add it to tag_keys of the source that has it."
            yield rows.problem(row, "match_key", "tag_not_kept", said, fix)


def _unknown_models(rows: Rows) -> Iterator[Problem]:
    """AI models that the price list does not know and that look like one which it knows."""
    columns = [rows.values[name] for name in ("provider", "model_id")]
    pairs = set(zip(*columns, strict=True))
    found = {
        (name["provider"], name["model_text"]): name
        for name in with_nearest(resolve_models(pairs), is_met_known=False).to_pylist()
    }
    for row in _good(rows):
        name = found[columns[0][row], columns[1][row]]
        if name["nearest"] is not None:
            column = "model_id" if is_known(name["price_provider"]) else "provider"
            said = f"The price list has no {shown(rows.values[column][row])}."
            fix = f"Did you mean {shown(name['nearest'])}? Else leave it: it stands for itself."
            yield rows.problem(row, column, "unknown_name", said, fix)
