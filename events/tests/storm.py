"""A process that books and cancels as fast as it can: `python -m events.tests.storm EVENT CLIENTS SEED`.

It says on stdout what it was answered, a line each (`booked 7 confirmed 2`, `cancelled 7`), once it was answered; and
`lost` when the database has gone.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import django
from django.db import InterfaceError, OperationalError
from django.utils import timezone

THREADS = 4


def client(event_id: int, seed: int) -> None:
    """Book once, as a guest. Half of all clients think better of it."""
    from events import services
    from events.services import Guest

    chance = random.Random(seed)
    guest = Guest("Greta", f"Guest {seed}", f"greta.{seed}@example.com")
    quantity = chance.randint(1, 3)
    try:
        booking = services.book(event_id=event_id, quantity=quantity, by=None, guest=guest, at=timezone.now())
        say(f"booked {booking.pk} {booking.status} {quantity}")
        if chance.random() < 0.5:
            services.cancel(booking_id=booking.pk, by=None, is_proven=True)
            say(f"cancelled {booking.pk}")
    except (OperationalError, InterfaceError):
        say("lost")


def say(line: str) -> None:
    # In one go: the threads share the pipe.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(event_id: int, clients: int, seed: int) -> None:
    django.setup()
    say("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(clients):
            pool.submit(client, event_id, seed * clients + number)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
