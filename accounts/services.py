"""What changes people and their sign-ins."""

from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, user_logged_in
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import MinimumLengthValidator, validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.http import HttpRequest
from psycopg.errors import ForeignKeyViolation

from accounts import lockout, password_codes, second_factor, tokens
from accounts.models import STAFF_TYPES, User, UserType
from accounts.tokens import TokenPair
from kit.db.sql import violated
from kit.errors import Conflict, Forbidden, Invalid, Missing, TooMany, Unauthenticated
from kit.jobs import defer


class EmailTaken(Conflict):
    message = "Email already in use"


class StaffSignupClosed(Forbidden):
    message = "Only an admin can create staff accounts"


class InvalidCredentials(Unauthenticated):
    message = "Invalid email or password"


class InvalidCode(Invalid):
    message = "This code is not valid, or not any more: ask for another"


class LockedOut(TooMany):
    message = "Too many failed sign-ins, please try again later"


def sign_up(
    *,
    name: str,
    email: str,
    type: str,  # noqa: A002
    password: str | None,
    by: User | None,
    shortest_password: int | None = None,
) -> User:
    """Create a user. Anybody may become a customer; staff are made by admins, or by anybody while STAFF_SIGNUP is on.

    One without a password, whom only an admin can make, gets a mail to set one. `shortest_password` is the rule of a
    contract of its own, in place of all of ours.

    :raises Invalid: the password is too weak.
    :raises StaffSignupClosed:
    :raises EmailTaken: in whatever case, and whatever the type of its owner.
    """
    if password is not None:
        check_password_strength(password, shortest=shortest_password)
    if type in STAFF_TYPES and not settings.STAFF_SIGNUP and not (by and by.is_admin):
        raise StaffSignupClosed
    user = User(name=name, email=email, type=UserType(type), password=make_password(password))
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            if password is None:
                defer("notifications.tasks.mail_set_password", user_id=user.pk)
    except IntegrityError as error:
        if violated(error) == "user_email_unique":
            raise EmailTaken(fields={"email": [EmailTaken.message]}) from error
        raise
    return user


def check_password_strength(password: str, *, shortest: int | None = None) -> None:
    """:raises Invalid: by AUTH_PASSWORD_VALIDATORS; given `shortest`, by that length alone."""
    validators = None if shortest is None else [MinimumLengthValidator(shortest)]
    try:
        validate_password(password, password_validators=validators)
    except ValidationError as error:
        raise Invalid(fields={"password": error.messages}) from error


def sign_in(*, email: str, password: str, request: HttpRequest) -> TokenPair:
    """Exchange an address and a password for tokens. The request is what the lockout knows the caller's address by.

    :raises InvalidCredentials: the same, in the same time, for a wrong password, an unknown address and a
        deactivated user.
    :raises LockedOut: too many failures for this account from this address.
    """
    user = _authenticate(email=email, password=password, request=request)
    user_logged_in.send(sender=User, request=request, user=user)
    return tokens.issue(user)


def has_account(*, email: str) -> bool:
    """Whether somebody has this address. Tell nobody whom no contract allows to know."""
    return User.objects.filter(email__iexact=email).exists()


def change_password(*, user: User, current_password: str, password: str, request: HttpRequest) -> None:
    """Set a new password; every token and session that the old one opened dies.

    :raises InvalidCredentials: the current password is wrong.
    :raises LockedOut: as at sign-in.
    :raises Invalid: the new one is too weak.
    """
    check_password_strength(password)
    _authenticate(email=user.email, password=current_password, request=request)
    user.set_password(password)
    user.save(update_fields=["password"])


def request_password_reset(*, email: str) -> None:
    """See to it that the owner of this address, if there is one, is mailed a code to set a new password with.

    Whether there is one is looked up later, by a job: who asks gets the same answer in the same time.
    """
    defer("notifications.tasks.mail_reset_code", email=email)


@transaction.atomic
def confirm_password_reset(*, uid: str, code: str, password: str) -> None:
    """Set the password of whom a mail has given this code; every token and session that the old one opened dies.

    :raises InvalidCode: made up, used, too old, or of a deactivated user.
    :raises Invalid: the password is too weak.
    """
    check_password_strength(password)
    # Held, so that of two who show one code the second finds it used.
    user = password_codes.owner(uid, code, User.objects.select_for_update(no_key=True))
    if user is None:
        raise InvalidCode
    user.set_password(password)
    user.save(update_fields=["password"])


def _authenticate(*, email: str, password: str, request: HttpRequest) -> User:
    user = authenticate(request, username=email, password=password)
    if isinstance(user, User):
        return user
    if getattr(request, "axes_locked_out", False):
        raise LockedOut(retry_after=lockout.seconds(request))
    raise InvalidCredentials


class UserNotFound(Missing):
    message = "User does not exist"


class OwnAccount(Conflict):
    message = "This is your own account: another admin has to do that"


class SuperusersOnly(Forbidden):
    message = "Only a superuser may do that"


class HoldsAssignments(Conflict):
    message = "The type cannot change while the user is assigned to tickets"


class NoSecondFactor(Conflict):
    message = "There is no second factor to reset"


class HasRecords(Conflict):
    message = "The user created tickets or other records: deactivate instead"


# What makes somebody able to act. Changed by admins, never on oneself, so that an admin is always left.
POWERS = ("type", "is_active", "is_superuser")


@transaction.atomic
def update(*, user_id: int, by: User, **changes: Any) -> User:
    """Change somebody's name, e-mail address or POWERS. Deactivating takes them off the tickets that are not closed.

    :raises Forbidden: `by` is neither an active admin nor, for name and address, the user.
    :raises UserNotFound:
    :raises SuperusersOnly: a superuser's account, or who is one, from one who is none.
    :raises OwnAccount: one's own powers.
    :raises HoldsAssignments: a new type for somebody who is assigned to tickets, closed ones included.
    :raises Invalid: a superuser who is no admin.
    :raises EmailTaken: in whatever case.
    """
    user, actor = _lock_for_change(user_id, by=by)
    changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
    powers = [name for name in POWERS if name in changes]
    if powers and not actor.is_admin:
        raise Forbidden
    if powers and user == actor:
        raise OwnAccount(fields={name: [OwnAccount.message] for name in powers})
    if "is_superuser" in changes and not actor.is_superuser:
        raise SuperusersOnly(fields={"is_superuser": [SuperusersOnly.message]})
    if changes.get("is_active") is False:
        user.assignments.exclude(ticket__status="closed").delete()
    if "type" in changes and user.assignments.exists():
        raise HoldsAssignments(fields={"type": [HoldsAssignments.message]})
    for name, value in changes.items():
        setattr(user, name, value)
    if user.is_superuser and not user.is_admin:
        raise Invalid(fields={"is_superuser": ["Only an admin can be a superuser."]})
    try:
        with transaction.atomic():
            user.save(update_fields=list(changes))
    except IntegrityError as error:
        if violated(error) == "user_email_unique":
            raise EmailTaken(fields={"email": [EmailTaken.message]}) from error
        raise
    return user


def set_password(*, user: User, password: str) -> User:
    """Set a password without asking for the current one; every token and session that it opened dies.

    :raises Invalid: it is too weak.
    """
    check_password_strength(password)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password)
    return user


@transaction.atomic
def reset_second_factor(*, user_id: int, by: User) -> None:
    """Take the second factor of somebody away who has lost it: whoever knows their password can set up another.

    :raises UserNotFound, Forbidden, SuperusersOnly: as `update`.
    :raises OwnAccount: an open session is no proof of who sits there.
    :raises NoSecondFactor:
    """
    user, actor = _lock_for_change(user_id, by=by)
    if not actor.is_admin:
        raise Forbidden
    if user == actor:
        raise OwnAccount
    if not second_factor.forget(user):
        raise NoSecondFactor


def delete(*, user_id: int, by: User) -> None:
    """Delete somebody who created nothing. Their assignments go with them.

    :raises UserNotFound, Forbidden, SuperusersOnly: as `update`.
    :raises OwnAccount:
    :raises HasRecords:
    """
    try:
        with transaction.atomic():
            user, actor = _lock_for_change(user_id, by=by)
            if user == actor:
                raise OwnAccount
            user.delete()
    except ProtectedError as error:
        raise HasRecords from error
    except IntegrityError as error:
        # At the commit: they created something just now.
        if isinstance(error.__cause__, ForeignKeyViolation):
            raise HasRecords from error
        raise


def _lock_for_change(user_id: int, *, by: User) -> tuple[User, User]:
    """Hold the user, before them the tickets that they work on, with them every active admin. Also returns `by`, fresh.

    Of two admins who demote each other at the same moment, the second finds that they are none any more.
    """
    worked_on = User(pk=user_id).assignments.exclude(ticket__status="closed").select_related("ticket")
    # Tickets first, because that is the order in which an assignment takes its locks.
    list(worked_on.order_by("ticket_id").select_for_update(no_key=True, of=("ticket",)))
    concerned = User.objects.filter(Q(pk__in=[user_id, by.pk]) | Q(type=UserType.ADMIN, is_active=True))
    people = {person.pk: person for person in concerned.order_by("pk").select_for_update(no_key=True)}
    user, actor = people.get(user_id), people.get(by.pk)
    # Who is no admin learns nothing of whom there is.
    if actor is None or not actor.is_active or not (actor.is_admin or actor.pk == user_id):
        raise Forbidden
    if user is None:
        raise UserNotFound
    if user.is_superuser and not actor.is_superuser:
        raise SuperusersOnly
    return user, actor
