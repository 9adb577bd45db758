"""The JSON of users has the keys that the schema promises, whether it is made from a row or from a model."""

from datetime import UTC, datetime

import pytest

from accounts import queries, shapes
from accounts.models import User
from accounts.serializers import NewUserSerializer, UserSerializer
from accounts.tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[0, 123_000])
def person(request: pytest.FixtureRequest) -> User:
    """A user whose time of creation has milliseconds, or not."""
    user = make_user(is_active=False)
    User.objects.filter(pk=user.pk).update(created_at=datetime(2024, 8, 1, 18, microsecond=request.param, tzinfo=UTC))
    return User.objects.get(pk=user.pk)


class TestUser:
    def test_has_the_keys_of_the_schema_in_order(self, person: User) -> None:
        assert list(shapes.user(person)) == list(UserSerializer().fields)

    def test_is_the_same_from_a_row_and_from_a_model(self, person: User) -> None:
        row = queries.user(user_id=person.pk)
        (item,) = queries.users(search=person.email, limit=2)

        assert row is not None
        assert list(row.items()) == list(item.items()) == list(shapes.user(person).items())

    def test_of_a_sign_up_has_the_keys_of_its_schema(self, person: User) -> None:
        assert list(shapes.new_user(person)) == list(NewUserSerializer().fields)


def test_a_user_who_cannot_exist_is_none() -> None:
    assert queries.user(user_id=2**63) is None
