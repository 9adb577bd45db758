"""A fast password hasher, because the tests sign in hundreds of times."""

from accounts.models import Argon2Hasher


class FastArgon2Hasher(Argon2Hasher):
    time_cost = 1
    memory_cost = 64
