"""One call as each gateway logs it, without its counts; `#` in ids stands for a number."""

WORDS = "tell me about ann@acme.example and 4711"
"""What people and AI models say to each other; it must never come out."""

MAIL = "ann@acme.example"

BEDROCK = {
    "schemaType": "ModelInvocationLog",
    "timestamp": "2026-10-01T08:00:00Z",
    "accountId": "123456789012",
    "identity": {"arn": f"arn:aws:iam::123456789012:user/{MAIL}"},
    "region": "eu-west-1",
    "requestId": "call-#",
    "operation": "Converse",
    "modelId": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "input": {"inputBodyJson": {"messages": [{"content": WORDS}]}},
    "output": {"outputBodyJson": {"output": WORDS}},
    "requestMetadata": {"app": "search", "secret": WORDS},
}
PORTKEY = {
    "id": "call-#",
    "trace_id": "trace-1",
    "created_at": "2026-10-01T08:00:00.250Z",
    "request": {"model": "alias", "messages": [{"content": WORDS}]},
    "response": {"id": "answer-#", "choices": [{"message": {"content": WORDS}}]},
    "ai_model": "some-model",
    "cost": 0.375,
    "response_status_code": 200,
    "config": {"api_key": "sk-not-to-be-seen"},
    "metadata": {"_user": MAIL, "app": "search", "secret": WORDS},
}
HELICONE = {
    "request_id": "call-#",
    "request_created_at": "2026-10-01T08:00:00.25+00:00",
    "response_created_at": "2026-10-01T08:00:01+00:00",
    "response_status": 200,
    "request_path": "/v1/chat/completions",
    "request_model": "alias",
    "response_model": "some-model",
    "request_user_id": MAIL,
    "request_body": {"messages": [{"content": WORDS}]},
    "response_body": {"id": "answer-#", "choices": [{"message": {"content": WORDS}}]},
    "request_properties": {"app": "search", "secret": WORDS},
    "cost": 0.00375,
}
KONG = {
    "request": {"id": "call-#", "uri": "/chat?key=" + MAIL, "headers": {"x-user": MAIL}},
    "response": {"status": 200, "headers": {"x-answer": WORDS}},
    "started_at": 1_790_841_600_250,
    "consumer": {"id": "consumer-1", "username": MAIL},
    "app": "search",
    "ai": {
        "payload": {"request": WORDS},
        "proxy": {
            "payload": {"response": WORDS},
            "usage": {"cost": 0.00375},
            "meta": {"request_model": "some-model", "plugin_id": "plugin-1"},
        },
        "sanitizer": {"sanitized_items": [{"original": MAIL}]},
    },
}
ENVOY = {
    "x-request-id": "call-#",
    "start_time": "2026-10-01T08:00:00.250Z",
    "duration": 750,
    "response_code": 200,
    "gen_ai.request.model": "alias",
    "gen_ai.response.model": "some-model",
    "gen_ai.provider.name": "openai",
    "x-envoy-origin-path": "/v1/chat/completions",
    "authorization": "Bearer sk-not-to-be-seen",
    "app": "search",
    "prompt": WORDS,
}
CLOUDFLARE = {
    "id": "call-#",
    "created_at": "2026-10-01T08:00:00.250Z",
    "provider": "openai",
    "model": "some-model",
    "path": "chat/completions",
    "status_code": 200,
    "success": True,
    "cached": False,
    "duration": 750,
    "cost": 0.00375,
    "metadata": '{"app": "search", "secret": "' + WORDS + '"}',
    "request_head": WORDS,
    "response_head": WORDS,
}
OPENROUTER = {
    "id": "call-#",
    "created_at": "2026-10-01T08:00:00.250000+00:00",
    "model": "maker/some-model",
    "provider_name": "Infermatic",
    "api_type": "completions",
    "is_byok": False,
    "total_cost": 0.00375,
    "external_user": MAIL,
    "http_referer": "https://example.com/" + MAIL,
    "user_agent": WORDS,
}
VERCEL = {
    "id": "call-#",
    "createdAt": "2026-10-01T08:00:00.250Z",
    "model": "maker/some-model",
    "isByok": False,
    "totalCost": 0.00375,
    "generationTime": 750,
    "prompt": WORDS,
}
APIM = {
    "CorrelationId": "call-#",
    "TimeGenerated": "2026-10-01T08:00:00.2500000Z",
    "DeploymentName": "chat-prod",
    "ModelName": "some-model",
    "OperationName": "ChatCompletions_Create",
    "RequestMessages": [{"content": WORDS}],
    "ResponseMessages": WORDS,
    "CallerIpAddress": "192.0.2.1",
}
DATABRICKS = {
    "databricks_request_id": "call-#",
    "request_time": "2026-10-01T08:00:00.250Z",
    "requester": MAIL,
    "status_code": 200,
    "served_entity_id": "entity-1",
    "usage_context": {"app": "search", "secret": WORDS},
    "request": WORDS,
    "response": WORDS,
}
