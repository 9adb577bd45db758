"""A mail server that accepts and forgets every message, in as little time as possible.

`python -m benchmarks.sink` prints its port and runs until it is terminated. `benchmarks.worker` starts it as a process
of its own.
"""

import asyncio

HOST = "127.0.0.1"
END = b"\r\n.\r\n"
REPLIES = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"DATA": b"354 Go ahead\r\n",
    b"QUIT": b"221 Bye\r\n",
}
OK = b"250 OK\r\n"


class Session(asyncio.Protocol):
    """One connection. Clients may send several commands at a time, but wait before and after a message."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""
        self.is_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.received.endswith(END if self.is_message else b"\r\n"):
            return
        commands = [b""] if self.is_message else [line[:4].upper() for line in self.received.splitlines()]
        self.received, self.is_message = b"", commands[-1] == b"DATA"
        self.transport.write(b"".join(REPLIES.get(command, OK) for command in commands))
        if commands[-1] == b"QUIT":
            self.transport.close()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Session, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
