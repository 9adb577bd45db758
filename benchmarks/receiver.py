"""A receiver of webhooks that accepts everything at once, in as little time as possible.

`python -m benchmarks.receiver` prints its port and runs until it is terminated.
"""

import asyncio
from typing import cast

import uvloop

HOST = "127.0.0.1"
LENGTH = b"content-length: "
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection, on which a request follows the response to the previous one."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if separator and len(body) >= int(head.lower().partition(LENGTH)[2].split(b"\r\n")[0]):
            self.received = b""
            self.transport.write(NO_CONTENT)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
