"""How ordinary requests fare while somebody abuses the server. `make bench ARGS=hostile`.

For each kind of hostile caller, prints the latency of ordinary requests and the peak memory of a web server process.
Fails if their 95th percentile reaches 300 ms or a process takes 400 MB.
"""

import argparse
import os

# Configures Django, so it comes before anything that reads settings.
from benchmarks import site  # isort: split

from django.utils import timezone
from rich.console import Console

from benchmarks.attacks import ATTACKS, LARGEST_DESCRIPTION, Town, measure
from tickets import services
from tickets.models import Ticket

MAX_P95_MILLISECONDS, MAX_MEGABYTES = 300, 400
ROW = "{:<32}{:>7}{:>7}{:>7}{:>7}{:>8}"


def prepare(clients: int, tickets: int) -> Town:
    """Create tickets with the largest descriptions."""
    users = site.prepare()[:1000]
    missing = tickets - Ticket.objects.filter(description=LARGEST_DESCRIPTION).count()
    for number in range(max(missing, 0)):
        services.create(by=users[0], at=timezone.now(), title=f"Large {number}", description=LARGEST_DESCRIPTION)
    attacked, own = (
        services.create(by=user, at=timezone.now(), title="Ordinary", description="Small")
        for user in (users[0], users[150])
    )
    tokens = [site.token(user) for user in users]
    return Town(site.PORT, users, tokens, attacked.pk, own.pk, event_id=0, clients=clients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="duration of each attack")
    parser.add_argument("--clients", type=int, default=200, help="number of stalled readers")
    parser.add_argument("--tickets", type=int, default=300, help="tickets with the largest descriptions")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of web server processes")
    parser.add_argument("--only", help="run only the attacks whose name contains this")
    options = parser.parse_args()
    os.environ["RATE_LIMITS"] = "on"
    town, console = prepare(options.clients, options.tickets), Console()
    console.print(ROW.format("hostile caller", "p50", "p95", "max", "MB", "failed"))
    faults = []
    for name, attack in ATTACKS.items():
        if options.only and options.only not in name:
            continue
        with site.served(options.workers):
            # An event of its own, because a user books an event once.
            town.event_id = site.event(capacity=100_000).pk
            measured = measure(town, attack, options.seconds)
        p50, p95 = measured.percentile(50), measured.percentile(95)
        figures = (f"{value:.0f}" for value in (p50, p95, measured.latencies[-1], measured.megabytes))
        console.print(ROW.format(name, *figures, measured.failures))
        if p95 >= MAX_P95_MILLISECONDS or measured.megabytes >= MAX_MEGABYTES or measured.failures:
            faults.append(name)
    if faults:
        raise SystemExit(f"Too slow, too large or failing under: {', '.join(faults)}.")


if __name__ == "__main__":
    main()
