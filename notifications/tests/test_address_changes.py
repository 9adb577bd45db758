"""The old address is told of a change, whoever made it, and mail meant for it does not follow to the new one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from events.tests.factories import GUEST, book, make_event
from kit.tests.browser import Browser
from notifications import mails
from notifications.models import Delivery, Kind, State
from notifications.services import mail_reset_code, mute
from notifications.tests.factories import due_ids, html, run_worker
from notifications.tests.smtp import MailServer
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

OLD, NEW = "olga@example.com", "new@example.com"
SOON = timedelta(seconds=1)


@pytest.fixture
def owner(db: None) -> User:
    return make_user("Olga Owner", email=OLD)


def notices() -> list[str]:
    """Return the addresses that are told of a change, oldest first."""
    found = Delivery.objects.filter(kind=Kind.ADDRESS_CHANGED).order_by("id")
    return list(found.values_list("address", flat=True))


def by_api(user: User, signed_in: Callable[[User], APIClient]) -> None:
    signed_in(user).patch(f"/users/{user.pk}", {"email": NEW, "currentPassword": PASSWORD})


def by_admin(user: User, signed_in: Callable[[User], APIClient]) -> None:
    admin = User.objects.get(type="admin")
    signed_in(admin).patch(f"/users/{user.pk}", {"email": NEW})


def by_admin_page(user: User, signed_in: Callable[[User], APIClient]) -> None:
    Browser(User.objects.get(type="admin")).submit(f"/admin/accounts/user/{user.pk}/change/", email=NEW)


def by_bulk_update(user: User, signed_in: Callable[[User], APIClient]) -> None:
    User.objects.filter(pk=user.pk).update(email=NEW)


def by_psql(user: User, signed_in: Callable[[User], APIClient]) -> None:
    psql("UPDATE accounts_user SET email = %(email)s WHERE id = %(id)s", email=NEW, id=user.pk)


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


class TestNotice:
    @pytest.mark.parametrize("change", [by_api, by_admin, by_admin_page, by_bulk_update, by_psql])
    def test_goes_to_the_old_address(
        self,
        owner: User,
        admin: User,
        signed_in: Callable[[User], APIClient],
        mail_server: MailServer,
        change: Callable[[User, Callable[[User], APIClient]], None],
    ) -> None:
        change(owner, signed_in)

        run_worker(at=datetime.now(UTC) + SOON)

        assert notices() == [OLD]
        assert mail_server.addresses() == [OLD]
        assert Delivery.objects.get().state == State.SENT

    def test_is_queued_at_once(self, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(email=NEW)

        assert due_ids() == [Delivery.objects.get().pk]

    def test_says_what_happened_without_revealing_the_new_address(self, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(email=NEW)

        mail = mails.compose(Delivery.objects.get())

        assert mail.subject == "Your e-mail address was changed"
        assert mail.to == [f'"{owner.name}" <{OLD}>']
        for text in (str(mail.body), html(mail)):
            assert OLD in text
            assert NEW not in text

    @pytest.mark.parametrize("change", [{"name": "Other Name"}, {"email": OLD}, {"is_active": False}])
    def test_is_sent_for_nothing_else(self, owner: User, change: dict[str, object]) -> None:
        User.objects.filter(pk=owner.pk).update(**change)

        assert notices() == []

    def test_is_sent_for_each_change(self, owner: User) -> None:
        for address in (NEW, OLD, NEW):
            User.objects.filter(pk=owner.pk).update(email=address)

        assert notices() == [OLD, NEW, OLD]

    def test_is_not_sent_if_the_change_fails(self, owner: User, outsider: User) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=owner.pk).update(email=outsider.email)

        assert notices() == []

    @pytest.mark.parametrize("ending", [User.delete, deactivate])
    def test_is_sent_even_if_the_account_is_gone(
        self, owner: User, mail_server: MailServer, ending: Callable[[User], None]
    ) -> None:
        User.objects.filter(pk=owner.pk).update(email=NEW)
        ending(owner)

        run_worker(at=datetime.now(UTC) + SOON)

        assert mail_server.addresses() == [OLD]

    def test_goes_to_the_old_address_on_retries_too(self, owner: User, mail_server: MailServer) -> None:
        mail_server.refusals = {OLD: "451 Later"}
        User.objects.filter(pk=owner.pk).update(email=NEW)
        run_worker(at=datetime.now(UTC) + SOON)
        mail_server.refusals = {}

        run_worker(at=datetime.now(UTC) + timedelta(minutes=2))

        assert mail_server.addresses() == [OLD]

    def test_is_not_sent_while_muted(self, owner: User) -> None:
        with transaction.atomic():
            mute()
            User.objects.filter(pk=owner.pk).update(email=NEW)

        assert notices() == []


def move(user: User, *addresses: str) -> None:
    """Change the user's address once for each of these."""
    for address in addresses:
        User.objects.filter(pk=user.pk).update(email=address)


def strangers(number: int) -> list[str]:
    return [f"stranger-{each}@example.com" for each in range(number)]


class TestLimit:
    """An account may hold a stranger's address for a moment. One that it has held for an hour is always told."""

    @pytest.fixture(autouse=True)
    def limits(self, settings: Any) -> None:
        settings.MAIL_PER_GUEST = 2

    def sent(self, mail_server: MailServer, *, after: timedelta = SOON) -> list[str]:
        """Run the worker, and return the addresses that it mails."""
        before = len(mail_server.mails)
        run_worker(at=datetime.now(UTC) + after)
        return [mail["To"].addresses[0].addr_spec for mail in mail_server.mails[before:]]

    def test_bounds_the_mail_that_one_account_causes(self, owner: User, mail_server: MailServer) -> None:
        move(owner, *strangers(5), OLD)

        hours = [self.sent(mail_server, after=timedelta(minutes=minutes)) for minutes in (1, 30, 62, 123)]

        assert hours == [[OLD, strangers(1)[0]], [], strangers(3)[1:], strangers(5)[3:]]

    def test_bounds_the_mail_to_one_address_from_many_accounts(self, owner: User, mail_server: MailServer) -> None:
        for number in range(4):
            move(make_user(f"Number {number}"), "Victim@example.com", f"away-{number}@example.com")
        told = [address.lower() for address in self.sent(mail_server)]

        assert told.count("victim@example.com") == 2
        assert len(told) == 2 + 4
        assert self.sent(mail_server, after=timedelta(minutes=62)) == ["Victim@example.com"] * 2

    def test_does_not_hold_up_the_warning_to_the_address_of_an_hour(self, owner: User, mail_server: MailServer) -> None:
        for number in range(3):
            move(make_user(f"Number {number}"), OLD.upper() + ".example", f"away-{number}@example.com")
        Delivery.objects.filter(address=OLD.upper() + ".example").update(address=OLD)
        User.objects.filter(pk=owner.pk).update(created_at=datetime.now(UTC) - timedelta(hours=1, minutes=1))
        self.sent(mail_server)

        move(owner, NEW, OLD, NEW)

        assert self.sent(mail_server).count(OLD) == 1

    def test_counts_an_address_that_an_old_account_got_just_now(self, owner: User, mail_server: MailServer) -> None:
        User.objects.filter(pk=owner.pk).update(created_at=datetime.now(UTC) - timedelta(days=9))
        move(owner, *strangers(5))

        assert self.sent(mail_server) == [OLD, *strangers(2)]

    def test_is_not_used_up_by_mail_about_bookings(self, owner: User, admin: User, mail_server: MailServer) -> None:
        for _ in range(3):
            book(make_event(admin), guest=replace(GUEST, email=OLD))
        move(owner, NEW)

        assert sorted(self.sent(mail_server)) == [OLD] * 3

    def test_does_not_use_up_that_of_mail_about_bookings(
        self, owner: User, admin: User, mail_server: MailServer
    ) -> None:
        move(owner, NEW, OLD, NEW, OLD)
        self.sent(mail_server)
        for _ in range(2):
            book(make_event(admin), guest=replace(GUEST, email=OLD))

        assert self.sent(mail_server) == [OLD] * 2

    def test_leaves_the_old_address_as_the_recipient(self, owner: User, mail_server: MailServer) -> None:
        move(owner, NEW)
        self.sent(mail_server)

        assert Delivery.objects.get().address == OLD

    def test_holds_for_a_deleted_account(self, owner: User, mail_server: MailServer) -> None:
        move(owner, NEW, OLD, NEW, OLD, NEW, OLD, NEW)
        owner.delete()

        assert sorted(self.sent(mail_server)) == [NEW] * 2 + [OLD] * 2


class TestResetCode:
    def test_is_not_sent_to_an_address_set_after_the_request(self, owner: User, mail_server: MailServer) -> None:
        mail_reset_code(email=OLD, at=datetime.now(UTC))
        User.objects.filter(pk=owner.pk).update(email=NEW)

        run_worker(at=datetime.now(UTC) + SOON)

        code = Delivery.objects.get(kind=Kind.RESET_PASSWORD)
        assert (code.state, code.last_error) == (
            State.FAILED,
            "The user's address has changed since this was requested.",
        )
        assert mail_server.addresses() == [OLD]
        assert mail_server.mails[0]["Subject"] == "Your e-mail address was changed"

    def test_still_goes_to_an_address_that_stays(self, owner: User, mail_server: MailServer) -> None:
        mail_reset_code(email=OLD, at=datetime.now(UTC))

        run_worker(at=datetime.now(UTC) + SOON)

        assert mail_server.addresses() == [OLD]
