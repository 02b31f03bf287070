"""Amazon Bedrock model invocation logs, as S3 delivers them: one JSON object per call.

The caller's ARN may name a person: it leaves only as a pseudonym. An assumed role without its
session is a machine's identity and stands as the key. Bodies of requests and answers are never
read.

Export:
    1. In Bedrock, Settings, switch on model invocation logging to S3, in every region you use;
       text, image and embedding bodies can stay off.
    2. Keep the tree `AWSLogs/<account>/BedrockModelInvocationLogs/<region>/...`: point `location`
       at the prefix, or sync it. Large bodies in `data/` are left alone.
    3. Let callers send request metadata (application, feature, task): name the keys in `tag_keys`
       and `task_key`.
    4. The money is in `aws_cur`: read it too.

Settings:
    - source: bedrock_calls
      kind: bedrock_invocation_logs
      location: inbox/bedrock           # or s3://bucket/prefix
      tag_keys: [app]                   # keys of requestMetadata
      task_key: task_id

Reads:
    Request id, time, account, region, caller, operation, model id, error code and token counts; of
    the answer's `usage` how long cache writes last; of `requestMetadata` the keys in `tag_keys` and
    `task_key`.

Never read:
    `inputBodyJson`, `outputBodyJson` but for the counts in its `usage`, and any other field.

Traps:
    - Calls from before logging was on, and in regions without it, are missing: they show as
      `unlogged_usage`.
    - An application inference profile does not say which AI model it is: add its ARN to
      `model_aliases.csv`.
    - How long cache writes last is in the logged answer only: without text bodies it is unknown.
    - That the input excludes cache reads and writes, as in the Converse API, is unverified for
      the log.
"""

from collections.abc import Iterable, Sequence

from pipelines.sources.base import DeliveryUnit, FoundFile, each_file_alone
from pipelines.sources.call_source import calls_source
from pipelines.sources.call_sql import (
    EXCLUSIVE,
    INCLUSIVE,
    CallFormat,
    Totals,
    instant,
)
from pipelines.sources.sql_text import literal, renamed

_ERROR_CODES = {
    "ValidationException": "400",
    "ServiceQuotaExceededException": "400",
    "AccessDeniedException": "403",
    "ResourceNotFoundException": "404",
    "ModelTimeoutException": "408",
    "ConflictException": "409",
    "ModelErrorException": "424",
    "ModelStreamErrorException": "424",
    "ThrottlingException": "429",
    "ModelNotReadyException": "429",
    "InternalServerException": "500",
    "ServiceUnavailableException": "503",
}
"""HTTP status of each error of the runtime endpoint."""

_TELLING_ARN = "^arn:[^:]*:bedrock:[^/]*:(foundation-model|inference-profile)/"
"""ARNs that end in the name of an AI model. Others are names somebody gave."""

_NAME = f"regexp_replace(named, {literal(_TELLING_ARN)}, '')"


def _invocations_only(files: Sequence[FoundFile]) -> Iterable[DeliveryUnit]:
    """Without large bodies kept apart, and the object that tries out the permission."""
    return each_file_alone(
        [
            file
            for file in files
            if "data" not in file.name.split("/")[:-1]
            and "amazon-bedrock-logs-permission-check" not in file.name
        ]
    )


_ANSWER = "$.output.outputBodyJson"
_USAGES = tuple(
    f"json_extract(line, '{_ANSWER}{place}')"
    for place in (".usage", "[*].metadata.usage", "[*].message.usage")
)
"""Usage of the answer: as a whole, or of the events of a stream."""


def _written(lifetime: str) -> str:
    """Cache writes of one lifetime, as Converse lists them or Claude names them; as text."""
    one, *streamed = _USAGES
    usages = f"list_concat([{one}], {', '.join(f'coalesce({s}, [])' for s in streamed)})"
    listed = (
        f"flatten(list_transform({usages}, lambda u: coalesce(try(cast(json_extract("
        "u, '$.cacheDetails') as struct(ttl varchar, \"inputTokens\" bigint)[])), [])))"
    )
    named = (
        f"list_transform({usages}, lambda u: try_cast(json_extract_string("
        f"u, '$.cache_creation.ephemeral_{lifetime}_input_tokens') as bigint))"
    )
    of_lifetime = f"list_filter({listed}, lambda d: d.ttl = '{lifetime}')"
    listed_sum = f'list_sum(list_transform({of_lifetime}, lambda d: d."inputTokens"))'
    return (
        f"case when cache_write > '0'"
        f" then cast(coalesce({listed_sum}, list_max({named})) as varchar) end"
    )


_FORMAT = CallFormat(
    source_format="bedrock_invocation_log",
    paths={
        "native_id": "$.requestId",
        "started_text": "$.timestamp",
        "schema_type": "$.schemaType",
        "account": "$.accountId",
        # where it was asked, which sets its price; inference may have run elsewhere
        "region": "$.region",
        "caller": "$.identity.arn",
        "api": "$.operation",
        "named": "$.modelId",
        "error_text": "$.errorCode",
        "reported_input": "$.input.inputTokenCount",
        "cache_read": "$.input.cacheReadInputTokenCount",
        "cache_write": "$.input.cacheWriteInputTokenCount",
        "reported_output": "$.output.outputTokenCount",
        "metadata": "$.requestMetadata",
    },
    columns={
        "started": instant("started_text"),
        "cache_write_5m": _written("5m"),
        "cache_write_1h": _written("1h"),
        "passed": "if(schema_type <> 'ModelInvocationLog', 'not_an_invocation', null)",
        "provider_text": "'bedrock'",
        "provider_request_id": "native_id",
        "path_text": "concat_ws('/', named, api)",
        "requested_model": _NAME,
        "served_model": f"if(starts_with({_NAME}, 'arn:'), null, {_NAME})",
        "deployment_id": "if(starts_with(named, 'arn:'), named, null)",
        "project_id": "account",
        "user_id": "caller",
        "api_key_id": "nullif(regexp_extract("
        "caller, '^(arn:[^:]*:sts::[0-9]*:assumed-role/[^/]+)/', 1), '')",
        "http_text": f"coalesce({renamed('error_text', _ERROR_CODES)},"
        " if(error_text is null, null, '500'))",
        "is_streaming": "contains(api, 'Stream')",
    },
    totals={
        "*": Totals(
            EXCLUSIVE,
            INCLUSIVE,
            "As the Converse API counts; unverified for the log. Reasoning is not told apart.",
        ),
    },
)

SOURCE = calls_source(
    _FORMAT,
    name="bedrock_invocation_logs",
    summary="Amazon Bedrock model invocation logs in S3: one JSON object per call.",
    money_unit="none",
    proof="documented examples",
    suffixes=(".json", ".jsonl", ".gz"),
    empty=("not_an_invocation",),
    layout=_invocations_only,
)
