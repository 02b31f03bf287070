"""Fetching from a bucket of a test into a folder of a test."""

from dataclasses import dataclass, field
from pathlib import Path

from pipelines.places.addresses import read_address
from pipelines.places.s3 import fetch_bucket
from pipelines.places.store import Store
from tests.places.store_server import Bucket


@dataclass
class Copy:
    bucket: Bucket
    root: Path
    folder: str = "logs"
    page_size: int = 1000
    waits: list[int] = field(default_factory=list)
    _stores: dict[tuple, Store] = field(default_factory=dict)

    def fetch(self, wanted=lambda name: True):
        return fetch_bucket("gateway", self.root, self.store(), wanted=wanted)

    def store(self) -> Store:
        """The bucket behind its faults; made once per place, as a client takes a while."""
        place = (self.bucket.name, self.folder, self.page_size, self.bucket.server.endpoint_url)
        if place not in self._stores:
            self._stores[place] = Store(
                read_address(f"s3://{self.bucket.name}/{self.folder}"),
                endpoint_url=self.bucket.server.endpoint_url,
                wait=self.waits.append,
                page_size=self.page_size,
            )
        return self._stores[place]

    def files(self) -> dict[str, bytes]:
        """Name and content of every file that landing would see."""
        folder = self.root / "files"
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def rules(fetched) -> list[str]:
    return [problem.rule for problem in fetched.problems]
