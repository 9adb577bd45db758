"""`.ci/audit.py`, which looks for known vulnerabilities and unwanted licences (`make audit`)."""

import importlib.util
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", settings.BASE_DIR / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VULN = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.0"]}
VULNERABLE = {"name": "package", "version": "1.0", "vulns": [VULN]}
SKIPPED = {"name": "other", "skip_reason": "Dependency not found"}


class TestAdvisories:
    @pytest.mark.parametrize("packages", [None, [], [SKIPPED]])
    def test_that_cannot_be_looked_up_are_not_called_absent(
        self, script: ModuleType, capsys: Any, packages: Any
    ) -> None:
        assert script.report_advisories(packages) == 0
        assert "nothing was checked" in capsys.readouterr().out

    def test_fail_the_run(self, script: ModuleType, capsys: Any) -> None:
        assert script.report_advisories([VULNERABLE, SKIPPED]) == 1
        assert capsys.readouterr().out == (
            "  package: PYSEC-2026-1, fixed in 2.0\n"
            "Advisories: 1 for 1 packages, 1 not accepted; 1 packages not checked.\n"
        )

    @pytest.mark.parametrize("known_as", ["PYSEC-2026-1", "CVE-2026-1"])
    def test_that_are_accepted_do_not_fail_it(self, script: ModuleType, capsys: Any, known_as: str) -> None:
        script.ACCEPTED[known_as] = "not used here"

        assert script.report_advisories([VULNERABLE]) == 0
        assert "accepted: not used here" in capsys.readouterr().out

    def test_that_are_accepted_are_in_the_policy(self, script: ModuleType) -> None:
        policy = (settings.BASE_DIR / "SECURITY.md").read_text()

        assert all(advisory in policy for advisory in script.ACCEPTED)


class TestLicences:
    @pytest.mark.parametrize(
        ("licence", "is_wanted"),
        [
            ("MIT", True),
            ("LGPL-3.0-only", True),
            ("Apache-2.0 OR BSD-3-Clause", True),
            ("AGPL-3.0", False),
            ("GNU General Public License v3 (GPLv3)", False),
            ("UNKNOWN", False),
            ("SUMMIT", False),
        ],
    )
    def test_are_known(self, script: ModuleType, licence: str, is_wanted: bool) -> None:
        assert script.report_licences([{"Name": "package", "License": licence}]) == int(not is_wanted)
