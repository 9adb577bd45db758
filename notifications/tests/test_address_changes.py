"""The old address is told of a change, whoever made it, and mail meant for it does not follow to the new one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from kit.tests.browser import Browser
from notifications import mails
from notifications.models import Delivery, Kind, State
from notifications.services import mail_reset_code, mute
from notifications.tests.factories import html, queued_ids, run_queue, run_worker
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

        run_queue(at=datetime.now(UTC) + SOON)

        assert notices() == [OLD]
        assert mail_server.addresses() == [OLD]
        assert Delivery.objects.get().state == State.SENT

    def test_is_queued_at_once(self, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(email=NEW)

        assert queued_ids() == [Delivery.objects.get().pk]

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

        run_queue(at=datetime.now(UTC) + SOON)

        assert mail_server.addresses() == [OLD]

    def test_goes_to_the_old_address_on_retries_too(self, owner: User, mail_server: MailServer) -> None:
        mail_server.refusals = {OLD: "451 Later"}
        User.objects.filter(pk=owner.pk).update(email=NEW)
        run_queue(at=datetime.now(UTC) + SOON)
        mail_server.refusals = {}

        run_worker(at=datetime.now(UTC) + timedelta(minutes=2))

        assert mail_server.addresses() == [OLD]

    def test_is_not_sent_while_muted(self, owner: User) -> None:
        with transaction.atomic():
            mute()
            User.objects.filter(pk=owner.pk).update(email=NEW)

        assert notices() == []


class TestResetCode:
    def test_is_not_sent_to_an_address_set_after_the_request(self, owner: User, mail_server: MailServer) -> None:
        mail_reset_code(email=OLD, at=datetime.now(UTC))
        User.objects.filter(pk=owner.pk).update(email=NEW)

        run_queue(at=datetime.now(UTC) + SOON)

        code = Delivery.objects.get(kind=Kind.RESET_PASSWORD)
        assert (code.state, code.last_error) == (
            State.FAILED,
            "The user's address has changed since this was requested.",
        )
        assert mail_server.addresses() == [OLD]
        assert mail_server.mails[0]["Subject"] == "Your e-mail address was changed"

    def test_still_goes_to_an_address_that_stays(self, owner: User, mail_server: MailServer) -> None:
        mail_reset_code(email=OLD, at=datetime.now(UTC))

        run_queue(at=datetime.now(UTC) + SOON)

        assert mail_server.addresses() == [OLD]
