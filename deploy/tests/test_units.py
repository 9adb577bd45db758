"""The systemd units, as far as they can be tried without systemd: its own verdict, and what they start."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.tests.conftest import ROOT

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
# systemd's scale is from 0 (safe) to 10.
MAX_EXPOSURE = 3.0
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_is_hardened(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)], capture_output=True, text=True, check=True
    )
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", done.stdout)

    assert exposure is not None
    assert float(exposure[1]) < MAX_EXPOSURE


@pytest.mark.parametrize("unit", [*UNITS, *(ROOT / "deploy/systemd").glob("*.timer")], ids=lambda unit: unit.name)
def test_is_a_valid_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    # The programs are where the units will be installed, not here.
    complaints = [line for line in done.stderr.splitlines() if unit.name in line and "is not executable" not in line]

    assert complaints == []


def test_web_server_starts_as_serve_starts_it() -> None:
    from ticketing.management.commands.serve import web_server

    text = (ROOT / "deploy/systemd/ticketing-web.service").read_text()
    (started,) = re.findall(r"^ExecStart=\S+/python (.*)$", text, re.M)

    assert started.split() == web_server("127.0.0.1", 8000, 2)[1:]


def test_code_runs_without_memory_that_is_writable_and_executable() -> None:
    """MemoryDenyWriteExecute=yes, which the kernel applies here as systemd would."""
    script = (
        "import ctypes, sys;"
        f"ctypes.CDLL(None).prctl({PR_SET_MDWE}, {REFUSE_EXEC_GAIN}, 0, 0, 0) == 0 or sys.exit(77);"
        "import granian, argon2, orjson, psycopg, uvloop, procrastinate;"
        "argon2.PasswordHasher().hash('secret'); orjson.dumps({});"
        "import ticketing.rsgi"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    if done.returncode == 77:
        pytest.skip("This kernel is older than 6.3.")
    assert done.returncode == 0, done.stderr
