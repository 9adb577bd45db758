"""docs/operations.md: every shell block, as it stands and in order, on a copy of this machine.

The copy is an overlay of the file system in namespaces of its own, without a network. Three commands are replaced (in
machine/bin/), because they need a real machine:

- `apt-get`, which needs a network: packages must be installed already, and what installing them does is done.
- `certbot`, which needs a public address: its challenge is fetched, and the certificate is signed here.
- `systemctl`, which needs systemd as the first process: the units' commands are run as their user, with the file system
  as ProtectSystem, ProtectHome, PrivateTmp, StateDirectory and ReadWritePaths have it.

Python packages come from a folder that is filled beforehand.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.tests.conftest import ROOT

MACHINE = ROOT / "deploy/tests/machine"
GUIDE = ROOT / "docs/operations.md"
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--ipc", "--uts"]
SECONDS = 3000
PSQL = "runuser -u postgres -- psql -qc"
OLGA = 'DJANGO_SUPERUSER_PASSWORD="$(openssl rand -base64 18)!"'
# What happens between the blocks, before the first one that contains the text.
MEANWHILE = {
    "createsuperuser": "ticketing demo --tickets 60 --verbosity 0",
    "export_tickets": f"{OLGA} ticketing createsuperuser --noinput --email olga@example.com --name 'Olga Owner'",
    "before_import')": f"cd /; {PSQL} 'CREATE TABLE imports AS SELECT 1 AS number'",
    "target=before_import": f"cd /; {PSQL} 'INSERT INTO imports VALUES (2)'",
    "deploy/install.sh\n": "rm -rf /root/ticketing-* && cp /rehearsal/next/ticketing-*.tar.gz /root",
}
CHECKS = ROOT / "deploy/tests/machine/checks.sh"


def blocks() -> list[tuple[int, str]]:
    """Return the shell blocks of the guide with their lines' numbers."""
    text = GUIDE.read_text()
    return [
        (text.count("\n", 0, found.start()) + 1, found[1])
        for found in re.finditer(r"^```bash\n(.*?)^```$", text, re.M | re.S)
    ]


BLOCKS = blocks()


@pytest.fixture(autouse=True)
def rows_of_migrations() -> None:
    """Do without a test database."""


@pytest.fixture(scope="module")
def wheels() -> Path:
    """Return a folder with the Python packages, for Debian's Python."""
    folder = ROOT / "var/wheels"
    requirements = [ROOT / "requirements.txt", ROOT / "requirements-telemetry.txt"]
    done = folder / "requirements.txt"
    wanted = "".join(file.read_text() for file in requirements)
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(folder / "python")], check=True)
        pip = [str(folder / "python/bin/pip"), "download", "--quiet", "--disable-pip-version-check"]
        files = [argument for file in requirements for argument in ("--requirement", str(file))]
        subprocess.run([*pip, "--dest", str(folder), *files], check=True)
        shutil.rmtree(folder / "python")
        done.write_text(wanted)
    return folder


@pytest.fixture(scope="module")
def rehearsal(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run all blocks up to the first that fails. Returns the folder with what each has printed."""
    folder = tmp_path_factory.mktemp("rehearsal")
    if os.getuid() != 0 or subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("Only root can make a copy of this machine.")
    if not Path("/etc/debian_version").exists() or not Path("/etc/debian_version").read_text().startswith("12."):
        pytest.skip("The guide is for Debian 12.")
    for name in ("blocks", "root", "next"):
        (folder / name).mkdir()
    pack(folder / "root", "1.0.0")
    pack(folder / "next", "1.0.1")
    between = dict(MEANWHILE)
    for number, (_, block) in enumerate(BLOCKS):
        for text in [text for text in between if text in block]:
            (folder / f"blocks/{number:02}a.sh").write_text(between.pop(text))
        (folder / f"blocks/{number:02}b.sh").write_text(block)
    assert not between
    shutil.copy(CHECKS, folder / "blocks/99.sh")
    subprocess.run(
        [*NAMESPACES, sys.executable, str(MACHINE / "rehearse.py"), str(folder), str(wheels)],
        check=True,
        timeout=SECONDS,
    )
    return folder / "blocks"


def pack(folder: Path, version: str) -> None:
    """Pack the files of this checkout, as `make dist` packs a commit."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    names = [name for name in names if name != "VERSION" and (ROOT / name).exists()]
    (folder / "VERSION").write_text(f"{version}\n")
    command = ["tar", "-czf", str(folder / f"ticketing-{version}.tar.gz"), f"--transform=s,^,ticketing-{version}/,"]
    subprocess.run([*command, "-C", str(folder), "VERSION", "-C", str(ROOT), *names], check=True)
    (folder / "VERSION").unlink()


def passed(rehearsal: Path, name: str) -> str:
    """Return what a block has printed, which must have succeeded."""
    status = rehearsal / f"{name}.status"
    assert status.exists(), "An earlier block failed."
    output = (rehearsal / f"{name}.out").read_text()
    assert status.read_text() == "0", output
    return output


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=[f"line-{line}" for line, _ in BLOCKS])
def test_block_works_as_it_stands(rehearsal: Path, number: int) -> None:
    meanwhile = rehearsal / f"{number:02}a"
    if meanwhile.with_suffix(".sh").exists():
        passed(rehearsal, meanwhile.name)
    passed(rehearsal, f"{number:02}b")


def test_machine_is_as_described(rehearsal: Path) -> None:
    passed(rehearsal, "99")
