"""Records of calls as each gateway writes them, made from disjoint token buckets."""

import copy
from dataclasses import dataclass, field

from tests.sources.gateway_logged import (
    APIM,
    BEDROCK,
    CLOUDFLARE,
    DATABRICKS,
    ENVOY,
    HELICONE,
    KONG,
    OPENROUTER,
    PORTKEY,
    VERCEL,
)


@dataclass(frozen=True)
class Shape:
    """One format as it reports the calls of one provider.

    `paths` say where a bucket is reported, `input` and `output` where the totals are.
    """

    kind: str
    provider: str
    record: dict
    input: str
    output: str
    paths: dict = field(default_factory=dict)
    total: str | None = None
    is_input_exclusive: bool = False
    is_output_exclusive: bool = False
    is_documented: bool = True
    """Whether the published table says so, and not `unknown`."""

    def __str__(self):
        return f"{self.kind}-{self.provider}"

    @property
    def buckets(self):
        return ("input_uncached_tokens", *self.paths, "output_text_tokens")

    def render(self, counts, *, number=1, flip_input=False, flip_output=False):
        """A record that reports these buckets; `flip` as the format's table says it does not."""
        record = numbered(copy.deepcopy(self.record), number)
        input_media, read_or_written = counts.get("input_audio_tokens", 0), 0
        output_media, thought = 0, counts.get("output_reasoning_tokens", 0)
        for name in ("cache_read_tokens", "cache_write_tokens"):
            read_or_written += counts.get(name, 0)
        for name in ("output_audio_tokens", "output_image_tokens"):
            output_media += counts.get(name, 0)
        is_input_exclusive = self.is_input_exclusive != flip_input
        is_output_exclusive = self.is_output_exclusive != flip_output
        total_in = counts["input_uncached_tokens"] + input_media
        total_in += 0 if is_input_exclusive else read_or_written
        total_out = counts["output_text_tokens"] + output_media
        total_out += 0 if is_output_exclusive else thought
        put(record, self.input, total_in)
        put(record, self.output, total_out)
        for name, path in self.paths.items():
            put(record, path, counts[name])
        if self.total:
            put(record, self.total, sum(counts.values()))
        return record


def put(record, path, value):
    """Set a value below names joined by `/`."""
    *above, last = path.split("/")
    for name in above:
        record = record.setdefault(name, {})
    record[last] = value


def numbered(value, number):
    """A copy with every `#` replaced by a number, in ids."""
    if isinstance(value, dict):
        return {k: numbered(v, number) for k, v in value.items()}
    return value.replace("#", str(number)) if isinstance(value, str) else value


def portkey(provider, **semantics):
    usage = "response/usage/"
    return Shape(
        kind="portkey",
        provider=provider,
        record={**PORTKEY, "ai_org": provider},
        input=usage + "prompt_tokens",
        output=usage + "completion_tokens",
        total=usage + "total_tokens",
        paths={
            "cache_read_tokens": usage + "prompt_tokens_details/cached_tokens",
            "cache_write_tokens": usage + "cache_creation_input_tokens",
            "input_audio_tokens": usage + "prompt_tokens_details/audio_tokens",
            "output_reasoning_tokens": usage + "completion_tokens_details/reasoning_tokens",
            "output_audio_tokens": usage + "completion_tokens_details/audio_tokens",
        },
        **semantics,
    )


def helicone(provider, **semantics):
    return Shape(
        kind="helicone",
        provider=provider,
        record={**HELICONE, "provider": provider},
        input="prompt_tokens",
        output="completion_tokens",
        paths={
            "cache_read_tokens": "prompt_cache_read_tokens",
            "cache_write_tokens": "prompt_cache_write_tokens",
            "input_audio_tokens": "prompt_audio_tokens",
            "output_audio_tokens": "completion_audio_tokens",
        },
        **semantics,
    )


def kong(provider, **semantics):
    usage = "ai/proxy/usage/"
    record = copy.deepcopy(KONG)
    record["ai"]["proxy"]["meta"]["provider_name"] = provider
    return Shape(
        kind="kong",
        provider=provider,
        record=record,
        input=usage + "prompt_tokens",
        output=usage + "completion_tokens",
        total=usage + "total_tokens",
        paths={
            "cache_read_tokens": usage + "prompt_tokens_details/cached_tokens",
            "input_audio_tokens": usage + "prompt_tokens_details/audio_tokens",
            "output_reasoning_tokens": usage + "completion_tokens_details/reasoning_tokens",
            "output_audio_tokens": usage + "completion_tokens_details/audio_tokens",
        },
        **semantics,
    )


def vercel(provider, **semantics):
    return Shape(
        kind="vercel_generations",
        provider=provider,
        record={**VERCEL, "providerName": provider},
        input="promptTokens",
        output="completionTokens",
        paths={
            "cache_read_tokens": "cachedTokens",
            "cache_write_tokens": "cacheCreationTokens",
            "output_reasoning_tokens": "reasoningTokens",
        },
        is_documented=False,
        **semantics,
    )


SHAPES = (
    Shape(
        kind="bedrock_invocation_logs",
        provider="bedrock",
        record=BEDROCK,
        input="input/inputTokenCount",
        output="output/outputTokenCount",
        paths={
            "cache_read_tokens": "input/cacheReadInputTokenCount",
            "cache_write_tokens": "input/cacheWriteInputTokenCount",
        },
        is_input_exclusive=True,
    ),
    portkey("openai"),
    portkey("anthropic", is_input_exclusive=True),
    portkey("bedrock"),
    portkey("vertex-ai", is_output_exclusive=True),
    helicone("OPENAI", is_documented=False),
    helicone("ANTHROPIC", is_input_exclusive=True),
    helicone("AWS", is_input_exclusive=True, is_documented=False),
    helicone("GOOGLE", is_output_exclusive=True),
    kong("openai"),
    kong("anthropic", is_input_exclusive=True),
    kong("bedrock", is_input_exclusive=True),
    kong("gemini", is_output_exclusive=True),
    kong("cohere"),
    Shape(
        kind="envoy_ai_gateway",
        provider="openai",
        record=ENVOY,
        input="gen_ai.usage.input_tokens",
        output="gen_ai.usage.output_tokens",
        paths={
            "cache_read_tokens": "gen_ai.usage.cached_input_tokens",
            "cache_write_tokens": "gen_ai.usage.cache_creation_input_tokens",
            "output_reasoning_tokens": "gen_ai.usage.reasoning_tokens",
        },
    ),
    Shape(
        kind="cloudflare_ai_gateway",
        provider="openai",
        record=CLOUDFLARE,
        input="tokens_in",
        output="tokens_out",
        is_documented=False,
    ),
    Shape(
        kind="openrouter_generations",
        provider="any",
        record=OPENROUTER,
        input="native_tokens_prompt",
        output="native_tokens_completion",
        paths={
            "cache_read_tokens": "native_tokens_cached",
            "output_reasoning_tokens": "native_tokens_reasoning",
            "output_image_tokens": "native_tokens_completion_images",
        },
    ),
    vercel("openai"),
    vercel("anthropic", is_input_exclusive=True),
    Shape(
        kind="azure_apim",
        provider="azure",
        record=APIM,
        input="PromptTokens",
        output="CompletionTokens",
        total="TotalTokens",
    ),
    Shape(
        kind="databricks_endpoint_usage",
        provider="databricks",
        record=DATABRICKS,
        input="input_token_count",
        output="output_token_count",
        is_documented=False,
    ),
)
"""Every format, with each provider whose totals it reports in its own way."""

KINDS = tuple(dict.fromkeys(shape.kind for shape in SHAPES))


def shape_of(kind):
    """The first shape of a format."""
    return next(shape for shape in SHAPES if shape.kind == kind)


def good(kind, number=1):
    """A good record of a format, of 100 input and 20 output tokens."""
    shape = shape_of(kind)
    counts = dict.fromkeys(shape.buckets, 0)
    return shape.render(
        counts | {"input_uncached_tokens": 100, "output_text_tokens": 20}, number=number
    )
