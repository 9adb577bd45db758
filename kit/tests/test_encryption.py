"""Secrets that the database stores encrypted."""

import re
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from kit import encryption

OLD, NEW = "an old key of at least 32 characters", "a new key of at least 32 characters"


class TestEncrypt:
    def test_can_be_undone(self) -> None:
        encrypted = encryption.encrypt("häppy")

        assert "häppy" not in encrypted
        assert encryption.decrypt(encrypted) == "häppy"

    def test_shows_neither_the_secret_nor_that_two_are_the_same(self) -> None:
        assert encryption.encrypt("secret") != encryption.encrypt("secret")

    def test_begins_as_constraints_expect(self) -> None:
        assert re.match(encryption.ENCRYPTED, encryption.encrypt("secret"))

    @pytest.mark.parametrize("keys", [[], ()])
    def test_needs_a_key(self, settings: Any, keys: Any) -> None:
        settings.ENCRYPTION_KEYS = keys

        with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS is not set"):
            encryption.encrypt("secret")


class TestDecrypt:
    def test_refuses_a_changed_text(self) -> None:
        encrypted = encryption.encrypt("secret")

        with pytest.raises(encryption.Undecryptable):
            encryption.decrypt(encrypted[:-6] + "AAAA==")

    @pytest.mark.parametrize("text", ["", "secret", "gAAAAA"])
    def test_refuses_what_is_not_encrypted(self, text: str) -> None:
        with pytest.raises(encryption.Undecryptable):
            encryption.decrypt(text)

    def test_refuses_a_secret_of_another_key(self, settings: Any) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        encrypted = encryption.encrypt("secret")
        settings.ENCRYPTION_KEYS = [NEW]

        with pytest.raises(encryption.Undecryptable, match="Was a key removed too early"):
            encryption.decrypt(encrypted)


class TestRotation:
    @pytest.fixture
    def encrypted(self, settings: Any) -> str:
        settings.ENCRYPTION_KEYS = [OLD]
        encrypted = encryption.encrypt("secret")
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        return encrypted

    def test_keeps_secrets_of_the_old_key_readable(self, encrypted: str) -> None:
        assert encryption.decrypt(encrypted) == "secret"

    def test_moves_secrets_to_the_new_key(self, encrypted: str, settings: Any) -> None:
        moved = encryption.reencrypt(encrypted)
        settings.ENCRYPTION_KEYS = [NEW]

        assert encryption.decrypt(moved) == "secret"
