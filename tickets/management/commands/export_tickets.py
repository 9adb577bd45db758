"""`manage.py export_tickets`: the tickets as CSV, as `GET /tickets/export` gives them to somebody."""

from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from accounts.models import User, UserType
from ticketing.api import describe
from ticketing.errors import Refused
from tickets import exports
from tickets.serializers import TicketFilterSerializer


class Command(BaseCommand):
    help = "Write tickets as CSV: all of them, or those that somebody may see."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("filters", nargs="*", metavar="NAME=VALUE", help="as of GET /tickets, such as status=open")
        parser.add_argument("--as", dest="email", help="the address of whom to export for; else everything")
        parser.add_argument("--output", type=Path, help="a file, to be overwritten; else the standard output")

    def handle(self, *, filters: list[str], email: str | None, output: Path | None, **options: Any) -> None:
        content = exports.tickets(viewer=_viewer(email), **_query(filters), at=timezone.now())
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} KB"), TimeElapsedColumn())
        console = Console(stderr=True)
        with ExitStack() as opened:
            progress = opened.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
            bar = progress.add_task("", total=None)
            file = opened.enter_context(output.open("wb")) if output else None
            for piece in content:
                if file:
                    file.write(piece)
                else:
                    self.stdout.write(piece.decode(), ending="")
                progress.advance(bar, len(piece) / 1000)


def _viewer(email: str | None) -> User:
    if email is None:
        # Staff see everything; nobody in particular asks.
        return User(type=UserType.AGENT)
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"There is no user with the address {email}.")
    return user


def _query(filters: list[str]) -> dict[str, Any]:
    """In the domain's words, under the rules of the list."""
    query = dict(each.partition("=")[::2] for each in filters)
    if unknown := query.keys() - TicketFilterSerializer().fields.keys():
        raise CommandError(f"There is no filter {', '.join(sorted(unknown))}.")
    serializer = TicketFilterSerializer(data=query)
    try:
        serializer.is_valid(raise_exception=True)
    except (ValidationError, Refused) as error:
        raise CommandError(describe(error).message) from error
    return serializer.validated_data
