"""A storm on the box office: many clients, several processes, everything at once; then the books are checked.

`make bench ARGS=storm` sends 100,000 requests: bookings of every size by users and guests, cancellations
whole and in part, capacity raised and lowered. Every answer of 201 must be found in the database, nothing may be
oversold, and `check_bookings` must find nothing wrong.
"""

import argparse
import os
import random
from collections import Counter
from multiprocessing import get_context
from typing import Any

# Before anything that asks for settings.
from benchmarks import load, site  # isort: split

import orjson
from django.core.management import CommandError, call_command
from rich.console import Console

from events.models import Booking

PROCESSES, CLIENTS, EVENTS = 4, 8, 20
GUEST = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}
# The share of each kind of request.
SHARES = {"user": 45, "guest": 20, "cancel": 28, "part": 4, "capacity": 3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="Web server processes.")
    options = parser.parse_args()
    console = Console()
    people = site.prepare()
    events = [site.event(capacity=random.Random(number).randint(20, 400)).pk for number in range(EVENTS)]
    tokens = [site.token(person) for person in people[:1000]]
    each = options.requests // (PROCESSES * CLIENTS)
    jobs = [(number, options.seed, each, events, tokens, site.token(site.admin())) for number in range(PROCESSES)]
    console.print(f"{PROCESSES} processes of {CLIENTS} clients, {each:,} requests each, {EVENTS} events …")
    with site.served(options.workers), get_context("spawn").Pool(PROCESSES) as pool:
        results = pool.starmap(blow, jobs)
    statuses: Counter[int] = sum((result[0] for result in results), Counter())
    booked = {booking for result in results for booking in result[1]}
    seconds = max(result[2] for result in results)
    console.print(f"{statuses.total():,} answers in {seconds:.0f} s: {dict(sorted(statuses.items()))}")
    lost = booked - set(Booking.objects.filter(pk__in=booked).values_list("pk", flat=True))
    console.print(f"{len(booked):,} bookings were answered with 201; {len(lost)} of them are not there.")
    call_command("check_bookings")
    if lost or statuses[500]:
        raise CommandError("The storm has done damage.")


def blow(
    process: int, seed: int, each: int, events: list[int], tokens: list[str], admin: str
) -> tuple[Counter[int], set[int], float]:
    """One process of clients. Returns the statuses, the ids of the bookings answered with 201, and the seconds."""
    booked: set[int] = set()

    def work(client: int) -> load.Work:
        chance = random.Random(f"{seed} {process} {client}")
        mine: list[tuple[int, dict[str, str]]] = []
        for _ in range(each):
            kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
            event, quantity = chance.choice(events), chance.choice([1, 1, 1, 2, 3, 5, 8])
            if kind == "capacity":
                body: dict[str, Any] = {"capacity": chance.randint(10, 500)}
                yield "PATCH", f"/events/{event}", body, bearer(admin)
            elif kind in ("cancel", "part") and mine:
                booking, proof = mine.pop(chance.randrange(len(mine)))
                yield "POST", f"/bookings/{booking}/cancel", {"tickets": 1} if kind == "part" else {}, proof
            else:
                proof = {} if kind == "guest" else bearer(chance.choice(tokens))
                body = {"quantity": quantity} | ({} if proof else {"guest": GUEST})
                status, text = yield "POST", f"/events/{event}/bookings", body, proof
                if status == 201:
                    answer = orjson.loads(text)
                    booked.add(answer["id"])
                    mine.append((answer["id"], proof or {"X-Manage-Token": answer["manageToken"]}))

    answers = load.run(site.HOST, site.PORT, clients=CLIENTS, work=work)
    return answers.statuses, booked, answers.seconds


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


if __name__ == "__main__":
    main()
