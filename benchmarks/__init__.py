"""What everycent costs in time and memory, as ratios to plain ways of doing the same."""
