"""`everycent land`, and what a setting, a mapping or a damaged disk does to what has landed."""

import json
import shutil

import pytest

from pipelines.lake import Lake


@pytest.fixture(scope="module")
def landed(tmp_path_factory, everycent):
    """A company that was run once, with every tag that its gateways send."""
    folder = tmp_path_factory.mktemp("land") / "acme"
    assert everycent("simulate", folder, "--days", 2, "--calls", 200).exit_code == 0
    assert everycent("run", folder).exit_code == 0
    return folder


@pytest.fixture
def acme(landed, tmp_path):
    return shutil.copytree(landed, tmp_path / "acme", symlinks=True)


def marts(folder):
    current = (folder / "published" / "current").resolve()
    return {
        path.relative_to(current).as_posix(): path.read_bytes()
        for path in current.rglob("*")
        if path.suffix in {".parquet", ".csv"}
    }


def without_tags(folder):
    path = folder / "everycent.yaml"
    text = path.read_text("utf-8")
    path.write_text("\n".join(s for s in text.splitlines() if "tag_keys" not in s), "utf-8")
    return text


def test_settings_corrected_after_a_run_give_what_a_fresh_folder_gives(acme, everycent):
    wanted = marts(acme)
    settings = without_tags(acme)
    without = everycent("run", acme)
    assert marts(acme) != wanted
    (acme / "everycent.yaml").write_text(settings, "utf-8")
    again = everycent("run", acme)

    for ran in (without, again):
        assert ran.exit_code == 0, ran.output
        assert "gateway_eu: 27 files landed again: tag_keys changed." in ran.output
    assert marts(acme) == wanted
    assert "landed again" not in everycent("run", acme).output


def flip_a_bit(folder):
    part = min((folder / ".everycent" / "lake" / "calls").rglob("gateway_eu.*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    return part


def test_a_flipped_bit_in_the_lake_is_found_and_never_computed_with(acme, everycent):
    wanted = marts(acme)
    part = flip_a_bit(acme)
    verified = everycent("verify", acme)
    without_tags(acme)
    for path in (acme / "inbox" / "gateway_eu").rglob("*.gz"):
        path.unlink()
    ran = everycent("run", acme)

    assert verified.exit_code == 1
    assert part.name in verified.output
    assert "everycent land --again gateway_eu" in " ".join(verified.output.split())
    assert ran.exit_code == 3, ran.output
    assert part.name in ran.output
    assert marts(acme) == wanted


def test_a_damaged_source_lands_again_from_its_inbox(acme, everycent):
    wanted = marts(acme)
    flip_a_bit(acme)
    landed = everycent("land", acme, "--again", "gateway_eu")
    ran = everycent("run", acme)

    assert landed.exit_code == 0, landed.output
    assert "gateway_eu: 27 files landed again: you asked for it." in landed.output
    assert ran.exit_code == 0, ran.output
    assert marts(acme) == wanted
    assert Lake(acme / ".everycent" / "lake").damaged() == []
    assert everycent("verify", acme).exit_code == 0


def test_land_brings_files_in_and_computes_nothing(acme, everycent):
    shutil.rmtree(acme / ".everycent")
    shutil.rmtree(acme / "published")
    landed = everycent("land", acme)

    assert landed.exit_code == 0, landed.output
    assert "computes the days they touch" in landed.output
    assert not (acme / "published").exists()


def test_a_source_that_is_not_there_is_a_mistake(acme, everycent):
    landed = everycent("land", acme, "--again", "gatewya_eu")

    assert landed.exit_code == 2
    assert "no such source" in landed.output


def test_status_and_check_name_what_is_never_read_and_what_was_refused(acme, everycent):
    inbox = acme / "inbox" / "gateway_eu"
    (inbox / ".hidden.jsonl").write_text("{}")
    (inbox / "notes.txt").write_text("call me")
    (inbox / "torn.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    everycent("run", acme)
    status, check = everycent("status", acme), everycent("check", acme)
    [gateway] = [
        source
        for source in json.loads(everycent("status", acme, "--json").stdout)["sources"]
        if source["source"] == "gateway_eu"
    ]

    assert "Waiting: gateway_eu: .hidden.jsonl: its name begins with a dot" in status.output
    assert "Waiting: gateway_eu: notes.txt: litellm reads" in status.output
    assert "Waiting: gateway_eu: torn.jsonl.gz: it was refused: truncated_gzip" in status.output
    assert gateway["waiting"] == len(gateway["waiting_files"]) == 3
    assert check.exit_code == 0
    assert "inbox/gateway_eu/notes.txt" in check.output
    assert "inbox/gateway_eu/.hidden.jsonl" in check.output


def test_check_and_status_name_files_read_with_other_settings(acme, everycent):
    for path in (acme / "inbox" / "gateway_us").rglob("*.gz"):
        path.unlink()
    everycent("run", acme)
    without_tags(acme)
    said = {command: everycent(command, acme).output for command in ("check", "status")}

    for text in said.values():
        words = " ".join(text.split())
        assert "land again with the next" in words
        assert "stay as they were read before, although tag_keys" in words


@pytest.mark.parametrize("table", ["fct_cost_lines", "quality_results"])
def test_a_flipped_bit_in_a_stored_table_stops_the_run_and_says_what_helps(acme, everycent, table):
    wanted = marts(acme)
    part = min((acme / ".everycent" / "warehouse" / table).glob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    # readers have links to the same file
    part.unlink()
    part.write_bytes(content)
    settings = without_tags(acme)
    stopped = everycent("run", acme)
    assert stopped.exit_code == 3, stopped.output
    assert part.name in stopped.output
    assert "remove the folder .everycent/warehouse and run again" in " ".join(
        stopped.output.split()
    )
    assert marts(acme) == wanted
    (acme / "everycent.yaml").write_text(settings, "utf-8")
    shutil.rmtree(acme / ".everycent" / "warehouse")

    assert everycent("run", acme).exit_code == 0
    assert marts(acme) == wanted
