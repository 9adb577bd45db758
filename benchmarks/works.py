"""The kinds of requests that `make bench` measures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

# Configures Django, so it comes before anything that reads settings.
from benchmarks import database, load, pgbench, site  # isort: split

from accounts.models import User
from projects.models import Visibility
from tickets.models import Ticket

# The requests of each client.
Requests = Callable[[int], load.Requests]
FILTERED = "/tickets?limit=20&status=open&priority=high"


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    name: str
    caller: str
    clients: int

    def requests(self) -> Requests:
        """Prepare one run, and return its requests."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, eq=False)
class Read(Work):
    """GET requests by one user, to each path in turn."""

    paths: Sequence[str]
    token: str

    def requests(self) -> Requests:
        headers = bearer(self.token)

        def of(client: int) -> load.Requests:
            for turn in count():
                yield "GET", self.paths[(client + turn * self.clients) % len(self.paths)], None, headers

        return of


@dataclass(frozen=True, kw_only=True, eq=False)
class Booking(Work):
    """Bookings of one ticket each, on each of some new events in turn, by the next customer or guest.

    Each client starts with another event, so that they do not all wait for the same one, over and over.
    """

    events: int = 1
    # Of customers with consecutive ids. Without customers, guests book.
    tokens: Sequence[str] = ()
    first_user: int = 0
    is_keyed: bool = False

    def requests(self) -> Requests:
        event_ids = self.prepare()

        def of(client: int) -> load.Requests:
            callers = range(client, len(self.tokens), self.clients) if self.tokens else count(client, self.clients)
            first = client * len(event_ids) // self.clients
            for turn, caller in enumerate(callers, first):
                path = f"/events/{event_ids[turn % len(event_ids)]}/bookings"
                yield "POST", path, self.body(caller), self.head(caller)

        return of

    def prepare(self) -> list[int]:
        """Return new events, which the peer has as well."""
        event_ids = [site.event(capacity=1_000_000).pk for _ in range(self.events)]
        database.run("peer/stock", event_ids=event_ids)
        database.flush()
        return event_ids

    def body(self, caller: int) -> dict[str, object]:
        guest = {"firstName": "Greta", "lastName": "Guest", "email": f"greta.{caller}@example.com"}
        return {"quantity": 1} if self.tokens else {"quantity": 1, "guest": guest}

    def head(self, caller: int) -> dict[str, str]:
        if not self.tokens:
            return {}
        key = {"Idempotency-Key": str(caller)} if self.is_keyed else {}
        return bearer(self.tokens[caller]) | key

    def script(self) -> str:
        """Return the same for pgbench."""
        users = {"first_user": self.first_user, "users": len(self.tokens)}
        return pgbench.bookings(self.prepare(), **users, is_guest=not self.tokens, is_keyed=self.is_keyed)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def reads(customer: User, admin: User, *, clients: int) -> list[Read]:
    ids = Ticket.objects.filter(project__visibility=Visibility.EVERYONE).order_by("pk").values_list("pk", flat=True)
    paths = {
        "GET /tickets/<id>": [f"/tickets/{number}" for number in ids[::97]],
        "GET /tickets?limit=20": ["/tickets?limit=20"],
        "… with status and priority": [FILTERED],
    }
    return [
        Read(name=name, caller=caller, clients=clients, paths=some, token=site.token(user))
        for name, some in paths.items()
        for caller, user in {"customer": customer, "admin": admin}.items()
    ]
