"""Keeps row values out of Dagster's database, which stores the text of every exception."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

_OURS = ("pipelines.", "models.")
_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def without_values() -> Iterator[None]:
    """Let our own errors through, whose texts name ids and rules only; hide every other text.

    An engine's message may quote the row it failed on. What is stored instead is the kind of error
    and the line of our code that met it.

    Raises:
        dagster.Failure: Something other than one of our own errors was raised.
    """
    try:
        yield
    except Exception as error:
        # `from None` also drops the error behind ours, which Dagster would store as well
        if isinstance(error, dg.Failure) or type(error).__module__.startswith(_OURS):
            raise error from None
        raise dg.Failure(_text(error)) from None


def _text(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_ROOT)]
    last = ours[-1] if ours else frames[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return (
        f"{type(error).__name__} at {place}. Its text may quote data and is not stored. "
        "Run the same days with `everycent run` on the worker to see it."
    )
