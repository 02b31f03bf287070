"""OpenCost and Kubecost: what the allocation API answers, for GPUs of one's own.

One entry per window and name. Its total already holds its adjustments; here they are a line of
their own, and both together are the total. Capacity that nobody used is a line too: without
`__idle__` the cost of a GPU is understated.

Export:
    1. Each day, call `/allocation` (OpenCost) or `/model/allocation` (Kubecost) for whole UTC days,
       in steps of a day or finer, with one aggregation such as the namespace and with idle cost
       included; save the answer unchanged.
    2. Put each answer into `location` under a name of its own, such as `2026-10-05.json`: the one
       whose name sorts last replaces the windows it has, by cluster.
    3. Always fetch with the same step and aggregation.

Settings:
    - source: gpu_cluster
      kind: opencost_allocation
      location: inbox/opencost
      issuer: opencost
      billing_account_id: cluster-one   # else the cluster's name
      billing_currency: USD             # the file names no currency
      tag_keys: [team, app]             # labels to keep

Reads:
    `name`, `window`, `totalCost`, the costs and adjustments of its parts, `gpuHours`; of
    `properties` the `cluster`, the `namespace`, and the `labels` in `tag_keys`.

Never read:
    Annotations, pods, containers, provider ids, and any other member.

Traps:
    - Rates are estimates unless a cloud bill is integrated, and then the same nodes are on the
      cloud bill too: read one of the two.
    - `__idle__` becomes an `idle` residual; `__unallocated__` and `__unmounted__` are ordinary
      lines.
    - Entries without GPUs are `Compute`, which no call causes.
"""

from decimal import Decimal, localcontext
from functools import partial

from models.facts import Fact
from models.money import MONEY_CONTEXT
from models.vocabulary import Delivery
from pipelines.sources.base import (
    FoundFile,
    Source,
    SourceError,
)
from pipelines.sources.bill_lines import BillLine, LineBill, Made, instant, read_lines
from pipelines.sources.bill_rows import tags_json
from pipelines.sources.cells import RowError, Values, binary_money, currency, quantity, text
from pipelines.sources.pages import Span, parse_json, span_in_one_day, text_content
from pipelines.sources.record_files import Records
from pipelines.sources.reports import FactRow

_IDLE = "__idle__"
_ADJUSTMENTS = (
    "cpuCostAdjustment",
    "gpuCostAdjustment",
    "ramCostAdjustment",
    "networkCostAdjustment",
    "loadBalancerCostAdjustment",
    "pvCostAdjustment",
)
_COSTS = (
    "cpuCost",
    "gpuCost",
    "ramCost",
    "networkCost",
    "loadBalancerCost",
    "pvCost",
    "sharedCost",
    "externalCost",
)


def _records(found: FoundFile) -> Records:
    """Every entry of every window, in the file's order."""
    top = parse_json(found, text_content(found))
    windows = top.get("data") if isinstance(top, dict) and top.get("code") == 200 else None
    if not isinstance(windows, list) or not all(isinstance(w, dict) for w in windows):
        raise SourceError(
            f"{found.name}: no allocation, or one that failed (`code` is not 200). "
            "Save the API's answer unchanged."
        )
    entries = (entry for window in windows for entry in window.values())
    return [e if isinstance(e, dict) else RowError("report_kind") for e in entries]


def _read_line(line: BillLine) -> Made:
    values = line.values
    window, properties = _inside(values, "window"), _inside(values, "properties")
    span = _span(window)
    name = text(values, "name")
    if name is None:
        raise RowError("text_form", "name")
    total = line.money("totalCost")
    adjusted = _sum(values, _ADJUSTMENTS)
    with localcontext(MONEY_CONTEXT):
        line.counters["totals_that_differ_from_their_parts"] += abs(
            _sum(values, _COSTS) + adjusted - total
        ) > Decimal("0.01")
        before = total - adjusted
    cluster = text(properties, "cluster")
    common = _common(line, properties, name, cluster)
    charges: list[FactRow] = [{**common, **_gpu_hours(values), "billed_cost": before}]
    if adjusted:
        charges.append({**common, "billed_cost": adjusted, "charge_class": "Correction"})
    return Made(
        span=span,
        scope=f"allocation:{cluster or ''}:{span[0]:%Y-%m-%dT%H:%M}",
        key=(cluster, name, span[1].isoformat()),
        is_identity=True,
        charges=charges,
    )


def _common(line: BillLine, properties: Values, name: str, cluster: str | None) -> FactRow:
    values = line.values
    is_idle = name.rpartition("/")[2] == _IDLE
    line.counters["idle_rows"] += is_idle
    has_gpu = bool(quantity(values, "gpuHours")) or bool(_sum(values, ("gpuCost",)))
    labels = properties.get("labels")
    told = labels if isinstance(labels, dict) else {}
    tags = {key: text(told, key) for key in line.settings.tag_keys}
    return {
        "billing_account_id": line.settings.billing_account_id or cluster,
        "billing_currency": currency({}, "currency", line.settings.billing_currency),
        "sub_account_id": text(properties, "namespace"),
        "resource_id": name,
        "charge_description": name,
        "sku_meter": "idle" if is_idle else "allocation",
        "service_category": "AI and Machine Learning" if has_gpu else "Compute",
        "commitment_discount_id": f"cluster {cluster or ''}".strip() if is_idle else None,
        "commitment_discount_status": "Unused" if is_idle else None,
        "tags": tags_json(tags),
    }


def _gpu_hours(values: Values) -> FactRow:
    hours = quantity(values, "gpuHours")
    return {"consumed_quantity": hours, "consumed_unit": "GPU-Hours"} if hours else {}


def _span(window: Values) -> Span:
    return span_in_one_day(instant(window, "start"), instant(window, "end"))


def _inside(values: Values, column: str) -> Values:
    value = values.get(column) or {}
    if not isinstance(value, dict):
        raise RowError("report_kind", column)
    return value


def _sum(values: Values, columns: tuple[str, ...]) -> Decimal:
    told = (name for name in columns if values.get(name) is not None)
    with localcontext(MONEY_CONTEXT):
        return sum((binary_money(values, name)[0] for name in told), Decimal(0))


_BILL = LineBill(
    issuer="opencost",
    facts=(Fact.CHARGES,),
    constants={"service_name": "Kubernetes allocation", "provider": "opencost"},
    records=_records,
    read_line=_read_line,
)


SOURCE = Source(
    name="opencost_allocation",
    summary="OpenCost or Kubecost allocation of own clusters (JSON)",
    facts=_BILL.facts,
    delivery=Delivery.SNAPSHOT,
    money_unit="billing currency",
    token_rules=(),
    proof="constructed files",
    suffixes=(".json",),
    read=partial(read_lines, bill=_BILL),
)
