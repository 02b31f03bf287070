"""What a location names: a folder of the workspace, or a bucket and the folder in it."""

import re
from dataclasses import dataclass

from pipelines.places.names import broken_rule

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class AddressError(ValueError):
    """A location that begins like a bucket and is none."""


@dataclass(frozen=True)
class Address:
    """A folder in a bucket."""

    bucket: str
    prefix: str
    """What the keys begin with: empty, or ending in a slash."""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"


def is_remote(location: str) -> bool:
    """Whether a location says that it is a bucket."""
    return location.startswith(SCHEME)


def read_address(location: str) -> Address:
    """Read `s3://bucket/folder`.

    Raises:
        AddressError: It is not of that form.
    """
    bucket, _, folder = location.removeprefix(SCHEME).partition("/")
    folder = folder.removesuffix("/")
    if not is_remote(location) or not _BUCKET.fullmatch(bucket):
        raise AddressError("no bucket of this name can exist")
    if folder and broken_rule(folder):
        raise AddressError("the part after the bucket is not a plain path")
    return Address(bucket, f"{folder}/" if folder else "")
