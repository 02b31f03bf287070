"""What anybody may write into an id or a name never stays; what belongs there does."""

import json
from decimal import Decimal

import pyarrow as pa
import pytest

from models.columns import arrow_schema
from models.facts import FACTS, Fact
from pipelines.identities import KINDS, Kind, is_unsafe, kept
from pipelines.landing.privacy import presentable
from tests.landing.room import Room, lines, payload, pseudonym

PLANTED = {
    "mail": "jane.doe@acme.example",
    "login": "jane@corp",
    "encoded": "jane%40acme.example",
    "sentence": "Please summarise my medical file for tomorrow",
    "question": "what is wrong with me?",
    "key": "sk-proj-4bd1f0a97c",
    "token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    "home": "/home/jane/clients/contract",
    "quoted": '{"prompt":"hello"}',
    "long": "word" * 100,
    "script": "\u75c5\u6b74\u3092\u8981\u7d04",
}

IDS = (
    "chatcmpl-01abCD",
    "req_011CXyz",
    "550e8400-e29b-41d4-a716-446655440000",
    "0af7651916cd43dd8448eb211c80319c",
    "task-12345678",
    "disk-skylark",
    "ticket/4711",
    "arn:aws:bedrock:us-east-1:111122223333:inference-profile/x",
    "a+b/c==",
    "session_01:turn(2)[1m]",
)
NAMES = (
    "Customer Care Team EU",
    "M\u00fcller Gruppe",
    "us-east-1",
    "https://acme-eu.openai.azure.com/",
    "http://10.0.0.5:8000/v1",
    "@openai-prod",
    "RateLimitError",
)
MODELS = (
    "gpt-4o-2024-11-20",
    "claude-sonnet-4@20250514",
    "gemini-2.0-flash@default",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "@cf/meta/llama-3.1-8b-instruct",
    "workers-ai/@cf/meta/llama-3.1-8b-instruct",
    "claude-opus-4-1[1m]",
    "ft:gpt-4o-mini:acme:helpdesk:9xYz",
    "accounts/fireworks/models/deepseek-v3",
    "Claude 3.5 Sonnet",
    "GPT 4o",
)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((Kind.ID, text) for text in IDS),
        *((Kind.NAME, text) for text in (*IDS, *NAMES)),
        *((Kind.MODEL, text) for text in MODELS),
        *((Kind.TEXT, text) for text in (*IDS, *NAMES, *MODELS, "1,000 input tokens, cached")),
    ],
)
def test_what_belongs_there_stays_readable(kind, text):
    assert kept(kind, text, pseudonym) == text


@pytest.mark.parametrize("kind", [Kind.ID, Kind.NAME, Kind.MODEL])
@pytest.mark.parametrize("text", PLANTED.values(), ids=PLANTED)
def test_what_anybody_may_write_becomes_a_pseudonym(kind, text):
    # people may give a name in their own script
    if (kind, text) != (Kind.NAME, PLANTED["script"]):
        assert kept(kind, text, pseudonym) == pseudonym(text)


@pytest.mark.parametrize("name", ["mail", "key", "token", "jwt", "home"])
def test_what_tells_somebody_is_cut_out_of_a_description(name):
    text = f"Seat of {PLANTED[name]}, billed monthly"

    assert kept(Kind.TEXT, text, pseudonym) == f"Seat of {pseudonym(PLANTED[name])}, billed monthly"


@pytest.fixture
def planted_calls():
    """One call per planted text: in every id, name and model that a log of LiteLLM has."""
    return [
        payload(
            number,
            id=f"{text} {number}",
            litellm_call_id=f"{text} {number}",
            trace_id=text,
            session_id=text,
            model=text,
            model_group=text,
            model_id=text,
            custom_llm_provider=text,
            error_information={"error_class": text},
            metadata={
                "user_api_key_hash": text,
                "user_api_key_team_id": text,
                "user_api_key_org_id": text,
                "user_api_key_project_id": text,
                "spend_logs_metadata": {"task_id": text},
            },
        )
        for number, text in enumerate(PLANTED.values())
        if text != PLANTED["script"]
    ]


def test_no_planted_text_is_in_any_byte_of_the_lake(tmp_path, planted_calls):
    room = Room(tmp_path)
    room.put("log.jsonl", lines(*planted_calls))
    room.land()
    rows = room.rows()
    readable = repr(rows) + "".join(p.read_text() for p in room.lake.root.rglob("*.json"))

    assert len(rows) == len(planted_calls)
    for text in (
        "jane",
        "medical",
        "wrong with me",
        "sk-proj",
        "ghp_",
        "eyJ",
        "prompt",
        "wordword",
    ):
        assert text not in readable
    assert {row["session_id"] for row in rows} <= set(map(pseudonym, PLANTED.values())) | {None}


def test_a_call_without_anything_to_hide_keeps_every_id(tmp_path):
    room = Room(tmp_path)
    room.put("log.jsonl", lines(payload(1, trace_id="trace-1", session_id="s:1/2")))
    room.land()
    [row] = room.rows()

    assert (row["task_id"], row["provider_request_id"]) == ("task-1", "chatcmpl-1")
    assert (row["requested_model"], row["served_model"]) == ("gpt-4o", "gpt-4o-2024-11-20")
    assert not any(str(value).startswith("u_") for k, value in row.items() if "user" not in k)


def table(fact, **values):
    row = dict.fromkeys(column.name for column in FACTS[fact]) | values
    return pa.Table.from_pylist([row], arrow_schema(FACTS[fact]))


@pytest.mark.parametrize("fact", list(Fact))
def test_every_kept_column_of_every_fact_is_looked_at(fact):
    told = dict.fromkeys(KINDS[fact], PLANTED["mail"])
    [row] = presentable({fact: table(fact, **told)}, pseudonym)[fact].to_pylist()

    assert "jane" not in repr(row)
    assert {row[name] for name in told} == {pseudonym(PLANTED["mail"])}


def test_ids_that_join_are_hidden_alike_wherever_they_stand():
    text = PLANTED["sentence"]
    outcome = presentable({Fact.OUTCOMES: table(Fact.OUTCOMES, ref_session_id=text)}, pseudonym)
    call = presentable({Fact.CALLS: table(Fact.CALLS, session_id=text)}, pseudonym)

    assert outcome[Fact.OUTCOMES]["ref_session_id"] == call[Fact.CALLS]["session_id"]


def test_tags_of_a_bill_stay_json_and_money_stays_as_it_is():
    tags = json.dumps({"owner": PLANTED["mail"], "team": "care"})
    charge = table(Fact.CHARGES, tags=tags, billed_cost=Decimal("1.5"), resource_id="arn:aws:x")
    [row] = presentable({Fact.CHARGES: charge}, pseudonym)[Fact.CHARGES].to_pylist()

    assert json.loads(row["tags"]) == {"owner": pseudonym(PLANTED["mail"]), "team": "care"}
    assert (row["billed_cost"], row["resource_id"]) == (Decimal("1.5"), "arn:aws:x")


def test_free_texts_of_the_contracts_are_all_in_the_list():
    told_by_us = {
        "source", "file_id", "scope", "delivery", "source_format", "operation", "role", "status",
        "service_tier", "token_source", "token_semantics", "logged_cost_kind", "unit", "user_id",
        "end_user_id", "meter", "result", "confidence", "ref_user_id", "outcome_type", "repairs",
        "charge_category", "charge_class", "charge_frequency", "billing_currency", "pricing_unit",
        "consumed_unit", "pricing_category", "commitment_discount_status", "service_category",
    }  # fmt: skip
    names_a_bill = {
        "issuer", "invoice_id", "billing_account_id", "service_provider_name",
        "host_provider_name", "invoice_issuer_name", "region_id", "provider", "inference_geo",
    }  # fmt: skip
    for fact, columns in FACTS.items():
        texts = {column.name for column in columns if column.type == "VARCHAR"}
        tags = {"tags"} if fact is Fact.CALLS else set()

        assert texts - set(KINDS[fact]) - told_by_us - names_a_bill - tags == set(), fact


def test_an_address_is_no_id_and_a_version_is():
    assert is_unsafe(Kind.ID, "10.0.3.7")
    assert is_unsafe(Kind.ID, "+491511234567")
    assert not is_unsafe(Kind.ID, "v1.2.3")
