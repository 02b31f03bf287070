"""One vocabulary of providers: every spelling is one id, in Python and in SQL alike."""

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from models.providers import (
    API_SUFFIXES,
    FRAMEWORKS,
    PROVIDER_NAMES,
    is_framework,
    known_provider,
    provider_id,
    spelled,
)
from pipelines.duck import connect
from pipelines.sources.provider_words import known_provider_sql, provider_sql

SPELLINGS = {
    "openai": ["OpenAI", "openai.responses", "openai.chat", "text-completion-openai"],
    "anthropic": ["anthropic.messages", "Anthropic"],
    "aws": ["bedrock", "aws.bedrock", "AWS_Bedrock", "bedrock_mantle", "amazon-bedrock"],
    "azure": ["azure.ai.openai", "azure_ai_foundry", "azure-openai.chat", "azure.responses"],
    "google": [
        "gcp.gemini",
        "gcp.vertex_ai",
        "google.generative-ai",
        "google.vertex.chat",
        "vertex.anthropic.messages",
        "google-gla",
    ],
    "x-ai": ["xai", "x_ai", "x-ai", "xAI", "xai.chat"],
    "moonshotai": ["moonshot", "moonshot_ai", "moonshotai"],
    "voyageai": ["voyage", "voyage_ai"],
    "github-copilot": ["github_copilot", "GitHub Copilot"],
    "together": ["together_ai", "togetherai.chat"],
}
texts = st.text(st.sampled_from("aiopenxg._- /bdrock"), max_size=12)
api_names = st.builds(
    "{}.{}".format, st.sampled_from(sorted(PROVIDER_NAMES)), st.sampled_from(API_SUFFIXES)
)


@pytest.mark.parametrize(
    ("name", "provider"), [(name, p) for p, names in SPELLINGS.items() for name in names]
)
def test_every_spelling_of_a_provider_is_one_id(name: str, provider: str) -> None:
    assert known_provider(name) == provider
    assert in_sql([name]) == [(provider, provider)]


@pytest.mark.parametrize("name", ["openai-mirror", "my.openai", "openai.internal", "", None, "."])
def test_a_part_of_a_name_is_no_name(name: str | None) -> None:
    assert known_provider(name) is None


def test_the_ids_are_those_of_the_price_list() -> None:
    listed = {provider.id for provider in get_snapshot().providers}

    assert {known_provider(name) for name in listed} - {None} <= listed
    assert all(known_provider(name) in (name, None) for name in listed)


def test_a_framework_is_no_provider() -> None:
    assert not {spelled(name) for name in FRAMEWORKS} & set(PROVIDER_NAMES)
    assert is_framework("strands-agents")
    assert is_framework("GitHub")
    assert not is_framework(None)
    assert not is_framework("openai")


@settings(deadline=None, max_examples=30)
@given(st.lists(texts | api_names | st.sampled_from(sorted(PROVIDER_NAMES)), max_size=20))
def test_sql_knows_what_python_knows(names: list[str]) -> None:
    assert in_sql(names) == [(known_provider(name), provider_id(name)) for name in names]


def in_sql(names: list[str]) -> list[tuple[str | None, str | None]]:
    with connect() as con:
        return con.execute(
            f"select {known_provider_sql('name')}, {provider_sql('name')}"
            " from (select unnest(cast($1 as varchar[])) as name)",
            [names],
        ).fetchall()
