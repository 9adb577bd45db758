"""Requests leave nothing to the garbage collector, which takes longer to free objects than reference counting does."""

import gc

import pytest
from django.test import RequestFactory

from accounts import tokens
from accounts.models import User
from events.tests.factories import make_event
from ticketing.wsgi import application
from tickets.tests.factories import make_ticket

REQUESTS = 5


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("path", ["/healthz", "/tickets?status=open", "/tickets/{ticket}", "/events", "/users"])
def test_reads_leave_no_reference_cycles(path: str, owner: User, admin: User) -> None:
    make_event(admin)
    url = path.format(ticket=make_ticket(owner).pk)
    headers = {"Authorization": f"Bearer {tokens.issue(admin).access}"}

    def read() -> int:
        response = application(RequestFactory().get(url, headers=headers).environ, lambda *_: lambda _: None)
        list(response)
        response.close()
        return int(response.status_code)

    assert read() == 200
    gc.collect()
    gc.disable()
    try:
        assert {read() for _ in range(REQUESTS)} == {200}
        assert gc.collect() == 0
    finally:
        gc.enable()
