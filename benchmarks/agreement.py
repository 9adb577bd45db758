"""Whether two servers return the same JSON, apart from what one of them leaves out."""

from collections.abc import Iterator
from typing import Any

import orjson

from benchmarks import load, site, works

# What the peer leaves out, as its head comment says.
LEFT_OUT = {"sla", "statistics", "watching", "activityDate", "mergedInto", "mergedFrom", "reason", "manageToken"}
# What differs between two bookings of the same kind, and between the cursors of two servers.
DIFFERENT = {"id", "event", "createdAt"}


def check(work: works.Work, ports: list[int]) -> None:
    """Send the first request of the work to each server.

    :raises SystemExit: they do not answer alike.
    """
    first, *others = [answer(port, work) for port in ports]
    ignored = DIFFERENT if isinstance(work, works.Booking) else set()
    for other in others:
        if found := list(differences(first, other, ignored)):
            raise SystemExit(f"The servers differ in {work.name} as {work.caller}:\n" + "\n".join(found))


def answer(port: int, work: works.Work) -> Any:
    client = load.Client(site.HOST, port)
    status, body = client.send(*next(work.requests()(0)))
    client.socket.close()
    if status >= 300:
        raise SystemExit(f"{work.name} as {work.caller} failed at port {port} with {status}: {body.decode()}")
    return orjson.loads(body)


def differences(product: Any, peer: Any, ignored: set[str], path: str = "") -> Iterator[str]:
    """Yield where two values differ. Of an object, the peer must have every key but those of LEFT_OUT."""
    if isinstance(product, dict) and isinstance(peer, dict):
        if set(product) - LEFT_OUT != set(peer):
            yield f"{path}: keys {sorted(product)} and {sorted(peer)}"
        for key in product.keys() & peer.keys() - ignored:
            yield from differences(product[key], peer[key], ignored, f"{path}.{key}")
    elif isinstance(product, list) and isinstance(peer, list) and len(product) == len(peer):
        for index, pair in enumerate(zip(product, peer, strict=True)):
            yield from differences(*pair, ignored, f"{path}[{index}]")
    elif path.endswith(".nextCursor"):
        # A cursor is opaque to clients.
        if (product is None) != (peer is None):
            yield f"{path}: {product!r} and {peer!r}"
    elif product != peer and not (isinstance(peer, str) and product == peer.replace(".000Z", "Z")):
        yield f"{path}: {product!r} and {peer!r}"
