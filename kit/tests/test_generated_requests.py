"""Responses to requests generated from the schema match the schema."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, settings
from rest_framework import serializers
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
)

from accounts import services as account_services
from accounts import tokens
from accounts.models import User
from analytics.serializers import TOO_MANY_DAYS
from events import services as event_services
from events.models import ENDS_TOO_EARLY
from events.services import check_ins
from kit.activity.lists import ONLY_SINCE
from kit.dates import START_AFTER_END
from kit.money import UNKNOWN_CURRENCY
from kit.web.paging import INVALID_CURSOR
from kit.zones import UNKNOWN_TIME_ZONE
from ticketing.wsgi import application
from tickets import services

api = schemathesis.openapi.from_wsgi("/schema", application)
api.config.generation.update(modes=list(schemathesis.GenerationMode))

# Errors for input that matches the schema: they depend on the user, the data or the time.
BEYOND_THE_SCHEMA = {
    f"dueDate: {services.DUE_DATE_PAST}",
    f"project: {services.NO_SUCH_PROJECT}",
    f"createdBy: {services.NO_SUCH_USER}",
    f"into: {services.NO_SUCH_TICKET}",
    services.AdminNotAssignable.message,
    *(
        f"assignedUsers: {refusal.message}."
        for refusal in (
            services.AdminNotAssignable,
            services.AlreadyAssigned,
            services.AssignmentLimitReached,
            services.UserNotFound,
        )
    ),
    f"startDate: {START_AFTER_END}",
    f"startDate: {TOO_MANY_DAYS}",
    f"cursor: {INVALID_CURSOR}",
    f"after: {INVALID_CURSOR}",
    f"ordering: {ONLY_SINCE}",
    account_services.InvalidCode.message,
    # Only admins can create agents, or omit the type or the password.
    f"password: {serializers.Field.default_error_messages['required']}",
    f"password: {serializers.Field.default_error_messages['null']}",
    f"type: {serializers.Field.default_error_messages['null']}",
    f"type: {serializers.ChoiceField.default_error_messages['invalid_choice'].format(input='agent')}",
    f"type: {serializers.Field.default_error_messages['required']}",
    # The quantity depends on the event; a guest is required only when signed out.
    f"guest: {serializers.Field.default_error_messages['required']}",
    f"quantity: {event_services.MoreThanCapacity(capacity=10).message}.",
    f"quantity: {event_services.TooManyAtOnce(max_per_booking=10).message}.",
    f"withheld: {event_services.TOO_MUCH_WITHHELD}",
    f"endsAt: {ENDS_TOO_EARLY}",
    f"at: {check_ins.BEFORE_THE_EVENT}",
    "expiresAt: Must be in the future.",
    # The lists of these are long and change.
    f"timezone: {UNKNOWN_TIME_ZONE}",
    f"currency: {UNKNOWN_CURRENCY}",
}


@pytest.mark.slow
class TestGeneratedRequests:
    @pytest.mark.parametrize("caller", ["owner", "admin", "anonymous"])
    @api.parametrize()
    @settings(max_examples=10, derandomize=True, suppress_health_check=list(HealthCheck))
    def test_match_the_schema(self, case: schemathesis.Case, caller: str, people: dict[str, User | None]) -> None:
        user = people[caller]
        # The test client does not decompress.
        headers = {"Accept-Encoding": "identity"}
        if user:
            headers["Authorization"] = f"Bearer {tokens.issue(user).access}"

        with transaction.atomic():
            response = case.call(headers=headers)
            case.validate_response(response, headers=headers, excluded_checks=list(inapplicable(case, response)))
            transaction.set_rollback(True)


def inapplicable(case: schemathesis.Case, response: Any) -> Iterator[Callable[..., Any]]:
    """Yield the checks that would report what a schema cannot express."""
    problem: dict[str, Any] = response.json() if response.status_code == 400 else {"message": ""}
    faults = [f"{fault['field']}: {fault['message']}" for fault in problem.get("errors", [])]
    # Whether an `If-Match` is met depends on the ticket.
    is_outdated = response.status_code == 412
    # It says that no worker runs.
    if case.path == "/readyz":
        yield not_a_server_error
    # What a saved filter can contain is described in words.
    is_bad_filter = case.path.startswith("/filters") and any(fault.startswith("query: ") for fault in faults)
    # A list of changes cannot be filtered, and a cursor of the log can be too old.
    is_of_changes = "updatedSince" in case.query or response.status_code == 410
    if {"fields", "include"} & case.query.keys():
        yield response_schema_conformance
    # So are the URLs and events of webhooks.
    is_bad_webhook = case.path.startswith("/webhooks") and any(
        fault.startswith(("url: ", "events: ")) for fault in faults
    )
    is_known = is_outdated or is_bad_filter or is_of_changes or is_bad_webhook
    if is_known or BEYOND_THE_SCHEMA.issuperset(faults or [problem["message"]]):
        yield positive_data_acceptance
    # The manage token is a second credential, which remains when the check removes the bearer token.
    if "X-Manage-Token" in case.headers:
        yield ignored_auth
    values = [*case.query.values(), *(case.body.values() if isinstance(case.body, dict) else [])]
    lists = [value for value in values if isinstance(value, list)]
    texts = [value for value in (*values, *chain(*lists)) if isinstance(value, str)]
    # The server trims text before measuring it; the schema counts spaces.
    is_trimmed = any(text != text.strip() for text in texts)
    # `allowEmptyValue` permits these, but schemathesis does not support it.
    is_empty_parameter = "" in case.query.values()
    # A token that was omitted or corrupted on purpose has been replaced by the caller's own.
    is_token_replaced = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    # A bad item is refused alone, within a 200.
    is_batch = response.status_code == 200 and case.path == "/tickets/batch"
    # A list of one value is sent like the value itself.
    is_single_parameter = any(isinstance(value, list) and len(value) < 2 for value in case.query.values())
    if is_trimmed or is_empty_parameter or is_token_replaced or is_batch or is_single_parameter:
        yield negative_data_rejection
