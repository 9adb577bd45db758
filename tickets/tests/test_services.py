"""The rules of tickets."""

import pytest

from accounts.models import User
from tickets import services
from tickets.tests.factories import make_ticket


class TestAssign:
    def test_puts_a_user_to_work(self, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)

        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        assert list(ticket.assignees.all()) == [assignee]

    def test_refuses_an_outsider(self, owner: User, assignee: User, outsider: User) -> None:
        ticket = make_ticket(owner)

        with pytest.raises(services.NotAllowed):
            services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=outsider)
