"""The demo's people: who can sign in, and the names of everyone else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from django.contrib.auth.hashers import make_password

from accounts.models import User, UserType
from demo.ids import next_id
from kit.db import sql


class SignIn(NamedTuple):
    role: str
    email: str
    password: str


# `manage.py demo` and `make run` print these, and the examples in README.md use them.
SIGN_INS = [
    SignIn(UserType.ADMIN.value, "admin@example.com", "demo-admin-1"),
    SignIn(UserType.AGENT.value, "agent@example.com", "demo-agent-1"),
    SignIn(UserType.CUSTOMER.value, "customer@example.com", "demo-customer-1"),
]

FIRST_NAMES = """
    Ada Amir Anna Ben Bianca Carlos Chen Clara Daria David Elena Emil Farah Felix Greta Hana Hugo Ines Ivan
    Jana Jonas Julia Karim Kira Lars Leila Lena Liam Lucia Malik Maria Marta Max Mei Milan Mira Nadia Nils
    Noah Nora Olga Omar Paula Pavel Priya Rafael Rosa Samir Sara Sofia Stefan Tara Theo Tomas Uma Vera Viktor
    Yara Yusuf Zoe
"""
LAST_NAMES = """
    Adler Ahmed Almeida Andersson Bauer Becker Bianchi Blanc Brandt Castillo Cohen Costa Dubois Eriksen
    Farkas Fischer Fontaine Garcia Haddad Hansen Horvath Ito Ivanova Jansen Kaya Keller Kim Koch Kovacs
    Kowalski Lang Larsen Lehmann Lopez Marino Meier Mendes Molina Moreau Novak Nowak Okafor Park Patel Petrov
    Popescu Quinn Ricci Rossi Santos Schmidt Silva Singh Sokolov Tanaka Torres Varga Vogel Weber Yilmaz
"""

ADMINS = 2
MIN_AGENTS, MAX_AGENTS = 3, 12
TICKETS_PER_EXTRA_AGENT = 20_000
MIN_CUSTOMERS = 15
TICKETS_PER_CUSTOMER = 100

USER_FIELDS = ("id", "name", "email", "type", "password", "created_at", "is_active", "is_superuser")


@dataclass(frozen=True)
class People:
    """The ids of the demo's users, by role."""

    admins: Sequence[int]
    agents: Sequence[int]
    customers: Sequence[int]


def load(random: Random, *, tickets: int, joined_before: datetime) -> People:
    """Load as many users as suit this number of tickets; the users of SIGN_INS are the first of their roles.

    The others have no password and cannot sign in until they set one.
    """
    first_id = next_id(User)
    roles = [role for role, number in _numbers(tickets).items() for _ in range(number)]
    sign_ins = {roles.index(sign_in.role): sign_in for sign_in in SIGN_INS}

    def rows() -> Iterator[Sequence[Any]]:
        for user_id, (index, role) in enumerate(enumerate(roles), start=first_id):
            first, last = random_name(random)
            joined_at = joined_before - timedelta(days=random.randrange(700), minutes=random.randrange(1440))
            sign_in = sign_ins.get(index)
            email = sign_in.email if sign_in else f"{first}.{last}.{user_id}@example.com".lower()
            password = make_password(sign_in.password if sign_in else None)
            yield user_id, f"{first} {last}", email, role, password, joined_at, True, False

    sql.copy(User, USER_FIELDS, rows())

    def ids_of(role: UserType) -> list[int]:
        return [user_id for user_id, other in enumerate(roles, start=first_id) if other == role.value]

    return People(ids_of(UserType.ADMIN), ids_of(UserType.AGENT), ids_of(UserType.CUSTOMER))


def _numbers(tickets: int) -> dict[str, int]:
    return {
        UserType.ADMIN.value: ADMINS,
        UserType.AGENT.value: min(MAX_AGENTS, MIN_AGENTS + tickets // TICKETS_PER_EXTRA_AGENT),
        UserType.CUSTOMER.value: max(MIN_CUSTOMERS, tickets // TICKETS_PER_CUSTOMER),
    }


def random_name(random: Random) -> tuple[str, str]:
    return random.choice(FIRST_NAMES.split()), random.choice(LAST_NAMES.split())
