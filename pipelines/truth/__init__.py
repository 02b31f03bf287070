"""The known-truth simulator: a whole company from a seed, and what really happened in it.

`simulate` writes a workspace (`everycent.yaml`, `reference/`, `inbox/`) as acme's people, providers
and gateways would, and beside it, in `truth/`, what no pipeline may look at before it is done:

- `truth.parquet`: one row per attempt a provider billed, with its exact cost per meter, its owner
  and the `call_id` the log's reader gives it (null where no log can be read). `owner_shares` says
  who owns it: `application_id` and `cost_center_id` are null where two applications share, or
  nobody owns it.
- `owned_daily.parquet`: the same money by day, application and cost centre that pays, shares split
  exactly. Where `is_logged` is false the owner is the provider-side truth: bypass traffic is owned
  by the rule of its project or profile; calls whose log was lost keep their true owner here, which
  no pipeline can know.
- `billed.parquet`: every charge as it must come out of the bills, `cost` at scale 18.
- `outcomes.parquet`: every business outcome after all revisions.
- `faults.json`, `summary.json`: what was planted, with its worth; counts, bills and invoices.

How it goes, one day at a time: `traffic` draws attempts, `labels` says what each tells about
itself, `ledger` prices and owns them, `gateways` and `outcomes` write the files of the day. At the
end `billing` turns the same attempts into bills and invoices, `reference` writes what people know,
and `faults` damages files. `catalogue`, `company` and `register` are the made-up company; nothing
there is random.

`globex` is a second, much smaller company for the feeds that acme does not have: Google and Azure
bills, OpenTelemetry traces and a Langfuse export (`simulate_globex`).

All amounts are whole pico-dollars until they are written, so `billed` equals the sum of `truth` to
the last digit. Where calls and bypass share a pool, bypass is a large part of it: never so little
that it could be metering noise.
"""

from pipelines.truth.globex import simulate_globex
from pipelines.truth.plan import Fault
from pipelines.truth.simulator import SimulationSummary, simulate

__all__ = ["Fault", "SimulationSummary", "simulate", "simulate_globex"]
