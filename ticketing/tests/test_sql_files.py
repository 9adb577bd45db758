"""The `.sql` files of functions and triggers are what the database runs; migrations hold frozen copies of them.

Each file is executed in a transaction that is rolled back. If that changes any function or trigger of the database, the
file was edited without a migration, or a migration without the file.
"""

import re
from pathlib import Path
from typing import Any

import pgtrigger
import pytest
from django.conf import settings
from django.db import transaction

from projects.tests.psql import psql

pytestmark = pytest.mark.django_db

ROOT: Path = settings.BASE_DIR
FUNCTION_DEFINITIONS = """
SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
    -- Each trigger's statements create pgtrigger's own again; kit/sql/functions replaces it.
    AND p.proname <> '_pgtrigger_should_ignore'
"""
TRIGGER_DEFINITIONS = """
SELECT format('%s on %s', t.tgname, t.tgrelid::regclass), pg_get_triggerdef(t.oid)
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
"""
FUNCTION_DIFFERS = (
    "{file} is not what the migrations created. The file is right: add a migration that runs a copy of its new text "
    '(`migrations.RunSQL("CREATE OR REPLACE FUNCTION …")`). Never edit a migration that others have run.'
)
TRIGGER_DIFFERS = (
    "{file} is not what the migrations created. The file is right: run `manage.py makemigrations`, which copies its "
    "new text into a migration."
)


def files(kind: str) -> list[Path]:
    folders = [ROOT / app.replace(".", "/") / "sql" / kind for app in settings.PROJECT_APPS]
    return [file for folder in folders for file in sorted(folder.glob("*.sql"))]


def path_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def body(file: Path) -> str:
    """Return the text of a trigger's file as `kit.db.triggers` declares it, without its header comment."""
    lines = file.read_text().splitlines(keepends=True)
    while lines[0].startswith("--"):
        lines.pop(0)
    return "".join(lines)


def declared(file: Path | None = None) -> list[tuple[Any, Any]]:
    """Return the (model, trigger) pairs whose text is in the file; without a file, all of them."""
    return [(model, trigger) for model, trigger in pgtrigger.registered() if not file or trigger.func == body(file)]


def catalogue() -> dict[str, str]:
    """Return the definition of every function and trigger, by name."""
    return dict(psql(FUNCTION_DEFINITIONS)) | dict(psql(TRIGGER_DEFINITIONS))


def changes(*statements: str) -> dict[str, tuple[str | None, str | None]]:
    """Execute statements, roll them back, and return what they changed: the definitions before and after, by name."""
    before = catalogue()
    with transaction.atomic():
        for statement in statements:
            psql(statement)
        after = catalogue()
        transaction.set_rollback(True)
    names = before.keys() | after.keys()
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


class TestFunctionFile:
    @pytest.mark.parametrize("file", files("functions"), ids=path_of)
    def test_is_what_the_database_runs(self, file: Path) -> None:
        assert changes(file.read_text()) == {}, FUNCTION_DIFFERS.format(file=path_of(file))

    @pytest.mark.parametrize("file", files("functions"), ids=path_of)
    def test_is_called(self, file: Path) -> None:
        name = file.read_text().split("CREATE OR REPLACE FUNCTION ")[1].split("(")[0]
        packages = {app.split(".")[0] for app in settings.PROJECT_APPS}
        sources = [
            path for package in packages for path in (ROOT / package).rglob("*") if path.suffix in (".sql", ".py")
        ]
        others = [path for path in sources if path != file and not {"tests", "migrations"} & set(path.parts)]

        assert any(re.search(rf"\b{name}\b", path.read_text()) for path in others), f"Nothing calls {name}."


class TestTriggerFile:
    @pytest.mark.parametrize("file", files("triggers"), ids=path_of)
    def test_is_what_the_database_runs(self, file: Path) -> None:
        statements = [trigger.compile(model).install_sql for model, trigger in declared(file)]

        assert changes(*statements) == {}, TRIGGER_DIFFERS.format(file=path_of(file))

    @pytest.mark.parametrize("file", files("triggers"), ids=path_of)
    def test_is_declared(self, file: Path) -> None:
        assert declared(file), f'No model declares this trigger, as in kit.db.triggers.trigger("…/{file.stem}", …).'


class TestDeclaredTriggers:
    def test_are_what_the_database_runs(self) -> None:
        """Cover triggers without a file as well, such as the ones that write history."""
        statements = [trigger.compile(model).install_sql for model, trigger in declared()]

        assert changes(*statements) == {}, "A trigger was declared differently: run `manage.py makemigrations`."

    def test_are_all_that_the_database_has(self) -> None:
        declared_ids = {trigger.get_pgid(model) for model, trigger in declared()}

        created = {name for (name,) in psql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_%'")}

        assert created == declared_ids


class TestChanges:
    def test_sees_an_edited_function(self) -> None:
        text = (ROOT / "kit/idempotency/sql/functions/claim_key.sql").read_text()

        assert len(changes(text.replace("BEGIN", "BEGIN -- edited"))) == 1

    def test_sees_an_edited_trigger(self) -> None:
        ((model, trigger),) = declared(ROOT / "accounts/sql/triggers/count_revocations.sql")

        assert len(changes(trigger.compile(model).install_sql.replace("+ 1", "+ 2"))) == 1

    def test_sees_a_new_function(self) -> None:
        assert changes("CREATE FUNCTION stray() RETURNS int LANGUAGE sql AS 'SELECT 1'").keys() == {"stray()"}

    def test_changes_nothing_itself(self) -> None:
        before = catalogue()

        changes("CREATE FUNCTION stray() RETURNS int LANGUAGE sql AS 'SELECT 1'")

        assert catalogue() == before
