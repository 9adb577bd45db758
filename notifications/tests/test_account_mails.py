"""Mail that `accounts` requests by the name of a task: a first password, a password reset."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from rest_framework.test import APIClient

from accounts import password_codes
from accounts.models import User
from accounts.tests.factories import make_user
from notifications import mails
from notifications.models import Delivery, Kind
from notifications.services import mail_reset_code
from notifications.tests.factories import code_in
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def request_reset(email: str) -> None:
    assert APIClient().post("/auth/password/reset", {"email": email}).status_code == 202


def run_account_jobs() -> None:
    """Run what `accounts` has queued, found by the name of the task as a worker does."""
    for job in ProcrastinateJob.objects.filter(task_name__startswith="notifications.tasks.mail_").order_by("id"):
        app.tasks[job.task_name](**job.args)


class TestPasswordReset:
    def test_mails_the_owner_of_the_address(self, owner: User) -> None:
        request_reset(owner.email)
        run_account_jobs()

        delivery = Delivery.objects.get()
        assert (delivery.user, delivery.kind, delivery.address) == (owner, Kind.RESET_PASSWORD, owner.email)

    def test_ignores_case(self, owner: User) -> None:
        request_reset(owner.email.upper())
        run_account_jobs()

        assert Delivery.objects.get().user == owner

    def test_mails_nobody_without_an_active_account(self) -> None:
        make_user("Paul Paused", email="paul@example.com", is_active=False)
        for address in ("nobody@example.com", "paul@example.com"):
            request_reset(address)
        run_account_jobs()

        assert not Delivery.objects.exists()

    def test_sends_at_most_one_mail_per_minute(self, owner: User) -> None:
        for seconds in (0, 30, 59, 60, 70):
            mail_reset_code(email=owner.email, at=NOON + timedelta(seconds=seconds))

        assert Delivery.objects.count() == 2

    def test_sends_a_working_code_that_is_not_stored(self, owner: User) -> None:
        request_reset(owner.email)
        run_account_jobs()

        uid, code = code_in(str(mails.compose(Delivery.objects.get()).body))

        ((row,),) = psql("SELECT to_jsonb(delivery)::text FROM notifications_delivery AS delivery")
        assert code not in row
        assert password_codes.owner(uid, code) == owner


class TestFirstPassword:
    @pytest.fixture
    def api(self, admin: User, signed_in: Callable[[User], APIClient]) -> APIClient:
        return signed_in(admin)

    def create(self, api: APIClient) -> User:
        response = api.post("/users", {"name": "Nora New", "email": "nora@example.com"})
        assert response.status_code == 201
        return User.objects.get(email="nora@example.com")

    def test_mails_the_new_user(self, api: APIClient) -> None:
        user = self.create(api)
        run_account_jobs()

        delivery = Delivery.objects.get()
        assert (delivery.user, delivery.kind, delivery.address) == (user, Kind.SET_PASSWORD, user.email)

    def test_mails_a_user_once(self, api: APIClient) -> None:
        self.create(api)
        run_account_jobs()
        run_account_jobs()

        assert Delivery.objects.count() == 1

    def test_mails_nobody_when_rolled_back(self, api: APIClient) -> None:
        with transaction.atomic():
            self.create(api)
            transaction.set_rollback(True)
        run_account_jobs()

        assert not Delivery.objects.exists()
