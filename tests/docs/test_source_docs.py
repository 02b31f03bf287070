"""The pages of sources are what the code says, and what they say works."""

import ast
import hashlib
import re
import shutil
from pathlib import Path

import pytest

from pipelines.lake import Lake
from pipelines.landing.land import land
from pipelines.publishing.source_docs import (
    INDEX,
    PAGES,
    SECTIONS,
    page_of,
    prose,
    render_index,
    render_page,
)
from pipelines.sources import all_sources
from pipelines.workspace import load_workspace

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "data_samples"
KINDS = sorted(all_sources())
ENV = {"EVERYCENT_PSEUDONYM_KEY": hashlib.sha256(b"pages").hexdigest()}
SAMPLE_FILES = {
    "azure_cost": "azure_cost/actual",
    "mapped": "mapped/inbox/nimbus",
    "mlflow_assessments": "mlflow_traces/files",
}
"""Where samples are that are not in a folder `files` of their kind."""

CODE = "".join(
    path.read_text("utf-8").replace(
        ast.get_docstring(ast.parse(path.read_text("utf-8")), False), ""
    )
    for path in (ROOT / "pipelines" / "sources").glob("*.py")
).lower()


def test_the_index_is_as_the_code_says():
    assert INDEX.read_text("utf-8") == render_index(), "run `make docs`"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind_is_as_the_code_says(kind):
    source = all_sources()[kind]

    assert page_of(source).read_text("utf-8") == render_page(source), "run `make docs`"


def test_every_kind_has_a_page_and_no_other_has():
    assert sorted(path.stem for path in PAGES.glob("*.md")) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_everything_in_its_order(kind):
    said = prose(all_sources()[kind])

    assert list(said.sections) == list(SECTIONS)
    assert len(re.findall(r"^\d\. ", said.sections["Export"], re.MULTILINE)) >= 2
    assert re.search(r"^\w[\w -]*:$", said.about, re.MULTILINE) is None, "a section of another name"


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_is_said_to_be_read_is_in_the_code(kind):
    named = re.findall(r"`([^`]+)`", prose(all_sources()[kind]).sections["Reads"])
    columns = ["_".join(name.lower().split(".")[-1].split()) for name in named]

    assert [name for name in columns if name.rstrip("_*.# ") not in CODE] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_settings_on_a_page_are_good_and_read_the_samples(kind, tmp_path):
    page = page_of(all_sources()[kind]).read_text("utf-8")
    [settings] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "everycent.yaml").write_text(
        f"company: acme\nreporting_currency: USD\n{settings}", "utf-8"
    )
    [location] = re.findall(r"location: (\S+)", settings)
    shutil.copytree(SAMPLES / SAMPLE_FILES.get(kind, f"{kind}/files"), tmp_path / location)

    workspace = load_workspace(tmp_path, ENV)
    [feed] = workspace.settings.sources
    source = all_sources()[feed.kind].of(feed)
    landed = land(
        feed, source, workspace.inbox(feed), Lake(tmp_path / "lake"), pseudonym=workspace.pseudonym
    )

    assert feed.kind == kind
    assert landed.rows_accepted > 0


def test_every_source_has_a_sample_folder_that_says_where_it_is_from():
    assert [name for name in KINDS if not (SAMPLES / name / "README.md").exists()] == []


def test_every_link_leads_somewhere():
    pages = [INDEX, *PAGES.glob("*.md")]
    broken = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]

    assert broken == []
