"""What can go wrong with a bucket, in our words: a store's own text may hold keys and accounts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CREDENTIALS = "Give new credentials through the environment, a profile or the machine's role"
_RIGHTS = (
    "Allow s3:ListBucket on the bucket and s3:GetObject on its objects (a mirror: s3:PutObject), "
    "and kms:Decrypt if they are encrypted with a key of your own"
)
_AGAIN = "Run again when the store answers; what was read already is not read again"


@dataclass(frozen=True)
class Cause:
    """A named reason."""

    rule: str
    message: str
    next_action: str
    is_everywhere: bool = False
    """Every other request would end the same way."""


class StoreError(Exception):
    """A request that a store did not fulfil. The text holds no value of its answer."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"{cause.rule}: {cause.message}. {cause.next_action}")
        self.cause = cause


class ChangedError(Exception):
    """The object is not the one that was asked for any more."""


NO_CREDENTIALS = Cause(
    "no_credentials",
    "no credentials for the store were found",
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role",
    is_everywhere=True,
)
EXPIRED = Cause("expired_credentials", "the credentials have expired", _CREDENTIALS, True)
WRONG = Cause("wrong_credentials", "the store does not know the credentials", _CREDENTIALS, True)
NO_BUCKET = Cause(
    "missing_bucket",
    "there is no such bucket",
    "Correct the location, or its endpoint_url and region",
    is_everywhere=True,
)
NO_FOLDER = Cause(
    "missing_folder",
    "the bucket holds nothing below this folder",
    "Correct the location; or, if the first file is still to come, create the folder there",
    is_everywhere=True,
)
DENIED = Cause("access_denied", "the store refuses access", _RIGHTS)
VANISHED = Cause(
    "vanished",
    "the object was listed but is gone",
    "Nothing, if it was deleted on purpose; else put it there again",
)
ARCHIVED = Cause(
    "archived", "the object is in an archive that cannot be read", "Restore it, then run again"
)
TORN = Cause(
    "torn_object",
    "the object ended early or did not match its checksum or declared length, every time",
    "Run again; if it stays so, upload the object again",
)
CHANGING = Cause(
    "kept_changing",
    "the object was replaced after each listing",
    "Run again when its writer is done",
)
OLDER = Cause(
    "older_version",
    "the bucket shows an older object than the one read before; the newer one is kept",
    "Put the newer object back; if the older one is right, copy it onto itself",
)
PARTIAL = Cause(
    "partial_listing",
    "the listing of the bucket is not whole, so nothing of it is used",
    "Run again; if it stays so, the store does not follow the S3 API",
    is_everywhere=True,
)
UNAVAILABLE = Cause("store_unavailable", "the store did not answer properly", _AGAIN)
CLOCK = Cause(
    "clock_skew",
    "the clock of this machine is wrong",
    "Set it, then run again",
    is_everywhere=True,
)

_BY_CODE: Mapping[str, Cause] = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"), EXPIRED
    ),
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"), WRONG),
    "RequestTimeTooSkewed": CLOCK,
    "NoSuchBucket": NO_BUCKET,
    "InvalidObjectState": ARCHIVED,
}
_BY_STATUS: Mapping[int, Cause] = {401: WRONG, 403: DENIED, 404: VANISHED}
_BY_CLASS: Mapping[str, Cause] = {
    "NoCredentialsError": NO_CREDENTIALS,
    "PartialCredentialsError": NO_CREDENTIALS,
    "ProfileNotFound": NO_CREDENTIALS,
    "CredentialRetrievalError": EXPIRED,
    "UnauthorizedSSOTokenError": EXPIRED,
    "SSOTokenLoadError": EXPIRED,
    "TokenRetrievalError": EXPIRED,
    "LoginRefreshRequired": EXPIRED,
    "FlexibleChecksumError": TORN,
    "IncompleteReadError": TORN,
    "ResponseStreamingError": TORN,
}
_BUSY = {409, 429}
_THROTTLES = {"RequestTimeout", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
_PASSING = (TORN, UNAVAILABLE)
_CODE = re.compile(r"[A-Za-z0-9]{1,64}")


def cause_of(error: Exception) -> Cause:
    """What an error of the client library comes to."""
    if not hasattr(error, "response"):
        known = _BY_CLASS.get(type(error).__name__)
        return known or (UNAVAILABLE if _is_connection(error) else _unknown(type(error).__name__))
    code, status = code_and_status(error.response)
    if status >= 500 or status in _BUSY or code in _THROTTLES:
        return UNAVAILABLE
    return _BY_CODE.get(code) or _BY_STATUS.get(status) or _unknown(code)


def is_passing(cause: Cause) -> bool:
    """Whether asking again may help."""
    return cause in _PASSING


def code_and_status(response: Mapping[str, Any]) -> tuple[str, int]:
    """A store's error code and the HTTP status of its answer."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(response.get("Error", {}).get("Code", "")), int(status)


def _is_connection(error: Exception) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return not names.isdisjoint({"HTTPClientError", "ConnectionError", "ResponseParserError"})


def _unknown(code: str) -> Cause:
    shown = f" ({code})" if _CODE.fullmatch(code) else ""
    return Cause(
        "store_error",
        f"the store refuses the request{shown}",
        "Look this up in the store's documentation; check location, endpoint_url and region",
        is_everywhere=True,
    )
