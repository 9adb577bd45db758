"""`manage.py doctor`: check everything that Ticketing depends on, and say what to do about what is wrong."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ticketing.operations.doctor import Finding, Verdict, examine


class Command(BaseCommand):
    help = (
        "Check the settings, the database, the worker, mail, storage, the proxy and backups. Exits with 1 on a fault."
    )
    # It runs the checks itself, and reports what they find.
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        number = 0
        for finding in examine():
            number += finding.verdict is Verdict.FAULT
            self.report(finding)
        if number:
            raise CommandError(f"{number} {'fault' if number == 1 else 'faults'} found.")
        self.stdout.write("No faults.")

    def report(self, finding: Finding) -> None:
        style = self.style.ERROR if finding.verdict is Verdict.FAULT else self.style.SUCCESS
        self.stdout.write(f"{style(finding.verdict)} {finding.subject}: {finding.text.rstrip('.')}.")
        if finding.remedy:
            self.stdout.write(f"    {finding.remedy}")
        self.stdout.flush()
