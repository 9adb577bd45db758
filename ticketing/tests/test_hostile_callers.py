"""A short form of `make bench ARGS=hostile`: other people's requests succeed while somebody abuses the server."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from benchmarks.attacks import ATTACKS, LARGEST_DESCRIPTION, Town, measure
from events import services as events
from ticketing.tests.server import served
from tickets import services as tickets
from tickets.models import Comment, Ticket

SECONDS = 3
# The goal is 300 ms. Other tests run beside this one, so the bound tells a server that hangs from one that is busy.
MAX_P95_MILLISECONDS = 2000
# The machine can stall for seconds, which no server can prevent. A server that hangs does so each time.
ATTEMPTS = 2
MAX_MEGABYTES = 400


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_ordinary_requests_succeed_beside_hostile_callers(admin: User) -> None:
    faults = []
    # Without the limits per minute, which would stop most callers before they reach the other rules.
    with served(RATE_LIMITS="on", RATE_LIMIT="100000/minute") as port:
        town = make_town(port)
        for name, attack in ATTACKS.items():
            if name == "nobody":
                continue
            for _ in range(ATTEMPTS):
                town.event_id = make_event(admin)
                measured = measure(town, attack, SECONDS)
                if (p95 := measured.percentile(95)) < MAX_P95_MILLISECONDS:
                    break
            if p95 >= MAX_P95_MILLISECONDS or measured.megabytes >= MAX_MEGABYTES or measured.failures:
                faults.append(f"{name}: p95 {p95:.0f} ms, {measured.megabytes:.0f} MB, {measured.failures} failed")

    assert faults == [], "\n".join(faults)
    # The attacks reached the rules that bound them.
    attacked = Ticket.objects.get(pk=town.ticket_id)
    assert Comment.objects.filter(ticket=attacked).exists()
    assert attacked.assignments.exists()


def make_town(port: int) -> Town:
    at = timezone.now()
    User.objects.bulk_create(
        User(name=f"Customer {number}", email=f"customer-{number}@example.com", password="!") for number in range(260)
    )
    users = list(User.objects.filter(email__startswith="customer-").order_by("id"))
    for number in range(100):
        tickets.create(by=users[0], at=at, title=f"Large {number}", description=LARGEST_DESCRIPTION)
    attacked, own = (
        tickets.create(by=user, at=at, title="Ordinary", description="Small") for user in (users[0], users[150])
    )
    access = [tokens.issue(user).access for user in users]
    return Town(port, users, access, attacked.pk, own.pk, event_id=0, clients=60)


def make_event(admin: User) -> int:
    at = timezone.now()
    return events.create(by=admin, at=at, capacity=1000, name="Fair", starts_at=at + timedelta(days=1), price=10).pk
