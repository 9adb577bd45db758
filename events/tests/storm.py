"""Book and cancel as fast as possible: `python -m events.tests.storm EVENT CLIENTS SEED`.

Reports each response in one line (`booked 7 confirmed 2`, `cancelled 7`), and `lost` when the database is gone.
"""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import django
from django.db import InterfaceError, OperationalError
from django.utils import timezone

THREADS = 4


def client(event_id: int, seed: int) -> None:
    """Book once, as a guest. Half of the clients then cancel."""
    from events import services
    from events.services import Guest

    chance = random.Random(seed)
    guest = Guest("Greta", f"Guest {seed}", f"greta.{seed}@example.com")
    quantity = chance.randint(1, 3)
    try:
        booking = services.book(event_id=event_id, quantity=quantity, by=None, guest=guest, at=timezone.now())
        report(f"booked {booking.pk} {booking.status} {quantity}")
        if chance.random() < 0.5:
            services.cancel(booking_id=booking.pk, by=None, is_proven=True)
            report(f"cancelled {booking.pk}")
    except (OperationalError, InterfaceError):
        report("lost")


def report(line: str) -> None:
    # In a single write, because threads share the pipe.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(event_id: int, clients: int, seed: int) -> None:
    django.setup()
    report("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(clients):
            pool.submit(client, event_id, seed * clients + number)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
