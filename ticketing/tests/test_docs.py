"""The documentation refers to files and names that exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = "|".join(
    folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder.name[0] != "." and folder.name != "var"
)


def paths(text: str) -> set[str]:
    """Return the paths named in backticks."""
    return set(re.findall(rf"`((?:{FOLDERS})/[\w./*-]*)", text))


def where_to_change() -> list[tuple[str, str]]:
    """Return the paths of the README's table "Where do I change …?", each with the name to find there, if any."""
    table = (ROOT / "README.md").read_text().split("## Where do I change …?")[1].split("\n## ")[0]
    rows = "\n".join(line for line in table.splitlines() if line.startswith("|"))
    return re.findall(r"`([\w./*-]+/[\w./*-]*)`(?:: `(\w+)`)?", rows)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
class TestPages:
    def test_name_paths_that_exist(self, page: Path) -> None:
        missing = {path for path in paths(page.read_text()) if not list(ROOT.glob(path))}

        assert not missing

    def test_link_to_pages_that_exist(self, page: Path) -> None:
        links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

        assert not [link for link in links if not (page.parent / link).exists()]


class TestWhereToChange:
    @pytest.mark.parametrize(("path", "name"), where_to_change())
    def test_names_what_is_there(self, path: str, name: str) -> None:
        files = [file for found in ROOT.glob(path) for file in ([found] if found.is_file() else found.rglob("*.py"))]

        assert files
        assert any(name in file.read_text() for file in files)
