"""The known-truth simulator: a whole company from a seed, and what really happened in it."""

from pipelines.truth.plan import Fault
from pipelines.truth.simulator import SimulationSummary, simulate

__all__ = ["Fault", "SimulationSummary", "simulate"]
