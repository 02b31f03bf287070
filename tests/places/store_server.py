"""A real S3 API on loopback, and a layer in front of it that can be told to misbehave."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import boto3
from botocore.config import Config
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

App = Callable[..., Iterable[bytes]]
Fault = Callable[[dict, App], tuple[list, str, list] | None]


class Quiet(WSGIRequestHandler):
    def log(self, *args, **kwargs):
        """Say nothing."""

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            """The client hung up, as it may after a fault."""


class Unreliable:
    """Passes requests on, unless a fault answers them.

    A fault gets the request's environment and the store behind; it returns nothing, or what `reply`
    makes. Faults are asked in order; one that answered `times` requests is over.
    """

    def __init__(self, store: App) -> None:
        self.store = store
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            verb = "LIST" if is_listing(environ) else environ["REQUEST_METHOD"]
            self.requests.append(f"{verb} {environ['PATH_INFO']}")
            faults = list(self.faults)
        for fault in faults:
            answer = fault(environ, self.store)
            if answer is not None:
                body, status, headers = answer
                start_response(status, headers)
                return body
        return self.store(environ, start_response)


class Server:
    """The store under test, by address and by a client that no fault touches."""

    def __init__(self) -> None:
        store = DomainDispatcherApplication(create_backend_app)
        self.front = Unreliable(store)
        self._front = make_server("127.0.0.1", 0, self.front, True, request_handler=Quiet)
        self._back = make_server("127.0.0.1", 0, store, True, request_handler=Quiet)
        self.endpoint_url = f"http://127.0.0.1:{self._front.server_port}"
        for server in (self._front, self._back):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self._back.server_port}",
            config=Config(s3={"addressing_style": "path"}),
        )

    def stop(self) -> None:
        for server in (self._front, self._back):
            server.shutdown()
            server.server_close()
        self.client.close()


class Bucket:
    """A bucket of one test."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        server.client.create_bucket(Bucket=name)

    @property
    def requests(self) -> list[str]:
        return self.server.front.requests

    def put(self, key: str, content: bytes | str) -> str:
        """Put an object past all faults; returns its ETag."""
        body = content if isinstance(content, bytes) else content.encode()
        return self.server.client.put_object(Bucket=self.name, Key=key, Body=body)["ETag"]

    def delete(self, key: str) -> None:
        self.server.client.delete_object(Bucket=self.name, Key=key)

    def read(self, key: str) -> bytes:
        return self.server.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def all_keys(self) -> list[str]:
        pages = self.server.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    @contextmanager
    def faults(self, *faults: Fault) -> Iterator[None]:
        self.server.front.faults = list(faults)
        try:
            yield
        finally:
            self.server.front.faults = []


def is_listing(environ) -> bool:
    return environ["REQUEST_METHOD"] == "GET" and "list-type=2" in environ["QUERY_STRING"]


def is_get(environ, key="") -> bool:
    path = environ["PATH_INFO"]
    return environ["REQUEST_METHOD"] == "GET" and not is_listing(environ) and path.endswith(key)


def is_put(environ, key="") -> bool:
    return environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].endswith(key)


def answered(environ, store) -> tuple[bytes, str, list]:
    """What the store says."""
    body, status, headers = run_wsgi_app(store, environ, buffered=True)
    return b"".join(body), status, list(headers)


def refusal(status: int, code: str):
    """A store's answer that says no."""
    text = f"<Error><Code>{code}</Code><Message>secret-of-the-store</Message></Error>"
    response = Response(text, status, content_type="application/xml")
    return [response.data], response.status, list(response.headers)


def times(count: int, when: Callable[[dict], bool], answer: Callable) -> Fault:
    """A fault of the first `count` matching requests."""
    left = [count]
    lock = threading.Lock()

    def fault(environ, store):
        with lock:
            if not when(environ) or not left[0]:
                return None
            left[0] -= 1
        return answer(environ, store)

    return fault


def refuse(status: int, code: str):
    return lambda environ, store: refusal(status, code)


def cut(environ, store):
    """The body ends early; the declared length is that of the whole."""
    body, status, headers = answered(environ, store)
    return [body[: len(body) // 2]], status, headers


def shorten(environ, store):
    """The body ends early, and so does the declared length."""
    body, status, headers = answered(environ, store)
    kept = [(k, v) for k, v in headers if k.lower() != "content-length"]
    short = body[: len(body) // 2]
    return [short], status, [*kept, ("Content-Length", str(len(short)))]


def flip(environ, store):
    """One byte differs."""
    body, status, headers = answered(environ, store)
    middle = len(body) // 2
    return [body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]], status, headers


def after(change: Callable[[], object]):
    """Something happens in the bucket just before the store answers."""

    def answer(environ, store):
        change()
        body, status, headers = answered(environ, store)
        return [body], status, headers

    return answer


def rewrite(pattern: str, replacement: str):
    """The body differs: every match is replaced, and the declared length fits."""

    def answer(environ, store):
        body, status, headers = answered(environ, store)
        text = re.sub(pattern, replacement, body.decode(), flags=re.DOTALL).encode()
        kept = [(k, v) for k, v in headers if k.lower() != "content-length"]
        return [text], status, [*kept, ("Content-Length", str(len(text)))]

    return answer


def without_precondition(environ, store):
    """A store that does not know conditional reads."""
    environ.pop("HTTP_IF_MATCH", None)
    body, status, headers = answered(environ, store)
    return [body], status, headers
