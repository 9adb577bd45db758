"""HTTP receivers of webhooks, each in threads of its own."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

Headers = dict[str, str]


@dataclass(frozen=True)
class Received:
    """A request that has arrived, and when."""

    path: str
    headers: Headers
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def payload(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Reply:
    status: int = 204
    headers: Headers = field(default_factory=dict)
    body: bytes = b""


class Receiver:
    """Records requests. `reply` decides about the response to each."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.reply: Callable[[Received], Reply] = lambda request: Reply()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    @property
    def payloads(self) -> list[Any]:
        return [request.payload for request in self.received]

    def replies(self, *statuses: int) -> None:
        """Reply with these statuses in turn, and with the last one from then on."""
        left = list(statuses)
        self.reply = lambda request: Reply(left.pop(0) if len(left) > 1 else left[0])

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                receiver.received.append(request)
                reply = receiver.reply(request)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def do_GET(self) -> None:
                receiver.received.append(Received(self.path, dict(self.headers.items()), b""))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
