"""What `everycent.yaml` may say about buckets."""

import hashlib
import subprocess
import sys

import pytest

from pipelines.scaffold import init_workspace
from pipelines.workspace import open_workspace

ENV = {"EVERYCENT_PSEUDONYM_KEY": hashlib.sha256(b"only for tests").hexdigest()}
SETTINGS = """\
company: acme
reporting_currency: USD
sources:
  - source: bill
    kind: openai
    location: {bill}
  - source: gateway
    kind: litellm
    location: {gateway}
publish:
  mirror: {mirror}
"""


def found(tmp_path, bill="inbox/openai", gateway="s3://logs/eu", mirror="s3://out/acme", more=""):
    """Rule and setting of each problem."""
    root = tmp_path / "acme"
    init_workspace(root)
    text = SETTINGS.format(bill=bill, gateway=gateway, mirror=mirror) + more
    (root / "everycent.yaml").write_text(text, "utf-8")
    return [(problem.rule, problem.column) for problem in open_workspace(root, ENV)[1]]


def test_feeds_and_the_mirror_may_be_in_buckets(tmp_path):
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("bill", "gateway"),
    [
        ("s3://logs/us", "s3://logs/eu"),
        ("s3://logs/eu2", "s3://logs/eu"),
        ("s3://other", "s3://logs"),
        ("s3://logs/eu", "s3://logs-eu"),
    ],
)
def test_feeds_may_share_a_bucket_but_no_folder(tmp_path, bill, gateway):
    assert found(tmp_path, bill=bill, gateway=gateway) == []


@pytest.mark.parametrize(
    ("bill", "gateway"),
    [
        ("s3://logs/eu", "s3://logs/eu/"),
        ("s3://logs", "s3://logs/eu"),
        ("s3://logs/eu/deep/er", "s3://logs/eu"),
    ],
)
def test_a_bucket_folder_is_read_by_one_feed_only(tmp_path, bill, gateway):
    assert found(tmp_path, bill=bill, gateway=gateway) == [("overlap", "sources[1].location")]


def test_what_is_published_is_not_read_back(tmp_path):
    assert found(tmp_path, mirror="s3://logs/eu/published") == [("overlap", "publish.mirror")]


@pytest.mark.parametrize(
    "gateway",
    [
        "s3://",
        "s3:///eu",
        "s3://Logs/eu",
        "s3://lo/eu",
        "s3://logs//eu",
        "s3://logs/../eu",
        "s3://user:word@logs/eu",
    ],
)
def test_an_address_no_bucket_can_have_is_told(tmp_path, gateway):
    assert found(tmp_path, gateway=gateway) == [("bucket", "sources[1].location")]


def test_a_mirror_is_a_bucket(tmp_path):
    assert found(tmp_path, mirror="copies") == [("bucket", "publish.mirror")]


def test_an_endpoint_holds_no_credentials(tmp_path):
    more = "  mirror_endpoint_url: http://user:word@127.0.0.1:9000\n"

    assert [rule for rule, _ in found(tmp_path, more=more)] == ["form"]


def test_without_a_bucket_the_client_library_is_not_loaded():
    code = (
        "import sys, pipelines.run, pipelines.workspace; "
        "print(sorted({'boto3', 'botocore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
