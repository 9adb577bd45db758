"""The house rules that a program can check, read from the source (DESIGN: "The house")."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from ticketing.urls import CONTRACTS

ROOT: Path = settings.BASE_DIR
APPS = ["accounts", "projects", "tickets", "events", "analytics", "notifications"]
DOMAIN = {"models.py", "services.py", "queries.py", "errors.py", "sql.py", "sla.py", "keys.py"}
FILES = {
    *("__init__.py", "models.py", "services.py", "queries.py", "serializers.py", "permissions.py", "views.py"),
    *(
        "urls.py",
        "tasks.py",
        "admin.py",
        "tokens.py",
        "lockout.py",
        "second_factor.py",
        "gate.py",
        "mails.py",
        "transport.py",
        "password_codes.py",
        "examples.py",
        "exports.py",
        "sla.py",
        "forms.py",
        "bulk.py",
        "readable.py",
    ),
}
FOLDERS = {"management", "migrations", "sql", "tests"}
WIRE = {"serializers", "views", "urls", "permissions", "contracts", "api", "wire", "fields", "openapi", "examples"}


def sources() -> list[Path]:
    """Every module of ours but the tests and the migrations."""
    modules = [module for package in ("ticketing", *APPS) for module in (ROOT / package).rglob("*.py")]
    return [module for module in modules if not {"tests", "migrations"} & set(module.parts)]


def name(module: Path) -> str:
    return str(module.relative_to(ROOT))


def imports(module: Path) -> Iterator[str]:
    """The dotted name of everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def opens_a_cursor(module: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"cursor", "chunked_cursor"}
        for node in ast.walk(ast.parse(module.read_text()))
    )


class TestDomain:
    @pytest.mark.parametrize("module", [module for module in sources() if module.name in DOMAIN], ids=name)
    def test_knows_nothing_of_the_wire(self, module: Path) -> None:
        foreign = {
            imported
            for imported in imports(module)
            if imported.split(".")[0] == "rest_framework"
            or (imported.split(".")[0] in ("ticketing", *APPS) and set(imported.split(".")[1:2]) & WIRE)
        }

        assert not foreign

    def test_is_where_this_test_looks(self) -> None:
        found = {name(module) for module in sources() if module.name in DOMAIN}

        assert {"accounts/services.py", "tickets/models.py", "ticketing/errors.py", "ticketing/sql.py"} <= found


class TestCursors:
    def test_are_opened_in_one_place(self) -> None:
        assert [name(module) for module in sources() if opens_a_cursor(module)] == ["ticketing/sql.py"]


class TestApps:
    @pytest.mark.parametrize("app", APPS)
    def test_hold_the_same_files(self, app: str) -> None:
        entries = [entry for entry in (ROOT / app).iterdir() if entry.name != "__pycache__"]

        strangers = {entry.name for entry in entries if entry.name not in (FOLDERS if entry.is_dir() else FILES)}

        assert not strangers

    def test_are_all_looked_at(self) -> None:
        ours = [app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()]

        assert set(ours) == {"ticketing", *APPS}


class TestContracts:
    def test_are_imported_by_urls_alone(self) -> None:
        importers = [
            name(module)
            for module in sources()
            if any(imported.startswith("contracts") for imported in imports(module)) and "contracts" not in module.parts
        ]

        assert set(importers) <= {"ticketing/urls.py"}

    def test_are_all_mounted(self) -> None:
        modules = (ROOT / "ticketing" / "contracts").glob("*.py")
        contracts = {module.stem for module in modules if "urlpatterns =" in module.read_text()}

        assert contracts == set(CONTRACTS)
