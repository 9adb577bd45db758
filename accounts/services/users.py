"""Creating, changing and deleting users."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, Q
from django.http import HttpRequest
from psycopg.errors import ForeignKeyViolation

from accounts import second_factor
from accounts.models import STAFF_TYPES, User, UserType
from accounts.services.api_keys import require_sign_in
from accounts.services.authentication import confirm_password
from accounts.services.passwords import check_password_strength
from kit import phones, zones
from kit.db.sql import violated
from kit.errors import Conflict, Forbidden, Invalid, Missing
from kit.jobs import defer
from kit.versions import Expected


class EmailTaken(Conflict):
    message = "Email already in use"


class StaffSignupClosed(Forbidden):
    message = "Only an admin can create staff accounts"


class UserNotFound(Missing):
    message = "User does not exist"


class OwnAccount(Conflict):
    message = "Only another admin can do this to your account"


class CurrentPasswordRequired(Forbidden):
    message = "Your current password is required to change your e-mail address"


class SuperusersOnly(Forbidden):
    message = "Only a superuser can do this"


class HoldsAssignments(Conflict):
    message = "The type cannot be changed while the user is assigned to tickets"


class NoSecondFactor(Conflict):
    message = "This user has no second factor"


class HasRecords(Conflict):
    message = "This user has created tickets or other records; deactivate the user instead"


# Fields that decide what a user may do. Nobody can change their own, so there is always an admin left.
ADMIN_ONLY_FIELDS = ("type", "is_active", "is_superuser")


def sign_up(
    *,
    name: str,
    email: str,
    type: str,  # noqa: A002
    password: str | None,
    by: User | None,
    min_password_length: int | None = None,
) -> User:
    """Create a user. Anyone can become a customer. Only admins create staff, unless STAFF_SIGNUP is on.

    A user created without a password is mailed a code to set one; only admins may create users that way.
    `min_password_length` replaces our password rules, for contracts that have their own.

    :raises Invalid: the password is too weak.
    :raises StaffSignupClosed: `type` is a staff type, `by` is not an admin and STAFF_SIGNUP is off.
    :raises EmailTaken: another user has this address, ignoring case.
    """
    if password is not None:
        check_password_strength(password, min_length=min_password_length)
    if type in STAFF_TYPES and not settings.STAFF_SIGNUP and not (by and by.is_admin):
        raise StaffSignupClosed
    user = User(name=name, email=email, type=UserType(type))
    user.set_password(password)
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


def update(
    *,
    user_id: int,
    by: User,
    expected: Expected | None = None,
    current_password: str | None = None,
    request: HttpRequest | None = None,
    **changes: Any,
) -> User:
    """Change a user's name, e-mail address, telephone number (`phone`) or ADMIN_ONLY_FIELDS.

    Deactivating a user removes them from all tickets that are not closed. This and a new address revoke all of the
    user's tokens and sessions. `current_password` and `request` are needed to change one's own address; do not pass
    them in a transaction (`confirm_password`).

    :raises Forbidden: `by` is not an active admin, and this is not their own name or address.
    :raises CurrentPasswordRequired, WrongPassword, LockedOut: `by` changes their own address.
    :raises SignInRequired: the address changes, and `by` is authenticated by an API key.
    :raises UserNotFound: there is no such user.
    :raises SuperusersOnly: the user is a superuser, or would become one, and `by` is not.
    :raises VersionConflict, PreconditionFailed: the user has another version than `expected`.
    :raises OwnAccount: `by` changes their own ADMIN_ONLY_FIELDS.
    :raises HoldsAssignments: the type changes while the user is assigned to tickets, open or closed.
    :raises Invalid: the user would be a superuser without being an admin; the telephone number is none.
    :raises EmailTaken: another user has this address, ignoring case.
    """
    is_own_address = user_id == by.pk and changes.get("email", by.email) != by.email
    if is_own_address:
        require_sign_in(by)
    is_confirmed = False
    if is_own_address and current_password is not None and request is not None:
        # Before taking locks, because verifying a password takes long.
        confirm_password(user=by, password=current_password, request=request)
        is_confirmed = True
    return _update(user_id=user_id, by=by, expected=expected, is_confirmed=is_confirmed, changes=changes)


@transaction.atomic
def _update(*, user_id: int, by: User, expected: Expected | None, is_confirmed: bool, changes: dict[str, Any]) -> User:
    user, actor = _lock_for_change(user_id, by=by, expected=expected)
    if "phone" in changes:
        changes = changes | {"phone": _phone(changes["phone"])}
    changes = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if "email" in changes:
        # Anyone who can read mail to the new address can set the password.
        require_sign_in(by)
    if "email" in changes and user == actor and not is_confirmed:
        raise CurrentPasswordRequired(fields={"current_password": [CurrentPasswordRequired.message]})
    restricted = [name for name in ADMIN_ONLY_FIELDS if name in changes]
    if restricted and not actor.is_admin:
        raise Forbidden
    if restricted and user == actor:
        raise OwnAccount(fields={name: [OwnAccount.message] for name in restricted})
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
    if changes:
        # Triggers have moved them.
        user.refresh_from_db(fields=["version", "revocations"])
    return user


def _phone(text: str) -> str:
    try:
        return phones.normalized(text)
    except ValueError as error:
        raise Invalid(fields={"phone": [phones.UNUSABLE]}) from error


def lock(*, user_id: int, by: User) -> None:
    """Take the locks of `update`, so that the caller can read what it is about to change.

    :raises Forbidden, UserNotFound, SuperusersOnly: as for `update`.
    """
    _lock_for_change(user_id, by=by)


def delete(*, user_id: int, by: User, expected: Expected | None = None) -> None:
    """Delete a user who has created nothing, along with their assignments.

    :raises Forbidden, UserNotFound, SuperusersOnly, VersionConflict, PreconditionFailed: as for `update`.
    :raises OwnAccount: the user is `by`.
    :raises HasRecords: the user has created tickets, comments, events or bookings.
    """
    try:
        with transaction.atomic():
            user, actor = _lock_for_change(user_id, by=by, expected=expected)
            if user == actor:
                raise OwnAccount
            user.delete()
            # Now rather than at commit, which comes later for a request with an idempotency key.
            connection.check_constraints()
    except ProtectedError as error:
        raise HasRecords from error
    except IntegrityError as error:
        # The user created something in the meantime.
        if isinstance(error.__cause__, ForeignKeyViolation):
            raise HasRecords from error
        raise


def set_time_zone(*, by: User, time_zone: str) -> None:
    """Set the zone in which the admin shows times to `by`. Empty: the site's zone.

    :raises Invalid: there is no such time zone.
    """
    if time_zone and time_zone not in zones.names():
        raise Invalid(fields={"time_zone": [zones.UNKNOWN_TIME_ZONE]})
    User.objects.filter(pk=by.pk).update(time_zone=time_zone)


@transaction.atomic
def reset_second_factor(*, user_id: int, by: User) -> None:
    """Remove the second factor of a user who has lost it. Anyone who knows the password can then set up a new one.

    :raises Forbidden, UserNotFound, SuperusersOnly: as for `update`.
    :raises OwnAccount: the user is `by`. An open session does not prove who is using it.
    :raises NoSecondFactor: there is nothing to reset.
    """
    user, actor = _lock_for_change(user_id, by=by)
    if not actor.is_admin:
        raise Forbidden
    if user == actor:
        raise OwnAccount
    if not second_factor.remove(user):
        raise NoSecondFactor


def _lock_for_change(user_id: int, *, by: User, expected: Expected | None = None) -> tuple[User, User]:
    """Lock the user's unclosed tickets, the user, `by` and every active admin. Return the user and `by`, reread.

    With the admins locked, if two of them demote each other, the second is no longer an admin and is refused.
    """
    unclosed = User(pk=user_id).assignments.exclude(ticket__status="closed").select_related("ticket")
    # Tickets before users, the order in which assigning takes its locks.
    list(unclosed.order_by("ticket_id").select_for_update(no_key=True, of=("ticket",)))
    to_lock = User.objects.filter(Q(pk__in=[user_id, by.pk]) | Q(type=UserType.ADMIN, is_active=True))
    users = {user.pk: user for user in to_lock.order_by("pk").select_for_update(no_key=True)}
    user, actor = users.get(user_id), users.get(by.pk)
    # Checked first, so that only admins learn which users exist.
    if actor is None or not actor.is_active or not (actor.is_admin or actor.pk == user_id):
        raise Forbidden
    if user is None:
        raise UserNotFound
    if user.is_superuser and not actor.is_superuser:
        raise SuperusersOnly
    user.check_version(expected)
    return user, actor
