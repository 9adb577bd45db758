"""The HTTP client that posts deliveries. It connects only to allowed addresses and does not trust receivers."""

import asyncio
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from webhooks import addresses
from webhooks.models import MAX_RESPONSE

# For a whole attempt, from looking up the name to the end of the response.
TIMEOUT_SECONDS = 15
TIMED_OUT = f"No complete response within {TIMEOUT_SECONDS} seconds."
# Many receivers close idle connections after two seconds or more. A message on a closed one is a failed attempt.
KEEP_ALIVE_SECONDS = 1.5
# Names that are being looked up at a time. A name server that does not reply holds up a thread for some seconds.
LOOKUPS = 16
USER_AGENT = "Ticketing-Webhooks/1.0"


class RefusedAddress(OSError):
    """The receiver's address is one that deliveries may not go to."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is a private, local or reserved address. WEBHOOK_ALLOW_PRIVATE allows those.")


class NotSent(Exception):
    """There is no response, for the reason in the message."""


@dataclass(frozen=True)
class Answer:
    """A response: its status, the beginning of its body, and its `Retry-After`."""

    status: int
    body: str
    retry_after: timedelta | None = None


class Resolver(AbstractResolver):
    """Looks up names in threads of its own, so that a slow name server holds up no jobs."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        def look_up() -> list[Any]:
            return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)

        found = await asyncio.get_running_loop().run_in_executor(self.threads, look_up)
        return [
            ResolveResult(
                hostname=host, host=place[0], port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _, protocol, _, place in found
        ]

    async def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)


def open_socket(found: tuple[Any, Any, int, str, Any]) -> socket.socket:
    """Return a socket for this result of `getaddrinfo`. Every connection goes through here, whatever the URL says.

    :raises RefusedAddress: deliveries may not go to its address. What is checked is what the socket will connect to.
    """
    family, kind, protocol, _, place = found
    if not addresses.is_allowed(str(place[0])):
        raise RefusedAddress(str(place[0]))
    return socket.socket(family, kind, protocol)


class Client:
    """Posts deliveries and keeps connections open for a moment. Use it as an asynchronous context manager."""

    async def __aenter__(self) -> Self:
        # No proxy, no cookies, no redirects, no decompression, and no limit on connections but the sender's own.
        connector = aiohttp.TCPConnector(
            resolver=Resolver(),
            socket_factory=open_socket,
            ssl=ssl.create_default_context(),
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            limit=0,
        )
        self.session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Content-Type": "application/json"},
            skip_auto_headers=["Accept-Encoding"],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def post(self, url: str, *, headers: dict[str, str], body: bytes) -> Answer:
        """Post a body and return the response.

        :raises NotSent: there is none.
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._post(url, headers, body)
        except TimeoutError as error:
            raise NotSent(TIMED_OUT) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotSent(described(error)) from error

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        async with self.session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            start = await _beginning(response)
            return Answer(response.status, text(start), retry_after(response.headers.get("Retry-After", "")))


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of the body. The rest of a longer one is not read, and its connection is closed."""
    start = b""
    while len(start) < MAX_RESPONSE and (part := await response.content.read(MAX_RESPONSE - len(start))):
        start += part
    if not response.content.at_eof():
        response.close()
    return start


def text(body: bytes) -> str:
    """Return a body as text that PostgreSQL can store."""
    return body.decode("utf-8", "replace").replace("\x00", "�")


def retry_after(header: str, *, at: datetime | None = None) -> timedelta | None:
    """Return how long the receiver asks to wait: a number of seconds, or until a date."""
    if re.fullmatch(r"[0-9]{1,9}", header):
        return timedelta(seconds=int(header))
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC) - (at or datetime.now(UTC))


def described(error: Exception) -> str:
    """Return what went wrong, in a sentence for the list of deliveries."""
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate is not valid: {cause.verify_message}."
    if refused := _refused(cause):
        return str(refused)
    if isinstance(cause, socket.gaierror):
        return f"The name was not found: {cause.strerror}."
    return f"{type(cause).__name__}: {cause}".removesuffix(": ")


def _refused(error: BaseException | None) -> RefusedAddress | None:
    """Return the refusal among the reasons for an error."""
    while error is not None:
        if isinstance(error, RefusedAddress):
            return error
        for each in getattr(error, "exceptions", ()):
            if found := _refused(each):
                return found
        error = error.__cause__ or error.__context__
    return None
