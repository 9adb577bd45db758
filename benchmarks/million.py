"""Latencies of single requests at a million tickets, each beside its goal. `make bench ARGS=million`.

One client sends one request at a time. Each row is a group of requests, such as one filter in every order; its last
columns name the slowest of them. Loading the tickets takes a while on the first run.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from statistics import quantiles
from urllib.parse import quote
from uuid import uuid4

# Read by `site`. The comparison at 100,000 tickets has another database.
os.environ.setdefault("BENCH_CLUSTER", "postgres-million")

# Configures Django, so it comes before anything that reads settings.
from benchmarks import data, load, site, works  # isort: split

from django.conf import settings
from django.db.models import F
from django.test import Client
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from accounts.models import User, UserType
from kit.web import paging
from projects.models import Project, Visibility
from tickets.models import Queue, Status, Ticket
from tickets.serializers import ORDERING_OF_NAME

MAX_MILLISECONDS, MAX_MONTH, MAX_EVERYTHING, MAX_ADMIN_LIST = 50, 40, 60, 80
# Where pages begin, by the label: after this share of all tickets in the order. The end is the last page of most lists.
DEPTHS = {"": 0, ", middle": 0.5, ", end": 0.9999}
LIST = "/tickets?limit=20"


@dataclass(frozen=True)
class Group:
    """Requests of one kind by one user, by their labels. Their 95th percentiles must not exceed `goal` milliseconds."""

    name: str
    caller: str
    requests: dict[str, Iterator[load.Request]]
    goal: float = MAX_MILLISECONDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000, help="number of tickets in the database")
    parser.add_argument("--samples", type=int, default=20, help="how often to send each request")
    parser.add_argument("--only", default="", help="measure only the groups whose name contains this")
    options = parser.parse_args()
    console = Console()
    console.print("Preparing the database …")
    data.prepare(options.tickets, console)
    chosen = [group for group in groups() if options.only in group.name]
    with site.served(os.cpu_count() or 1):
        progress = track(chosen, "Measuring", console=console)
        measured = [(group, latencies(group, options.samples)) for group in progress]
    Console(width=250).print(table(measured))
    console.print(
        f"Milliseconds, {options.tickets:,} tickets, {options.samples} requests of each kind, no rate limits."
    )


def groups() -> list[Group]:
    found = []
    places = cursors()
    for caller, user in people().items():
        headers = works.bearer(site.token(user))
        for name, query in filters().items():
            pages = {label: get(f"{LIST}&{query}&{place}", headers) for label, place in places.items()}
            found.append(Group(f"list, {name}", caller, pages))
        for text in searches():
            pages = {label: get(f"{LIST}&search={quote(text)}&{place}", headers) for label, place in places.items()}
            found.append(Group(f"list, search: {text}", caller, pages))
        for name, query in filters().items():
            starts = {
                order: get(f"{LIST}&search=printer&{query}&ordering={order}", headers) for order in ORDERING_OF_NAME
            }
            found.append(Group(f"list, search: printer, {name}", caller, starts))
        for name, path in {"dashboard": "/dashboard/analytics", "analytics": "/tickets/analytics"}.items():
            month, everything = get(f"{path}?{last_days(30)}", headers), get(path, headers)
            found.append(Group(f"{name}, 30 days", caller, {"": month}, MAX_MONTH))
            found.append(Group(f"{name}, all", caller, {"": everything}, MAX_EVERYTHING))
        if user.is_staff:
            fields = {"title": changes_of_titles(headers), "status": changes_of_statuses(headers)}
            found.append(Group("PATCH", caller, fields))
            cookie = session(user)
            queues = {queue: get(f"/admin/tickets/ticket/?queue={queue}", cookie) for queue in Queue.values}
            found.append(Group("admin: queue of 100 tickets", caller, queues, MAX_ADMIN_LIST))
    return found


def people() -> dict[str, User]:
    return {
        "admin": site.admin(),
        "customer, 5 tickets": User.objects.get(pk=data.ORDINARY),
        "customer, 5,000 tickets": User.objects.get(pk=data.BUSY),
    }


def filters() -> dict[str, str]:
    """Return query strings by their names in the table."""
    agent = User.objects.filter(type=UserType.AGENT).earliest("pk")
    private = Project.objects.filter(visibility=Visibility.INVOLVED).latest("pk")
    public = Project.objects.filter(visibility=Visibility.EVERYONE).latest("pk")
    queries = [
        *("", "status=open", "status=closed", "priority=high", "status=open&priority=high", "type=conference"),
        *("venue=Hall 7", "venue=Hall 7&type=conference&status=open", "sla=breached", "sla=missed"),
        # Of 20, 0.1 and 5 percent of all tickets, the last together with a filter.
        *("label=hardware", "label=recall", "label=hardware&label=urgent&status=open"),
        *("label=hardware&venue=Hall 7", "label=network&sla=missed"),
    ]
    return {
        **{query or "no filter": query.replace(" ", "%20") for query in queries},
        "project, visible to everyone": f"project={public.pk}",
        "project, visible to those involved": f"project={private.pk}",
        "assignee, an agent": f"assignee={agent.pk}",
        "createdBy, with 5,000 tickets": f"createdBy={data.BUSY}",
        "assignee, with 5,000 tickets": f"assignee={data.BUSY}",
        "a month": month(),
    }


def month() -> str:
    """Return the filter for 30 days in the middle of the tickets."""
    newest, oldest = (Ticket.objects.order_by(order)[0].created_at for order in ("-created_at", "created_at"))
    middle = oldest + (newest - oldest) / 2
    return f"startDate={middle:%Y-%m-%d}&endDate={middle + timedelta(days=30):%Y-%m-%d}"


def searches() -> Sequence[str]:
    last = Ticket.objects.order_by("-pk").values_list("pk", flat=True)[0]
    return "printer", "printer slow", "cafe", "p", f"{last // 3}", "nothing-has-this"


def last_days(number: int) -> str:
    """Return the filter for the last days with tickets, which may not be today's."""
    newest = Ticket.objects.latest("created_at").created_at
    return f"startDate={newest - timedelta(days=number - 1):%Y-%m-%d}"


def cursors() -> dict[str, str]:
    """Return the query strings of pages in every order, at each of DEPTHS."""
    total = Ticket.objects.count()
    found = {}
    for name, order in ORDERING_OF_NAME.items():
        keys = [order.key(), F("id")]
        places = Ticket.objects.order_by(*(key.desc() if order.is_descending else key for key in keys))
        for label, depth in DEPTHS.items():
            found[f"{name}{label}"] = f"ordering={name}"
            if depth:
                place = places.values_list(order.field, "pk")[int(depth * total)]
                found[f"{name}{label}"] += f"&cursor={paging.encode(name, *place)}"
    return found


def session(user: User) -> dict[str, str]:
    """Sign the user in to the admin and return the headers that requests of that session need."""
    browser = Client()
    browser.force_login(user)
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"}


def get(path: str, headers: dict[str, str]) -> Iterator[load.Request]:
    while True:
        yield "GET", path, None, headers


def changes_of_titles(headers: dict[str, str]) -> Iterator[load.Request]:
    for ticket_id in scattered():
        yield "PATCH", f"/tickets/{ticket_id}", {"title": f"Changed: {uuid4()}"}, headers


def changes_of_statuses(headers: dict[str, str]) -> Iterator[load.Request]:
    """Close and reopen one ticket after another."""
    for ticket_id in scattered():
        for status in (Status.CLOSED, Status.OPEN):
            yield "PATCH", f"/tickets/{ticket_id}", {"status": status}, headers


def scattered() -> Iterator[int]:
    """Yield ids of tickets in an order that has nothing to do with their age."""
    total = Ticket.objects.count()
    return (number * 7919 % total + 1 for number in count(1))


def latencies(group: Group, samples: int) -> dict[str, list[float]]:
    """Send each request of the group, in turn. Return the latencies in milliseconds by the request's label."""
    client = load.Client(site.HOST, site.PORT)
    found: dict[str, list[float]] = {label: [] for label in group.requests}
    # The first round, which fills caches, does not count.
    for number in range(samples + 1):
        for label, requests in group.requests.items():
            request = next(requests)
            started = time.perf_counter()
            status, body = client.send(*request)
            if status >= 300:
                raise SystemExit(f"{request[0]} {request[1]} as {group.caller} failed with {status}: {body.decode()}")
            if number:
                found[label].append((time.perf_counter() - started) * 1000)
    client.socket.close()
    return found


def table(measured: list[tuple[Group, dict[str, list[float]]]]) -> Table:
    found = Table("request", "by", box=box.MARKDOWN)
    for name in ("p50", "p95", "goal", "p95 of the slowest"):
        found.add_column(name, justify="right")
    found.add_column("the slowest")
    for group, by_label in measured:
        every = [latency for values in by_label.values() for latency in values]
        worst = max(by_label, key=lambda label: percentile(by_label[label], 95))
        slowest = percentile(by_label[worst], 95)
        mark = "✓" if slowest <= group.goal else "✗ missed"
        found.add_row(
            group.name,
            group.caller,
            f"{percentile(every, 50):.1f}",
            f"{percentile(every, 95):.1f}",
            f"{group.goal} {mark}",
            f"{slowest:.1f}",
            worst,
        )
    return found


def percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
