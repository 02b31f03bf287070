"""Globex: a second made-up company, for the feeds that acme does not have.

Google and Azure bill it, a collector writes OpenTelemetry traces of its calls, and one team sends
its part of them to Langfuse as well. Hundreds of calls, no faults: `company` is who it is, `calls`
draws what happened, `bills` and `feeds` tell it as providers and tracers would, `reference` writes
what people know. One Google project has no log, so that a residual shows.
"""

from pipelines.truth.globex.simulator import simulate_globex

__all__ = ["simulate_globex"]
