"""What a line of a CUR is, and what it costs: categories, net or unblended, amortised.

One rule for the money of a bill: the net column where its discounts are in columns, else the
unblended column over all lines. Never both, never mixed inside one bill.
"""

import polars as pl

from models.vocabulary import ChargeCategory
from pipelines.sources.bill_rows import MONEY

LINE_TYPE = pl.col("line_item_line_item_type")

MONEY_COLUMNS = (
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "pricing_public_on_demand_cost",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "reservation_effective_cost",
    "reservation_net_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_net_unused_recurring_fee",
)

# In FOCUS terms: a discount line is a credit, a refund (and a type nobody knows) an adjustment.
# A negation takes back what a savings plan covers: same category, so that the usage nets to zero.
CATEGORIES = {
    "Usage": ChargeCategory.USAGE,
    "DiscountedUsage": ChargeCategory.USAGE,
    "SavingsPlanCoveredUsage": ChargeCategory.USAGE,
    "SavingsPlanNegation": ChargeCategory.USAGE,
    "SavingsPlanRecurringFee": ChargeCategory.PURCHASE,
    "SavingsPlanUpfrontFee": ChargeCategory.PURCHASE,
    "RIFee": ChargeCategory.PURCHASE,
    "Fee": ChargeCategory.PURCHASE,
    "Tax": ChargeCategory.TAX,
    "Credit": ChargeCategory.CREDIT,
    "Refund": ChargeCategory.ADJUSTMENT,
    "EdpDiscount": ChargeCategory.CREDIT,
    "PrivateRateDiscount": ChargeCategory.CREDIT,
    "BundledDiscount": ChargeCategory.CREDIT,
    "RiVolumeDiscount": ChargeCategory.CREDIT,
    "SppDiscount": ChargeCategory.CREDIT,
    "Discount": ChargeCategory.CREDIT,
}
FREQUENCIES = {
    "Usage": "Usage-Based",
    "DiscountedUsage": "Usage-Based",
    "SavingsPlanCoveredUsage": "Usage-Based",
    "SavingsPlanNegation": "Usage-Based",
    "SavingsPlanRecurringFee": "Recurring",
    "RIFee": "Recurring",
    "SavingsPlanUpfrontFee": "One-Time",
    "Fee": "One-Time",
}
MEASURED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
COVERED = ("DiscountedUsage", "SavingsPlanCoveredUsage")

_BILL = ("bill_payer_account_id", "period_at")


def _has_discount_lines() -> pl.Expr:
    return LINE_TYPE.str.ends_with("Discount").any().over(_BILL)


def is_net() -> pl.Expr:
    """Whether the discounts of a bill are in columns, so that the net column is the money.

    With discount *lines* the unblended column already adds up to the invoice: taking the net column
    too would subtract every discount twice.
    """
    has_net = pl.col("line_item_net_unblended_cost_amount").is_not_null().any().over(_BILL)
    return has_net & ~_has_discount_lines()


def billed_cost() -> pl.Expr:
    """What the invoice asks for; needs the column `is_net`."""
    return pl.when("is_net").then(_net_or_gross()).otherwise("line_item_unblended_cost_amount")


def _net_or_gross() -> pl.Expr:
    return pl.coalesce("line_item_net_unblended_cost_amount", "line_item_unblended_cost_amount")


def has_disagreeing_totals() -> pl.Expr:
    """Whether a bill with discount lines has another total in its net column: then one is wrong."""
    net, gross = _net_or_gross(), pl.col("line_item_unblended_cost_amount")
    return _has_discount_lines() & (net.sum().over(_BILL) != gross.sum().over(_BILL))


def effective_cost() -> pl.Expr:
    """AWS's amortised cost: covered usage at its commitment's price, fees at what stayed unused.

    Needs the columns `is_net` and `billed`. Null where the columns of a covered line are missing,
    and for the unused part of a plan under net cost, which AWS does not tell.
    """
    zero = pl.lit("0").cast(MONEY)
    net_unused_plan = (
        pl.when("is_net")
        .then(None)
        .otherwise(
            pl.col("savings_plan_total_commitment_to_date_amount")
            - pl.col("savings_plan_used_commitment_amount")
        )
    )
    covers_reservation = (LINE_TYPE == "Fee") & pl.col("reservation_reservation_arn").is_not_null()
    return (
        pl.when(LINE_TYPE == "SavingsPlanCoveredUsage")
        .then(_net("savings_plan_{}savings_plan_effective_cost"))
        .when(LINE_TYPE == "DiscountedUsage")
        .then(_net("reservation_{}effective_cost"))
        .when(LINE_TYPE == "SavingsPlanRecurringFee")
        .then(net_unused_plan)
        .when(LINE_TYPE == "RIFee")
        .then(
            _net("reservation_{}unused_amortized_upfront_fee_for_billing_period")
            + _net("reservation_{}unused_recurring_fee")
        )
        .when(
            LINE_TYPE.is_in(("SavingsPlanNegation", "SavingsPlanUpfrontFee")) | covers_reservation
        )
        .then(zero)
        .otherwise("billed")
    )


def _net(pattern: str) -> pl.Expr:
    """The net or the gross column of an amortised figure, in the sense of the billed cost."""
    net, gross = (pl.col(f"{pattern.format(word)}_amount") for word in ("net_", ""))
    return pl.when("is_net").then(net).otherwise(gross)
