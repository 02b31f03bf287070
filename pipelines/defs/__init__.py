"""The only place that imports Dagster: a thin coat around plain functions."""
