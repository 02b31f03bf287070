"""What only one gateway's format has: changes to a good record, and what they make of the call."""

from datetime import UTC, datetime
from decimal import Decimal

from tests.sources.gateway_logged import MAIL

ZEROS = "00000000-0000-0000-0000-000000000000"
PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2"
UNTOLD = {"cache_write_5m_tokens": None, "cache_write_1h_tokens": None}
NOTHING_COUNTED = {"input/inputTokenCount": None, "output/outputTokenCount": None}

TRAPS = {
    "bedrock_invocation_logs": [
        ({"modelId": PROFILE}, {"served_model": None, "deployment_id": PROFILE}),
        (
            {"modelId": "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0"},
            {"served_model": "amazon.nova-pro-v1:0"},
        ),
        (
            {
                "modelId": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
                "us.anthropic.claude-sonnet-4-6"
            },
            {"served_model": "us.anthropic.claude-sonnet-4-6", "provider": "aws"},
        ),
        (
            {"modelId": "amazon.titan-embed-text-v2:0", "operation": "InvokeModel"},
            {"operation": "embedding", "role": "embedding"},
        ),
        ({"operation": "ConverseStream"}, {"operation": "chat", "is_streaming": True}),
        (
            {"identity/arn": f"arn:aws:sts::123456789012:assumed-role/GatewayRole/{MAIL}"},
            {"api_key_id": "arn:aws:sts::123456789012:assumed-role/GatewayRole"},
        ),
        # a user's own ARN is a person's name: never a key
        ({}, {"api_key_id": None, "project_id": "123456789012", "region": "eu-west-1"}),
        # what was refused used nothing, what broke nobody knows
        (
            {"errorCode": "ThrottlingException", **NOTHING_COUNTED},
            {"status": "error", "http_status": 429, "input_uncached_tokens": 0},
        ),
        (
            {"errorCode": "ModelTimeoutException", **NOTHING_COUNTED},
            {"http_status": 408, "token_source": "unknown", "input_uncached_tokens": None},
        ),
        (
            {"errorCode": "SomethingNewException", **NOTHING_COUNTED},
            {"http_status": 500, "error_class": "SomethingNewException", "token_source": "unknown"},
        ),
        ({"inferenceRegion": "eu-central-1"}, {"region": "eu-west-1"}),
        # how long cache writes last is in the logged answer, and nowhere else
        (
            {"input/cacheWriteInputTokenCount": 900, "output/outputBodyJson": "s3://b/data/1"},
            {**UNTOLD, "cache_write_tokens": 900},
        ),
        (
            {
                "input/cacheWriteInputTokenCount": 900,
                "output/outputBodyJson/usage/cacheDetails": [
                    {"ttl": "1h", "inputTokens": 700},
                    {"ttl": "5m", "inputTokens": 200},
                ],
            },
            {"cache_write_5m_tokens": 200, "cache_write_1h_tokens": 700, "cache_write_tokens": 0},
        ),
        (
            {
                "input/cacheWriteInputTokenCount": 900,
                "output/outputBodyJson": [
                    {"messageStop": {}},
                    {"metadata": {"usage": {"cacheDetails": [{"ttl": "1h", "inputTokens": 900}]}}},
                ],
            },
            {"cache_write_5m_tokens": 0, "cache_write_1h_tokens": 900},
        ),
        (
            {
                "input/cacheWriteInputTokenCount": 900,
                "operation": "InvokeModelWithResponseStream",
                "output/outputBodyJson": [
                    {"message": {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 900}}}},
                    {"usage": {"output_tokens": 9}},
                ],
            },
            {"cache_write_5m_tokens": 0, "cache_write_1h_tokens": 900},
        ),
    ],
    "portkey": [
        # cents, not dollars
        ({"cost": 0.375}, {"logged_cost_usd": Decimal("0.00375")}),
        ({"cost": 1e-7}, {"logged_cost_usd": Decimal("0.000000001")}),
        ({"cost": 0}, {"logged_cost_usd": 0, "logged_cost_kind": "zero_unpriced"}),
        ({"cost": 0.375, "cost_currency": "EUR"}, {"logged_cost_usd": None}),
        ({"cache_status": "HIT"}, {"status": "cache_hit", "logged_cost_usd": 0}),
        ({"cache_status": "SEMANTIC HIT"}, {"status": "cache_hit"}),
        ({"cache_status": "MISS"}, {"status": "success", "logged_cost_kind": "gateway_estimate"}),
        ({"retry_success_count": 2}, {"attempt_no": 3, "role": "primary"}),
        # the lifetime of cache writes, where the answer tells it
        (
            {
                "ai_org": "anthropic",
                "response/usage/cache_creation_input_tokens": 500,
                "response/usage/cache_creation/ephemeral_5m_input_tokens": 100,
                "response/usage/cache_creation/ephemeral_1h_input_tokens": 400,
            },
            {"cache_write_5m_tokens": 100, "cache_write_1h_tokens": 400, "cache_write_tokens": 0},
        ),
        (
            {"ai_org": "anthropic", "response/usage/cache_creation_input_tokens": 500},
            {**UNTOLD, "cache_write_tokens": 500},
        ),
        (
            {
                "ai_org": "anthropic",
                "response/usage/cache_creation_input_tokens": 500,
                "response/usage/cache_creation/ephemeral_1h_input_tokens": 400,
            },
            {**UNTOLD, "cache_write_1h_tokens": 400, "cache_write_tokens": 100},
        ),
        (
            {
                "response/usage/server_tool_use/web_search_requests": 2,
                "response/usage/service_tier": "priority",
                "response/usage/inference_geo": "us",
            },
            {"web_search_requests": 2, "service_tier": "priority", "inference_geo": "us"},
        ),
        (
            {
                "response/usage": {
                    "input_tokens": 100,
                    "output_tokens": 50,
                    "total_tokens": 150,
                    "input_tokens_details": {"cached_tokens": 40},
                    "output_tokens_details": {"reasoning_tokens": 20},
                }
            },
            {
                "input_uncached_tokens": 60,
                "output_text_tokens": 30,
                "output_reasoning_tokens": 20,
            },
        ),
        ({"retry_success_count": -1}, {"attempt_no": None}),
        # a fallback's target: no single row says whether it came first
        ({"mode": "FALLBACK"}, {"role": "unknown", "trace_id": "trace-1"}),
        ({"is_success": 0, "response_status_code": 500}, {"status": "error", "http_status": 500}),
        # an inline configuration may hold keys
        (
            {"response/id": "chatcmpl-1"},
            {"deployment_id": None, "provider_request_id": "chatcmpl-1"},
        ),
        ({"config": "pc-search-1"}, {"deployment_id": "pc-search-1"}),
        ({"request_url": "https://gateway.example/v1/embeddings"}, {"operation": "embedding"}),
        (
            {"response_time": 1834},
            {"ended_at": datetime(2026, 10, 1, 8, 0, 2, 84_000, UTC)},
        ),
        # the prompt of a refused call was counted by the gateway, not used
        (
            {"response_status_code": 429, "response/usage/completion_tokens": 0},
            {"status": "error", "token_source": "estimated"},
        ),
    ],
    "helicone": [
        ({"cache_reference_id": ZEROS}, {"status": "success"}),
        ({"cache_reference_id": "5f0e1d2c-1"}, {"status": "cache_hit", "logged_cost_usd": 0}),
        ({"response_status": -3}, {"status": "cancelled", "http_status": None}),
        ({"response_status": 499}, {"status": "cancelled", "http_status": 499}),
        # its own total may count cached input twice: it is kept and not used
        (
            {"total_tokens": 320, "prompt_cache_read_tokens": 40},
            {"reported_total_tokens": 320, "is_token_conflict": False, "cache_read_tokens": 40},
        ),
        (
            {
                "provider": "ANTHROPIC",
                "prompt_cache_write_tokens": 900,
                "prompt_cache_creation_5m": 0,
                "prompt_cache_creation_1h": 900,
            },
            {"cache_write_5m_tokens": 0, "cache_write_1h_tokens": 900, "cache_write_tokens": 0},
        ),
        (
            {"provider": "ANTHROPIC", "prompt_cache_write_tokens": 900},
            {**UNTOLD, "cache_write_tokens": 900},
        ),
        (
            {"target_url": "https://eu.api.openai.com/v1/chat/completions"},
            {"inference_geo": "eu"},
        ),
        ({"target_url": "https://api.openai.com/v1"}, {"inference_geo": None}),
        ({"cost": 0}, {"logged_cost_kind": "zero_unpriced"}),
        ({"cost": 0.5, "costUSD": 0.25}, {"logged_cost_usd": Decimal("0.25")}),
        (
            {"time_to_first_token": 350},
            {"first_token_at": datetime(2026, 10, 1, 8, 0, 0, 600_000, UTC)},
        ),
        (
            {"request_properties/Helicone-Session-Id": "s-1"},
            {"session_id": "s-1", "trace_id": "s-1"},
        ),
        ({"response_created_at": None, "delay_ms": None}, {"ended_at": None}),
    ],
    "kong": [
        ({"ai/proxy/usage/cost": 0}, {"logged_cost_usd": 0, "logged_cost_kind": "zero_unpriced"}),
        ({"ai/proxy/cache/cache_status": "Hit"}, {"status": "cache_hit", "logged_cost_usd": 0}),
        ({"ai/proxy/cache/cache_status": "Bypass"}, {"status": "success"}),
        ({"ai/proxy/meta/request_mode": "stream"}, {"is_streaming": True}),
        ({"ai/proxy/meta/request_mode": "realtime"}, {"operation": "realtime"}),
        (
            {"ai/proxy/meta/llm_latency": 2670, "latencies/request": 3000},
            {"ended_at": datetime(2026, 10, 1, 8, 0, 2, 920_000, UTC)},
        ),
        ({"upstream_uri": "/v1/embeddings"}, {"operation": "embedding"}),
        ({"service/host": "us.api.openai.com"}, {"inference_geo": "us"}),
        ({"service/host": "us.api.openai.com.example"}, {"inference_geo": None}),
        # counts of other media stand in for, and are never added to, those of text
        ({"ai/proxy/usage/input_tokens": 5_000}, {"reported_input_tokens": 100}),
        ({"consumer": {"id": "c-9"}}, {"api_key_id": "c-9", "user_id": None}),
    ],
    "envoy_ai_gateway": [
        (
            {"gen_ai.usage.input_tokens": "-", "gen_ai.usage.output_tokens": "-"},
            {"token_source": "unknown", "input_uncached_tokens": None},
        ),
        ({"gen_ai.usage.reasoning_tokens": "-"}, {"output_reasoning_tokens": None}),
        ({"app": "-"}, {"tags": None}),
        ({"session.id": "-"}, {"session_id": None}),
        # the name of a backend is no provider unless it is one
        (
            {"gen_ai.provider.name": "team-a/openai"},
            {"provider": None, "deployment_id": "team-a/openai"},
        ),
        ({"gen_ai.provider.name": "aws-bedrock"}, {"provider": "aws"}),
        ({"response_code": 0}, {"status": "cancelled", "http_status": None}),
        ({"duration": "-"}, {"ended_at": None}),
        ({"llm_cost": 4711}, {"logged_cost_usd": None, "logged_cost_kind": None}),
    ],
    "cloudflare_ai_gateway": [
        ({"cached": True}, {"status": "cache_hit", "logged_cost_usd": 0}),
        ({"step": 1}, {"role": "fallback", "attempt_no": 2}),
        ({"step": 0}, {"role": "primary", "attempt_no": 1}),
        ({"success": False, "status_code": None}, {"status": "error"}),
        ({"metadata": {"app": "search"}}, {"tags": '{"app": "search"}'}),
        ({"metadata": {"app": "YQ==", "key": "a", "iv": "b", "data": "c"}}, {"tags": None}),
        ({"metadata": "not json"}, {"tags": None}),
        ({}, {"cache_read_tokens": None, "cache_write_5m_tokens": None}),
        (
            {"metadata": '{"app": "search", "cached_tokens": 60}', "tokens_in": 90},
            {"cache_read_tokens": 60, "input_uncached_tokens": 30, "tags": '{"app": "search"}'},
        ),
        (
            {"metadata": {"cached_tokens": "yes", "usage": {"cache_read_input_tokens": "60"}}},
            {"cache_read_tokens": 60},
        ),
        ({"metadata": '{"cached_tokens": "many"}'}, {"cache_read_tokens": None}),
        ({"provider": "google-ai-studio"}, {"provider": "google"}),
        ({"provider": "workers-ai"}, {"provider": "cloudflare"}),
        ({"path": "v1/audio/speech"}, {"operation": "audio_out"}),
    ],
    "openrouter_generations": [
        (
            {"upstream_inference_cost": 0.003},
            {
                "provider": "openrouter",
                "served_model": "maker/some-model",
                "logged_cost_usd": Decimal("0.00375"),
                "logged_cost_kind": "provider_billed",
            },
        ),
        # on the customer's own key the provider bills; the two amounts are never added
        (
            {"is_byok": True, "upstream_inference_cost": 0.003, "provider_name": "Amazon Bedrock"},
            {
                "provider": "aws",
                "served_model": "some-model",
                "logged_cost_usd": Decimal("0.003"),
                "logged_cost_kind": "gateway_estimate",
            },
        ),
        ({"is_byok": True}, {"logged_cost_usd": None, "logged_cost_kind": None}),
        ({"response_cache_source_id": "gen-1"}, {"status": "cache_hit", "logged_cost_usd": 0}),
        ({"cancelled": True}, {"status": "cancelled"}),
        ({"finish_reason": "error"}, {"status": "error"}),
        ({"tokens_prompt": 9, "tokens_completion": 9}, {"reported_input_tokens": 100}),
        ({"native_tokens_prompt": None, "tokens_prompt": 9}, {"input_uncached_tokens": None}),
        ({"provider_responses": [{"status": 503}, {"status": 200}]}, {"attempt_no": 2}),
        ({"api_type": "embeddings"}, {"operation": "embedding", "role": "embedding"}),
        ({"num_search_results": 5}, {"web_search_requests": None}),
    ],
    "vercel_generations": [
        (
            {"latency": 350, "streamed": True},
            {
                "first_token_at": datetime(2026, 10, 1, 8, 0, 0, 600_000, UTC),
                "ended_at": datetime(2026, 10, 1, 8, 0, 1, 0, UTC),
            },
        ),
        ({"latency": 350, "streamed": False}, {"first_token_at": None}),
        ({"billableWebSearchCalls": 2}, {"web_search_requests": 2, "provider": "vercel"}),
        (
            {"isByok": True, "upstreamInferenceCost": 0.01, "providerName": "anthropic"},
            {"provider": "anthropic", "logged_cost_usd": Decimal("0.01")},
        ),
        ({"finishReason": "error"}, {"status": "error"}),
    ],
    "azure_apim": [
        ({}, {"requested_model": "chat-prod", "served_model": "some-model", "provider": "azure"}),
        ({"RequestId": "chatcmpl-1"}, {"provider_request_id": "chatcmpl-1"}),
        (
            {"TimeGenerated": "2026-10-01T08:00:00.1234567Z"},
            {"started_at": datetime(2026, 10, 1, 8, 0, 0, 123_456, UTC)},
        ),
        ({"IsStreamCompletion": "True"}, {"is_streaming": True}),
        ({"OperationName": "Embeddings_Create"}, {"operation": "embedding"}),
    ],
    "databricks_endpoint_usage": [
        ({}, {"deployment_id": "entity-1", "served_model": None, "logged_cost_usd": None}),
        ({"usage_context": '{"app": "search"}'}, {"tags": '{"app": "search"}'}),
        ({"status_code": 503}, {"status": "error", "token_source": "provider"}),
        (
            {"status_code": 429, "output_token_count": 0},
            {"status": "error", "token_source": "estimated"},
        ),
        (
            {"request_time": "2026-10-01 08:00:00.123456"},
            {"started_at": datetime(2026, 10, 1, 8, 0, 0, 123_456, UTC)},
        ),
    ],
}
