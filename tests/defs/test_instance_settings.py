"""The settings of an instance, as Dagster reads them."""

from pathlib import Path

import dagster as dg
import yaml

FILE = Path(__file__).parents[2] / "dagster.yaml"


def test_dagster_accepts_the_settings(tmp_path):
    (tmp_path / "dagster.yaml").write_text(FILE.read_text("utf-8"), "utf-8")

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        assert instance.global_op_concurrency_default_limit == 1


def test_the_settings_hold_no_secret_and_no_place():
    settings = yaml.safe_load(FILE.read_text("utf-8"))

    assert "storage" not in settings
    assert sorted(settings) == ["concurrency", "nux", "retention", "run_monitoring", "telemetry"]
