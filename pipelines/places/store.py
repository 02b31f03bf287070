"""An S3 bucket, asked patiently: conditional requests, whole answers, few retries.

The only module that talks to a store. Credentials come from boto3's own chain: environment,
profile, role; never from settings.
"""

import base64
import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pipelines.places.addresses import Address
from pipelines.places.errors import (
    PARTIAL,
    TORN,
    VANISHED,
    ChangedError,
    StoreError,
    cause_of,
    code_and_status,
    is_passing,
)

ATTEMPTS = 5
THREADS = 16
_CHUNK = 1 << 20
_SLOWEST_WAIT = 20.0

Wait = Callable[[int], None]
_T = TypeVar("_T")


def back_off(attempt: int) -> None:
    """Sleep before another attempt: longer each time, and never in step with others."""
    time.sleep(random.uniform(0, min(_SLOWEST_WAIT, 0.5 * 2**attempt)))  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True)
class Listed:
    """One object, as a listing shows it."""

    key: str
    etag: str
    size: int
    modified_at: datetime
    """Whole seconds."""


@dataclass(frozen=True)
class Content:
    """What was read of an object: whole, and exactly the version asked for."""

    sha256: str
    version_id: str | None


class Store:
    """One folder of a bucket. Its methods may be called from several threads."""

    def __init__(
        self,
        address: Address,
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        wait: Wait = back_off,
        page_size: int = 1000,
    ) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        self.address = address
        self._errors = (BotoCoreError, ClientError)
        self._wait = wait
        self._page_size = page_size
        self.name = f"{endpoint_url or ''} {address}".strip()
        config = Config(
            # retries are ours: the library does not cover reading the body
            retries={"total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=THREADS,
            s3={"addressing_style": "path" if endpoint_url else "auto"},
        )
        try:
            self._client: Any = boto3.session.Session().client(
                "s3", endpoint_url=endpoint_url, region_name=region, config=config
            )
        except (*self._errors, ValueError) as error:
            raise StoreError(cause_of(error)) from None

    def objects(self) -> list[Listed]:
        """Everything in the folder.

        Raises:
            StoreError: The listing did not come whole; no part of it is returned.
        """
        found = [listed for page in self._pages() for listed in page]
        keys = {listed.key for listed in found}
        if len(keys) != len(found) or not all(key.startswith(self.address.prefix) for key in keys):
            raise StoreError(PARTIAL)
        return found

    def _pages(self) -> Iterator[list[Listed]]:
        asked = {"Bucket": self.address.bucket, "Prefix": self.address.prefix}
        seen: set[str] = set()
        while True:
            page = self._ask(self._client.list_objects_v2, MaxKeys=self._page_size, **asked)
            contents = page.get("Contents", [])
            if page.get("KeyCount", len(contents)) != len(contents):
                raise StoreError(PARTIAL)
            yield [_listed(item) for item in contents]
            token = page.get("NextContinuationToken")
            if page.get("IsTruncated") is False:
                return
            if not token or token in seen:
                raise StoreError(PARTIAL)
            seen.add(token)
            asked["ContinuationToken"] = token

    def sha256_of(self, key: str) -> str | None:
        """The hash that `create` noted with an object; null if there is none of ours."""
        try:
            head = self._ask(self._client.head_object, Bucket=self.address.bucket, Key=key)
        except StoreError as error:
            if error.cause == VANISHED:
                return None
            raise
        noted: Mapping[str, str] = head.get("Metadata", {})
        return noted.get("sha256")

    def read(self, listed: Listed, into: BinaryIO) -> Content:
        """Read exactly the object that was listed; an early end is read again from its start.

        Raises:
            ChangedError: It was replaced since.
            StoreError: It could not be read whole.
        """

        def once() -> Content:
            into.seek(0)
            into.truncate()
            answer = self._client.get_object(
                Bucket=self.address.bucket, Key=listed.key, IfMatch=listed.etag
            )
            with closing(answer["Body"]) as body:
                if answer.get("ETag") != listed.etag:
                    raise ChangedError
                if answer.get("ContentLength") != listed.size:
                    raise StoreError(TORN)
                return Content(_copy(body, into, listed.size), answer.get("VersionId"))

        return self._patiently(once)

    def read_small(self, key: str) -> tuple[bytes, str] | None:
        """A small object, at most 1 MiB of it, and its ETag; null if there is none."""

        def once() -> tuple[bytes, str] | None:
            try:
                answer = self._client.get_object(Bucket=self.address.bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            with closing(answer["Body"]) as body:
                return body.read(_CHUNK), answer["ETag"]

        return self._patiently(once)

    def create(self, key: str, content: Path | bytes, sha256: str) -> bool:
        """Put an object where none is. False if there is one: it is left as it is."""
        return self._put(key, content, sha256, {"IfNoneMatch": "*"})

    def swap(self, key: str, content: bytes, sha256: str, etag: str) -> bool:
        """Replace an object that is still the one of this ETag. False if it is not."""
        return self._put(key, content, sha256, {"IfMatch": etag})

    def _put(
        self, key: str, content: Path | bytes, sha256: str, condition: Mapping[str, str]
    ) -> bool:
        """Put an object on a condition; the store checks that it received what we hashed."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()

        def put(body: BinaryIO | bytes) -> None:
            self._client.put_object(
                Bucket=self.address.bucket,
                Key=key,
                Body=body,
                ChecksumSHA256=checksum,
                Metadata={"sha256": sha256},
                **condition,
            )

        def once() -> None:
            if isinstance(content, bytes):
                put(content)
            else:
                with content.open("rb") as file:
                    put(file)

        try:
            self._patiently(once)
        except ChangedError:
            return False
        return True

    def _ask(self, request: Callable[..., dict[str, Any]], **arguments: object) -> dict[str, Any]:
        return self._patiently(lambda: request(**arguments))

    def _patiently(self, action: Callable[[], _T]) -> _T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return action()
            except self._errors as error:
                if _is_condition(error):
                    raise ChangedError from None
                refused = StoreError(cause_of(error))
            except StoreError as error:
                refused = error
            if not is_passing(refused.cause) or attempt == ATTEMPTS:
                raise refused
            self._wait(attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")


def _listed(item: Mapping[str, Any]) -> Listed:
    if not {"Key", "ETag", "Size", "LastModified"} <= item.keys():
        raise StoreError(PARTIAL)
    # some stores tell fractions of a second at one time and not at another
    modified_at = item["LastModified"].replace(microsecond=0)
    return Listed(item["Key"], item["ETag"], item["Size"], modified_at)


def _copy(body: BinaryIO, into: BinaryIO, size: int) -> str:
    """Copy a body of a known size; returns its SHA-256.

    Raises:
        StoreError: The body is longer or shorter.
    """
    digest, done = hashlib.sha256(), 0
    while chunk := body.read(_CHUNK):
        done += len(chunk)
        if done > size:
            break
        digest.update(chunk)
        into.write(chunk)
    if done != size:
        raise StoreError(TORN)
    return digest.hexdigest()


def _is_condition(error: Exception) -> bool:
    """Whether it was the request's condition that did not hold."""
    return code_and_status(getattr(error, "response", {}))[1] == 412
