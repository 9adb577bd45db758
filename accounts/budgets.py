"""Budgets of failed sign-ins per account and hour, over all network addresses.

The lockout (lockout.py) stops one address after a few failures; budgets stop someone with many addresses. Each device
that the account has been signed in from (devices.py) has a budget of its own, so nobody can lock it out from elsewhere.

An attempt is counted before its password is verified, and given back if the password is right, so that simultaneous
attempts cannot exceed a budget. Accounts that do not exist have budgets too.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import F, Func, Value
from django.http import HttpRequest
from django.utils import timezone

from accounts import devices, lockout
from accounts.models import FailureBudget
from kit.db import sql
from kit.web.address import client_site

WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Budget:
    """`limit` failures within WINDOW: of a known device, of an IPv6 /48, or of everyone else (an empty scope)."""

    scope: str
    limit: int


@dataclass(frozen=True)
class Attempt:
    """An attempt to sign in to an account, given by its digest, which counts against these budgets."""

    account: str
    budgets: list[Budget]
    at: datetime

    def give_back(self) -> None:
        """Uncount the attempt, because its password was right or another budget is used up."""
        counted = FailureBudget.objects.filter(account=self.account, scope__in=[each.scope for each in self.budgets])
        counted.update(failures=Func(F("failures"), Value(self.at), function="array_remove"))


def start(request: HttpRequest, *, email: str) -> Attempt:
    """Count an attempt to sign in with this address as a failure, until it is given back.

    :raises PermissionDenied: a budget is used up. Marks the request as locked out, as axes does.
    """
    at = timezone.now()
    account = devices.digest(lockout.account(email))
    counted: list[Budget] = []
    for budget in _budgets(request, account=account, at=at):
        free_at = _spend(budget, account=account, at=at)
        if free_at is not None:
            Attempt(account, counted, at).give_back()
            lockout.lock_out(request, seconds=max(1, math.ceil((free_at - at).total_seconds())))
            raise PermissionDenied
        counted.append(budget)
    return Attempt(account, counted, at)


def lift(account: str) -> None:
    """Forget the failures of an account, given by its key (`lockout.account`)."""
    FailureBudget.objects.filter(account=devices.digest(account)).delete()


def purge(*, at: datetime) -> None:
    FailureBudget.objects.filter(expires_at__lte=at).delete()


def _budgets(request: HttpRequest, *, account: str, at: datetime) -> list[Budget]:
    device = devices.known(request, account=account, at=at)
    if device is not None:
        return [Budget(device, settings.LOCKOUT_ACCOUNT_FAILURES)]
    site = client_site(request)
    networks = [Budget(site, settings.LOCKOUT_NETWORK_FAILURES)] if site else []
    return [*networks, Budget("", settings.LOCKOUT_ACCOUNT_FAILURES)]


def _spend(budget: Budget, *, account: str, at: datetime) -> datetime | None:
    """Count a failure. If the budget is used up, return when the oldest failure stops counting instead."""
    row = sql.row("accounts/spend", account=account, scope=budget.scope, limit=budget.limit, at=at, since=at - WINDOW)
    oldest: datetime = row["oldest"]
    return None if row["is_counted"] else oldest + WINDOW
