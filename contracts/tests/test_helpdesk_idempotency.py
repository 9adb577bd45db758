"""Document 004: `Idempotency-Key`."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from contracts.tests.helpdesk_document import (
    DUPLICATE,
    KEY,
    REGISTER,
    TICKET,
    assert_error,
    path_of,
)
from kit.idempotency.models import LIFETIME_OF_KEYS, IdempotencyKey
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


class TestIdempotencyKey:
    @staticmethod
    def post(api: APIClient, key: str = KEY, **body: Any) -> Any:
        return api.post("/api/tickets", {**TICKET, **body}, headers={"Idempotency-Key": key})

    def test_works_once_whatever_the_body(self, owner_api: APIClient) -> None:
        assert self.post(owner_api).status_code == 201

        for body in ({}, {"title": "Other"}, {"title": ""}):
            response = self.post(owner_api, **body)
            assert (response.status_code, response.json()) == (409, DUPLICATE)
        assert Ticket.objects.count() == 1

    def test_works_once_per_user(self, owner_api: APIClient, agent_api: APIClient) -> None:
        responses = [self.post(api) for api in (owner_api, agent_api, owner_api, agent_api)]

        assert [response.status_code for response in responses] == [201, 201, 409, 409]

    def test_is_not_used_up_by_a_failed_request(self, owner_api: APIClient) -> None:
        assert self.post(owner_api, title="").status_code == 400
        assert self.post(owner_api, priority="urgent").status_code == 400
        assert self.post(owner_api).status_code == 201

    def test_expires_after_a_day(self, owner_api: APIClient) -> None:
        self.post(owner_api)
        IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME_OF_KEYS + timedelta(minutes=1))
        assert self.post(owner_api).status_code == 409

        IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME_OF_KEYS)
        assert [self.post(owner_api).status_code for _ in range(2)] == [201, 409]

    def test_is_independent_of_the_products_own_api(self, owner_api: APIClient) -> None:
        response = owner_api.post("/ticket", TICKET, headers={"Idempotency-Key": KEY})

        assert (response.status_code, self.post(owner_api).status_code) == (201, 201)

    @pytest.mark.parametrize("key", ["", "two words", "k" * 256])
    def test_is_refused_if_malformed(self, owner_api: APIClient, key: str) -> None:
        assert_error(self.post(owner_api, key), 400, "INVALID_FIELD", "Idempotency-Key")

    def test_is_optional(self, owner_api: APIClient) -> None:
        assert [owner_api.post("/api/tickets", TICKET).status_code for _ in range(2)] == [201, 201]

    def test_returns_the_first_response_to_a_repeated_comment(self, owner_api: APIClient, ticket: Ticket) -> None:
        responses = [
            owner_api.post(f"{path_of(ticket)}/comments", {"message": "Hm"}, headers={"Idempotency-Key": KEY})
            for _ in range(2)
        ]

        assert [(response.status_code, response.json()) for response in responses] == [(201, responses[0].json())] * 2
        assert ticket.comments.count() == 1

    def test_returns_the_first_response_to_a_repeated_sign_up(self, anonymous: APIClient) -> None:
        responses = [anonymous.post("/api/auth/register", REGISTER, headers={"Idempotency-Key": KEY}) for _ in range(2)]

        assert [(response.status_code, response.json()) for response in responses] == [(201, responses[0].json())] * 2

    def test_is_refused_for_a_different_comment(self, owner_api: APIClient, ticket: Ticket) -> None:
        first, second = (
            owner_api.post(f"{path_of(ticket)}/comments", {"message": message}, headers={"Idempotency-Key": KEY})
            for message in ("Hm", "Well")
        )

        assert first.status_code == 201
        assert_error(second, 422, "IDEMPOTENCY_KEY_REUSED")
