"""Contracts: what rows and settings look like. Pure data: no I/O, no SQL engine, no Dagster."""
