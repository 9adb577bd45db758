"""The setting that keeps triggers from doing anything, as our function reads it and as pgtrigger's does."""

import pgtrigger
import pytest
from django.db import transaction

from kit.db.triggers import inline_should_ignore
from projects.tests.psql import psql

pytestmark = pytest.mark.django_db


def answer(setting: str | None) -> bool:
    if setting is None:
        psql("RESET pgtrigger.ignore")
    else:
        psql("SELECT set_config('pgtrigger.ignore', %(setting)s, true)", setting=setting)
    ((is_ignored,),) = psql("SELECT _pgtrigger_should_ignore('pgtrigger_keep_2c934')")
    return bool(is_ignored)


def pgtriggers_answer(setting: str | None) -> bool:
    (model, trigger), *_ = pgtrigger.registered()
    with transaction.atomic():
        psql(trigger.compile(model).install_sql)
        found = answer(setting)
        transaction.set_rollback(True)
    return found


class TestShouldIgnore:
    @pytest.mark.parametrize(
        ("setting", "is_ignored"),
        [
            (None, False),
            ("", False),
            ("{}", False),
            ("{pgtrigger_keep_2c934}", True),
            ('{pgtrigger_other_11111, "pgtrigger_keep_2c934"}', True),
            ("{pgtrigger_other_11111}", False),
            ("{pgtrigger_keep}", False),
            ("pgtrigger_keep_2c934", False),
            ("{pgtrigger_keep_2c934", False),
        ],
    )
    def test_answers_like_pgtrigger(self, setting: str | None, is_ignored: bool) -> None:
        assert answer(setting) is is_ignored
        assert pgtriggers_answer(setting) is is_ignored

    def test_is_inlined(self) -> None:
        plan = " ".join(
            line
            for (line,) in psql(
                "EXPLAIN VERBOSE SELECT _pgtrigger_should_ignore(name) FROM (VALUES ('a'::name), ('b')) AS t (name)"
            )
        )

        assert "current_setting" in plan

    def test_replaces_pgtriggers_function_after_migrations(self) -> None:
        (model, trigger), *_ = pgtrigger.registered()
        psql(trigger.compile(model).install_sql)
        assert self.language() == "plpgsql"

        inline_should_ignore()

        assert self.language() == "sql"

    def language(self) -> str:
        ((language,),) = psql(
            "SELECT lanname FROM pg_proc JOIN pg_language ON pg_language.oid = prolang"
            " WHERE proname = '_pgtrigger_should_ignore'"
        )
        return str(language)
