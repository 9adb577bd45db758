"""Report known vulnerabilities and licences of the packages that Ticketing depends on.

Fails if there is an advisory that ACCEPTED does not name, or a package whose licence is not in LICENCES.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

TOOLS = Path(sys.executable).parent
# Advisories that do not concern Ticketing, by id, with the reason. SECURITY.md lists them, too.
ACCEPTED: dict[str, str] = {}
# Parts of the names of licences that go with MIT-licensed code. LGPL and MPL cover only the packages themselves, which
# are used unchanged.
LICENCES = (
    *("Apache", "BSD", "ISC", "MIT", "PSF", "Python Software Foundation", "Public Domain", "Unlicense"),
    *("LGPL", "MPL"),
)
# Packages that do not declare their licence, which was looked up.
DECLARED_ELSEWHERE = {"axe-playwright-python": "MIT License"}


def main() -> int:
    advisories, licences = vulnerabilities(), licence_list()
    return max(report_advisories(advisories), report_licences(licences))


def vulnerabilities() -> list[dict[str, Any]] | None:
    """Return the packages with their advisories, None if they could not be looked up."""
    command = [TOOLS / "pip-audit", "--requirement", "requirements-dev.txt", "--no-deps", "--disable-pip"]
    run = subprocess.run([*command, "--format=json", "--timeout=15"], capture_output=True, text=True, check=False)
    try:
        return list(json.loads(run.stdout)["dependencies"])
    except (ValueError, KeyError):
        return None


def licence_list() -> list[dict[str, str]]:
    command = [TOOLS / "pip-licenses", "--python=.venv/bin/python", "--from=mixed", "--format=json"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(run.stdout))


def report_advisories(packages: list[dict[str, Any]] | None) -> int:
    checked = [package for package in packages or [] if "vulns" in package]
    if not checked:
        print("Advisories: skipped. No source of advisories is reachable, so nothing was checked.")
        return 0
    skipped = len(packages or []) - len(checked)
    found = {(package["name"], vuln["id"]): vuln for package in checked for vuln in package["vulns"]}
    new = 0
    for (name, advisory), vuln in sorted(found.items()):
        known = ACCEPTED.keys() & {advisory, *vuln.get("aliases", [])}
        new += not known
        fixed = ", ".join(vuln.get("fix_versions", [])) or "no version yet"
        print(f"  {name}: {advisory}, {f'accepted: {ACCEPTED[known.pop()]}' if known else f'fixed in {fixed}'}")
    print(f"Advisories: {len(found)} for {len(checked)} packages, {new} not accepted; {skipped} packages not checked.")
    return int(new > 0)


def report_licences(packages: list[dict[str, str]]) -> int:
    by_licence = defaultdict(list)
    for package in packages:
        name = package["Name"]
        by_licence[DECLARED_ELSEWHERE.get(name, package["License"])].append(name)
    unwanted = [licence for licence in by_licence if not re.search(rf"\b({'|'.join(LICENCES)})", licence)]
    for licence, names in sorted(by_licence.items()):
        print(f"  {licence}{' (UNWANTED)' if licence in unwanted else ''}: {', '.join(sorted(names))}")
    print(f"Licences: {len(packages)} packages, {len(unwanted)} unwanted licences.")
    return int(bool(unwanted))


if __name__ == "__main__":
    sys.exit(main())
