"""README.md and .env.example name every setting that the environment can change, with its default."""

import ast
import re
from collections.abc import Callable, Iterable

import pytest
from django.conf import settings

# For the tests only.
INTERNAL = {"TESTING"}


def read(name: str) -> str:
    return (settings.BASE_DIR / name).read_text()


def defaults() -> dict[str, str]:
    """Return the variables that the settings read. The default is empty if there is none, or if it depends on others.

    Switches are left out as well: they are on and off in the documentation, and mostly depend on DEMO.
    """
    calls = [node for node in ast.walk(ast.parse(read("ticketing/settings.py"))) if isinstance(node, ast.Call)]
    found = {}
    for call in calls:
        if re.fullmatch(r"env\.\w+", ast.unparse(call.func)) and isinstance(call.args[0], ast.Constant):
            default = call.keywords[0].value if call.keywords else None
            is_plain = isinstance(default, ast.Constant) and not isinstance(default.value, bool)
            found[str(call.args[0].value)] = str(ast.literal_eval(default)) if default and is_plain else ""
    return {name: default for name, default in found.items() if name not in INTERNAL}


def in_readme() -> dict[str, str]:
    """Return the variables of the table and their defaults. A row with several has their defaults in the same order."""
    section = read("README.md").split("\n## Settings\n")[1]
    found: dict[str, str] = {}
    for first, second in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", section, re.M):
        names, values = re.findall(r"`([A-Z_]+)", first), second.replace("`", "").split(", ")
        found |= dict(zip(names, values * len(names) if len(values) == 1 else values, strict=False))
    return found


def in_example() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", read(".env.example"), re.M))


def of_ours(names: Iterable[str]) -> set[str]:
    """Leave out the settings of mail providers, which pass through."""
    return {name for name in names if not name.startswith("ANYMAIL_")}


@pytest.mark.parametrize("documented", [in_readme, in_example])
class TestDocumentation:
    def test_names_every_setting_and_no_other(self, documented: Callable[[], dict[str, str]]) -> None:
        assert of_ours(documented()) == set(defaults())

    def test_has_the_defaults(self, documented: Callable[[], dict[str, str]]) -> None:
        shown = documented()
        fixed = {name: default for name, default in defaults().items() if default}

        assert {name: shown[name] for name in fixed} == fixed
