"""Clients that popular tools generate from the schema, with the tools' defaults, compile and work.

Everything is generated in var/clients/.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / "var" / "clients"
PYTHON_TOOLS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def schema(site: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "schema.json"
    with urlopen(f"{site}/schema") as response:
        path.write_bytes(response.read())
    return path


@pytest.fixture(scope="module")
def node() -> Path:
    """Return a folder with the TypeScript files and the packages they need."""
    folder = FOLDER / "typescript"
    installed = folder / "node_modules" / "installed.json"
    shutil.copytree(HERE / "typescript", folder, dirs_exist_ok=True)
    lock = (folder / "package-lock.json").read_bytes()
    if not installed.exists() or installed.read_bytes() != lock:
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
        installed.write_bytes(lock)
    return folder


def run(command: list[str], folder: Path) -> None:
    """Run a command, and fail with its output if it fails."""
    path = os.pathsep.join([str(folder / "node_modules" / ".bin"), str(PYTHON_TOOLS), os.environ["PATH"]])
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)


class TestSchema:
    def test_is_clean_in_redocly(self, schema: Path, node: Path) -> None:
        run(["node", "lint.mjs", str(schema)], node)


class TestTypeScript:
    def test_client_compiles_and_works(self, schema: Path, node: Path, site: str) -> None:
        run(["openapi-typescript", str(schema), "--output", "schema.d.ts"], node)
        run(["tsc"], node)
        run(["node", "day.js", site], node)


class TestPython:
    def test_client_compiles_and_works(self, schema: Path, site: str) -> None:
        folder = FOLDER / "python"
        shutil.rmtree(folder, ignore_errors=True)
        # It warns about calls that it leaves out.
        generate = ["openapi-python-client", "generate", "--fail-on-warning"]
        run([*generate, "--path", str(schema), "--output-path", str(folder)], FOLDER)
        shutil.copy(HERE / "python_day.py", folder / "day.py")
        run(["mypy", "--strict", "--config-file=", "day.py"], folder)
        run([sys.executable, "day.py", site], folder)
