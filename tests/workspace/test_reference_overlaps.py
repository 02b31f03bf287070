"""Whether rules can both win, against comparing every rule with every other."""

from datetime import date
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADER = (
    "route_id,rank,source,provider,deployment_id,project_id,valid_from,valid_to,"
    "issuer,billing_account_id"
)
ANY = st.sampled_from(["", "x", "y"])
SOURCE = st.sampled_from(["", "gateway"])
DAY = st.none() | st.integers(1, 5)
ROUTE = st.tuples(st.sampled_from("12"), SOURCE, ANY, ANY, ANY, DAY, DAY).filter(
    lambda route: route[-2] is None or route[-1] is None or route[-2] < route[-1]
)


def _day(day: int | None) -> str:
    return "" if day is None else date(2026, 10, day).isoformat()


def _can_both_match(one: tuple, other: tuple) -> bool:
    *one_keys, one_from, one_to = one
    *other_keys, other_from, other_to = other
    is_same = all(a == b or "" in (a, b) for a, b in zip(one_keys, other_keys, strict=True))
    starts = max(one_from or 0, other_from or 0)
    return is_same and starts < min(one_to or 9, other_to or 9)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(routes=st.lists(ROUTE, max_size=6))
def test_routes_clash_exactly_when_two_of_them_can_match_one_call(bench, routes):
    rows = [
        ",".join([f"r{i}", *keys, _day(start), _day(end), "openai", "org"])
        for i, (*keys, start, end) in enumerate(routes)
    ]
    bench.reference({"routes.csv": "\n".join([HEADER, *rows])})
    found = {line for rule, _, line, _ in bench.found() if rule == "overlap"}
    clashing = [
        (one, other)
        for one, other in combinations(range(len(routes)), 2)
        if _can_both_match(routes[one], routes[other])
    ]

    assert bool(found) == bool(clashing)
    assert found <= {other + 2 for _, other in clashing}
