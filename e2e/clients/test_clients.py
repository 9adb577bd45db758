"""Clients that popular tools generate from the schema, with the tools' defaults, compile and work.

Everything is generated in var/clients/.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from demo.people import SIGN_INS

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / "var" / "clients"
PYTHON_TOOLS = Path(sys.executable).parent
TOUR = HERE.parent.parent / "docs" / "clients.md"


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


@pytest.fixture(scope="module")
def compiled(schema: Path, node: Path) -> Path:
    """Return a folder with the programs in JavaScript."""
    run(["openapi-typescript", str(schema), "--output", "schema.d.ts"], node)
    end = (HERE / "typescript/tour_end.ts").read_text()
    (node / "tour.ts").write_text(f"{tour('typescript')}\n\n{end}")
    run(["tsc"], node)
    return node


@pytest.fixture(scope="module")
def generated(schema: Path) -> Path:
    """Return a folder with the generated client."""
    folder = FOLDER / "python"
    shutil.rmtree(folder, ignore_errors=True)
    # It warns about calls that it leaves out.
    generate = ["openapi-python-client", "generate", "--fail-on-warning"]
    run([*generate, "--path", str(schema), "--output-path", str(folder)], FOLDER)
    return folder


def api_key(site: str, role: str) -> str:
    """Return an API key of the demo's user of this role."""
    (email, password) = next(each[1:] for each in SIGN_INS if each.role == role)
    token = post(f"{site}/auth/login", {"email": email, "password": password})["token"]
    return post(f"{site}/auth/keys", {"name": "Tour", "scope": "write"}, token)["key"]


def post(url: str, body: dict[str, str], token: str = "") -> dict[str, str]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    with urlopen(Request(url, json.dumps(body).encode(), headers)) as response:
        return json.loads(response.read())


def tour(language: str) -> str:
    """Return the blocks in docs/clients.md as one program."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", TOUR.read_text(), re.M | re.S)
    assert blocks
    return "\n\n".join(blocks)


def run(command: list[str], folder: Path, **variables: str) -> None:
    """Run a command, and fail with its output if it fails."""
    path = os.pathsep.join([str(folder / "node_modules" / ".bin"), str(PYTHON_TOOLS), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path} | variables, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)


class TestSchema:
    def test_is_clean_in_redocly(self, schema: Path, node: Path) -> None:
        run(["node", "lint.mjs", str(schema)], node)


class TestTypeScript:
    def test_client_works(self, compiled: Path, site: str) -> None:
        run(["node", "day.js", site], compiled)

    def test_tour_works(self, compiled: Path, site: str) -> None:
        run(["node", "tour.js", site, api_key(site, "agent")], compiled)


class TestPython:
    def test_client_works(self, generated: Path, site: str) -> None:
        shutil.copy(HERE / "python_day.py", generated / "day.py")
        run(["mypy", "--strict", "--config-file=", "day.py"], generated)
        run([sys.executable, "day.py", site], generated)

    def test_tour_works(self, generated: Path, site: str) -> None:
        (generated / "tour.py").write_text(tour("python"))
        run(["mypy", "--strict", "--config-file=", "tour.py"], generated)
        run([sys.executable, "tour.py"], generated, TICKETING_URL=site, TICKETING_KEY=api_key(site, "admin"))
