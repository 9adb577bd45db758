"""Load test of the box office with many clients in several processes, followed by a consistency check.

`make bench ARGS=storm` sends 100,000 requests: bookings of various sizes by users and guests, full and partial
cancellations, and capacity changes. Fails if a booking answered with 201 is missing from the database, if any response
was a 500, or if `check_bookings` finds a fault such as an oversold event.
"""

import argparse
import os
import random
from collections import Counter
from multiprocessing import get_context
from typing import Any

# Configures Django, so it comes before anything that reads settings.
from benchmarks import load, site  # isort: split

import orjson
from django.core.management import CommandError, call_command
from rich.console import Console

from events.models import Booking

PROCESSES, CLIENTS, EVENTS = 4, 8, 20
# Percentages of the kinds of requests.
SHARES = {"book as user": 45, "book as guest": 20, "cancel": 28, "cancel one ticket": 4, "change capacity": 3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="total number of requests")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random requests")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of web server processes")
    options = parser.parse_args()
    console = Console()
    console.print("Preparing the database …")
    customers = site.prepare()
    event_ids = [site.event(capacity=random.Random(number).randint(20, 400)).pk for number in range(EVENTS)]
    tokens = [site.token(customer) for customer in customers[:1000]]
    per_client = options.requests // (PROCESSES * CLIENTS)
    admin_token = site.token(site.admin())
    jobs = [(number, options.seed, per_client, event_ids, tokens, admin_token) for number in range(PROCESSES)]
    console.print(f"Sending {per_client:,} requests per client: {PROCESSES} × {CLIENTS} clients, {EVENTS} events …")
    with site.served(options.workers), get_context("spawn").Pool(PROCESSES) as pool:
        results = pool.starmap(run_process, jobs)
    statuses: Counter[int] = sum((result[0] for result in results), Counter())
    booked = {booking_id for result in results for booking_id in result[1]}
    seconds = max(result[2] for result in results)
    console.print(f"{statuses.total():,} responses in {seconds:.0f} s, by status: {dict(sorted(statuses.items()))}")
    lost = booked - set(Booking.objects.filter(pk__in=booked).values_list("pk", flat=True))
    console.print(f"{len(booked):,} bookings answered with 201, {len(lost):,} of them missing from the database")
    call_command("check_bookings")
    if lost or statuses[500]:
        raise CommandError(f"The load test failed: {len(lost):,} bookings lost, {statuses[500]:,} server errors.")


def run_process(
    process: int, seed: int, per_client: int, event_ids: list[int], tokens: list[str], admin_token: str
) -> tuple[Counter[int], set[int], float]:
    """Run one process of clients. Return statuses, ids of bookings answered with 201, and duration in seconds."""
    booked: set[int] = set()

    def requests(client: int) -> load.Requests:
        chance = random.Random(f"{seed} {process} {client}")
        bookings: list[tuple[int, dict[str, str]]] = []
        for _ in range(per_client):
            kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
            event_id, quantity = chance.choice(event_ids), chance.choice([1, 1, 1, 2, 3, 5, 8])
            if kind == "change capacity":
                body: dict[str, Any] = {"capacity": chance.randint(10, 500)}
                yield "PATCH", f"/events/{event_id}", body, bearer(admin_token)
            elif kind.startswith("cancel") and bookings:
                booking_id, credentials = bookings.pop(chance.randrange(len(bookings)))
                body = {"tickets": 1} if kind == "cancel one ticket" else {}
                yield "POST", f"/bookings/{booking_id}/cancel", body, credentials
            else:
                credentials = {} if kind == "book as guest" else bearer(chance.choice(tokens))
                body = {"quantity": quantity} | ({} if credentials else {"guest": guest(chance.randrange(10_000))})
                status, text = yield "POST", f"/events/{event_id}/bookings", body, credentials
                if status == 201:
                    booking = orjson.loads(text)
                    booked.add(booking["id"])
                    bookings.append((booking["id"], credentials or {"X-Manage-Token": booking["manageToken"]}))

    responses = load.run(site.HOST, site.PORT, clients=CLIENTS, requests=requests)
    return responses.statuses, booked, responses.seconds


def guest(number: int) -> dict[str, str]:
    return {"firstName": "Greta", "lastName": "Guest", "email": f"greta.{number}@example.com"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


if __name__ == "__main__":
    main()
