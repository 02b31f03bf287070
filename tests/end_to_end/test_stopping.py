"""A run that is stopped while it lands: what has landed counts, and the rest lands next time."""

from threading import Event

import pytest

from pipelines import run
from pipelines.landing import streams


class Stopped(KeyboardInterrupt):
    """As if somebody had pressed Ctrl-C."""


def test_stopping_ends_with_the_batches_at_hand(clean, tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BATCH_BYTES", 1)
    company = clean.copy(tmp_path / "acme")
    was_stopped = Event()

    def stop(stage, done, total):
        if stage == "openai_bill":
            was_stopped.set()
            raise Stopped
        assert was_stopped.wait(60)

    with pytest.raises(Stopped):
        run.land_sources(company.workspace, stop)
    landed = run.lake_of(company.workspace).landed()
    files = sum(len(record.files) for record in landed if record.source == "gateway_eu")

    assert files < len(company.inbox("gateway_eu")) / 2
    company.run()
    assert company.published_bytes() == clean.published_bytes()
