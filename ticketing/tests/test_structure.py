"""House rules that can be checked by reading the source. import-linter checks which floor imports which."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from kit.openapi.views import Docs
from kit.web.base import APIView
from kit.web.problems import WIRE_NAMES
from ticketing.tests.pages import patterns
from ticketing.urls import CONTRACTS, urlpatterns

ROOT: Path = settings.BASE_DIR
GROUND = ["kit", "kit.activity", "kit.idempotency", "kit.long_tasks", "kit.replicas", "kit.search"]
ROOMS = ["accounts", "projects", "sla", "tickets", "events", "changes", "notifications", "webhooks", "analytics"]
DOORS = ["contracts", "demo", "ticketing"]

# The files that any room may have. Each may also be a package of the same name.
SHARED_NAMES = {
    *("__init__", "models", "services", "queries", "serializers", "shapes", "docs", "permissions", "views", "urls"),
    *("tasks", "admin", "examples", "exports", "sql", "management", "migrations", "tests"),
}
# Files that only one room has.
OWN_NAMES = {
    "accounts": {
        *("api_keys", "audit", "budgets", "devices", "export_command", "lockout", "password_codes", "second_factor"),
        *("time_zones", "tokens"),
    },
    "sla": {"apps", "business_hours", "clock"},
    "tickets": {
        "batches",
        "bulk",
        "choice_fields",
        "forms",
        "label_fields",
        "placeholders",
        "readable",
        "saved_filters",
        "selection",
        "templatetags",
    },
    "events": {"templatetags", "ticket_codes", "tokens"},
    "analytics": {"days", "reports", "wording"},
    "notifications": {
        "attempts",
        "backoff",
        "mailer",
        "mails",
        "pacing",
        "sending",
        "smtp",
        "templatetags",
        "transport",
    },
    "webhooks": {
        *("addresses", "apps", "backoff", "client", "deriving", "event_docs", "payloads", "sender", "sending"),
        "signatures",
    },
}
# Modules with the domain's rules never import modules about HTTP and JSON.
DOMAIN = {"models", "services", "queries", "errors", "keys", "sql", "dates", "business_hours", "clock", "backoff"}
WIRE = {"serializers", "shapes", "docs", "views", "urls", "permissions", "examples", "fields", "web", "openapi"}

MAX_FILE_LINES = 400
MAX_VIEW_LINES = 15
SQL_DEFINITION = re.compile(
    r"CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?(FUNCTION|TRIGGER)|LANGUAGE\s+plpgsql|RETURN\s+(NEW|OLD|NULL)\s*;",
    re.I,
)


@cache
def sources() -> list[Path]:
    """Return every product module, without tests and migrations."""
    modules = [module for package in ("kit", *ROOMS, *DOORS) for module in sorted((ROOT / package).rglob("*.py"))]
    return [module for module in modules if not {"tests", "migrations"} & set(module.parts)]


def path_of(module: Path) -> str:
    return str(module.relative_to(ROOT))


def has_name(module: Path, names: set[str]) -> bool:
    """Return whether the module, or the package it is in, has one of these names: `models.py`, `models/booking.py`."""
    return bool({module.stem, module.parent.name} & names)


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


def imports(module: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, at any depth."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def opens_a_cursor(module: Path) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"cursor", "chunked_cursor"} for node in ast.walk(tree(module))
    )


class TestDomainModules:
    @pytest.mark.parametrize("module", [module for module in sources() if has_name(module, DOMAIN)], ids=path_of)
    def test_do_not_import_the_wire_format(self, module: Path) -> None:
        ours = {"kit", *ROOMS, *DOORS}
        foreign = {
            imported
            for imported in imports(module)
            for package, *parts in [imported.split(".")]
            if package == "rest_framework" or (package in ours and set(parts[:1]) & WIRE)
        }

        assert not foreign

    def test_are_found(self) -> None:
        found = {path_of(module) for module in sources() if has_name(module, DOMAIN)}

        assert {"accounts/services/users.py", "kit/errors.py", "kit/db/sql.py", "kit/idempotency/keys.py"} <= found


class TestCursors:
    def test_are_opened_in_one_module_only(self) -> None:
        assert [path_of(module) for module in sources() if opens_a_cursor(module)] == ["kit/db/sql.py"]


class TestRooms:
    @pytest.mark.parametrize("room", ROOMS)
    def test_use_the_same_file_names(self, room: str) -> None:
        names = {entry.stem for entry in (ROOT / room).iterdir() if entry.name != "__pycache__"}

        strangers = names - SHARED_NAMES - OWN_NAMES.get(room, set())

        assert not strangers, f"Use one of the shared names, or add the new one to OWN_NAMES[{room!r}]: {strangers}"

    def test_are_all_checked(self) -> None:
        assert [*GROUND, *ROOMS, "demo", "ticketing"] == settings.PROJECT_APPS


class TestContracts:
    def test_are_all_mounted(self) -> None:
        contracts = {
            module.stem for module in (ROOT / "contracts").glob("*.py") if "\nurlpatterns" in module.read_text()
        }

        assert contracts == set(CONTRACTS)


class TestSize:
    def test_no_file_is_over_400_lines(self) -> None:
        lengths = {path_of(module): len(module.read_text().splitlines()) for module in sources()}

        assert {path: length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}

    def test_no_view_is_over_15_lines(self) -> None:
        long = {
            f"{path_of(module)} {view.name}.{method.name}": length
            for module in sources()
            if has_name(module, {"views", "contracts"})
            for view in tree(module).body
            if isinstance(view, ast.ClassDef)
            for method in view.body
            if isinstance(method, ast.FunctionDef)
            # Decorators describe the view; they come before `lineno`.
            if (length := (method.end_lineno or 0) - method.lineno + 1) > MAX_VIEW_LINES
        }

        assert long == {}


class TestViews:
    def test_all_count_rate_limits(self) -> None:
        """The base class counts them. Admin pages are not DRF views and have no rate limits."""
        classes = {page.callback.cls for page in patterns(urlpatterns) if hasattr(page.callback, "cls")}

        assert Docs in classes
        assert [view for view in classes if not issubclass(view, APIView)] == []


class TestSqlText:
    """Functions and triggers are `.sql` files (ticketing/tests/test_sql_files.py)."""

    @pytest.mark.parametrize("module", sources(), ids=path_of)
    def test_is_not_in_python(self, module: Path) -> None:
        texts = [node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant)]

        assert [text for text in texts if isinstance(text, str) and SQL_DEFINITION.search(text)] == []

    def test_of_triggers_is_read_from_files_by_one_module(self) -> None:
        declaring = {
            path_of(module)
            for module in sources()
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Call) and any(keyword.arg == "func" for keyword in node.keywords)
            if ast.unparse(node.func).startswith("pgtrigger.")
        }

        assert declaring == {"kit/db/triggers.py"}


class TestWireNames:
    def test_cover_every_field_that_a_rule_names(self) -> None:
        """Find the names in `fields={"due_at": […]}` of errors and in `invalid(due_at=…)` of API descriptions."""
        named: set[str] = set()
        for module in sources():
            for node in ast.walk(tree(module)):
                if not isinstance(node, ast.Call):
                    continue
                if ast.unparse(node.func).rpartition(".")[2] == "invalid":
                    named |= {keyword.arg or "" for keyword in node.keywords}
                for keyword in node.keywords:
                    if keyword.arg == "fields" and isinstance(keyword.value, ast.Dict):
                        named |= {key.value for key in keyword.value.keys if isinstance(key, ast.Constant)}  # type: ignore[misc]

        assert {name for name in named if "_" in name} <= WIRE_NAMES.keys()
