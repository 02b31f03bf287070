"""The laws of pools over random companies: exact where both sides tell enough, local, conserved."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.properties.pool_companies import (
    AI_MODELS,
    Answer,
    Company,
    Engine,
    Scope,
    companies,
    engine,
    scopes,
    true_picos,
)
from tests.transforms.cases import all_types

_SETTINGS = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    # a company is small enough to read, and shrinking builds it hundreds of times
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def product() -> Iterator[Engine]:
    with engine(all_types()) as made:
        yield made


def tells_enough(scope: Scope) -> bool:
    """Whether bill and log of a scope determine what each of its calls cost."""
    if not scope.is_billed:
        return False
    knows_prices = (
        "tier" not in scope.log_leaves_out or all(use.tier == "standard" for use in scope.uses)
    ) and (
        "lifetime" not in scope.log_leaves_out
        or not any("cache_write_1h" in use.quantities for use in scope.uses)
    )
    if all(use.is_logged for use in scope.uses):
        return knows_prices
    return not scope.bill_leaves_out and not scope.log_leaves_out and scope.bills_quantity


@given(company=companies(), other=scopes("p9"), changed=scopes("p9"), data=st.data())
@_SETTINGS
def test_the_laws_of_pools(
    product: Engine, company: Company, other: Scope, changed: Scope, data: st.DataObject
):
    """One payer has the company four times, each a little different: accounts are scopes too."""
    blind = company.scopes[data.draw(st.integers(0, len(company.scopes) - 1))]
    told = replace(
        blind,
        bill_leaves_out=data.draw(
            st.sampled_from(
                [frozenset(), *(blind.bill_leaves_out - {n} for n in sorted(blind.bill_leaves_out))]
            )
        ),
        log_leaves_out=frozenset(),
    )
    accounts = {
        "plain": company,
        "other": replace(company, scopes=[*company.scopes, other]),
        "changed": replace(company, scopes=[*company.scopes, changed]),
        "told": replace(company, scopes=[told if s is blind else s for s in company.scopes]),
    }
    answers = product.answers(accounts)

    for account, made in accounts.items():
        calls_cost_what_they_cost_where_bill_and_log_tell_enough(made, answers[account])
        lines_add_up_to_pools_and_pools_to_the_bill(made, answers[account])
        money_is_not_both_unlogged_and_estimated_without_a_finding(made, answers[account])
    for account in ("other", "changed"):
        assert _outside(answers["plain"], "p9") == _outside(answers[account], "p9")
    assert _outside(answers["plain"], blind.sub_account) == _outside(
        answers["told"], blind.sub_account
    )
    if blind.is_billed:
        assert len(answers["told"].pools) >= len(answers["plain"].pools)


def calls_cost_what_they_cost_where_bill_and_log_tell_enough(company: Company, answer: Answer):
    for scope in filter(tells_enough, company.scopes):
        truth = {
            f"{scope.sub_account} {number}": true_picos(use, company.prices)
            for number, use in enumerate(scope.uses)
            if use.is_logged
        }
        found = {
            call: picos
            for call, picos in answer.call_picos.items()
            if call.split(" ")[0] == scope.sub_account
        }
        assert found == truth


def lines_add_up_to_pools_and_pools_to_the_bill(company: Company, answer: Answer):
    billed = sum(
        true_picos(use, company.prices)
        for scope in company.scopes
        if scope.is_billed
        for use in scope.uses
    )
    assert sum(pool["billed_cost"] for pool in answer.pools) == Decimal(billed).scaleb(-12)
    for pool in answer.pools:
        lines = [line for line in answer.lines if line["pool_id"] == pool["pool_id"]]
        assert sum(line["billed_cost"] for line in lines) == pool["billed_cost"]
        assert sum(line["effective_cost"] for line in lines) == pool["effective_cost"]


def money_is_not_both_unlogged_and_estimated_without_a_finding(company: Company, answer: Answer):
    for scope in company.scopes:
        for model in AI_MODELS:
            lines = [
                line
                for line in answer.lines
                if (line["sub_account_id"], line["model_id"]) == (scope.sub_account, model)
            ]
            if any(line["estimated_cost"] for line in lines):
                assert all(
                    line["has_finding"]
                    for line in lines
                    if line["cause"] == "unlogged_usage" and line["billed_cost"]
                )


def _outside(answer: Answer, sub_account: str) -> tuple[object, ...]:
    """All that is said of the other scopes, the account's name aside."""
    return (
        {
            call: picos
            for call, picos in answer.call_picos.items()
            if not call.startswith(sub_account)
        },
        _said(pool for pool in answer.pools if pool["sub_account_id"] != sub_account),
        _said(line for line in answer.lines if line["sub_account_id"] != sub_account),
    )


def _said(rows: Iterable[dict[str, object]]) -> list[str]:
    named = {"billing_account_id", "pool_id", "part_id", "group_no"}
    return sorted(
        str([(name, value) for name, value in row.items() if name not in named]) for row in rows
    )
