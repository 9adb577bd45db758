"""Base class of the commands that export a list as CSV."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from accounts.models import User, UserType
from kit.errors import Refused
from kit.web.problems import describe


class ExportCommand(BaseCommand):
    """Write what `content` yields. `shape` is the list's query serializer, without the paging parameters."""

    shape: type[Serializer[Any]]

    def content(self, *, viewer: User, **query: Any) -> Iterator[bytes]:
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("filters", nargs="*", metavar="NAME=VALUE", help="the list's filters, such as status=open")
        parser.add_argument("--as", dest="email", help="export what this user may see (e-mail address); default: all")
        parser.add_argument("--output", type=Path, help="write to this file, replacing it; default: standard output")

    def handle(self, *, filters: list[str], email: str | None, output: Path | None, **options: Any) -> None:
        content = self.content(viewer=viewer(email), **self._query(filters))
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} KB"), TimeElapsedColumn())
        console = Console(stderr=True)
        with ExitStack() as stack:
            progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
            bar = progress.add_task("", total=None)
            file = stack.enter_context(output.open("wb")) if output else None
            for chunk in content:
                if file:
                    file.write(chunk)
                else:
                    self.stdout.write(chunk.decode(), ending="")
                progress.advance(bar, len(chunk) / 1000)

    def _query(self, filters: list[str]) -> dict[str, Any]:
        """Return the filters as the list's serializer validates them."""
        query = dict(each.partition("=")[::2] for each in filters)
        names = [each.partition("=")[0] for each in filters]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise CommandError(f"Give each filter only once: {', '.join(sorted(repeated))}.")
        if unknown := query.keys() - self.shape().fields.keys():
            raise CommandError(f"Unknown filter: {', '.join(sorted(unknown))}.")
        serializer = self.shape(data=query)
        try:
            serializer.is_valid(raise_exception=True)
        except (ValidationError, Refused) as error:
            raise CommandError(describe(error).message) from error
        return dict(serializer.validated_data)


def viewer(email: str | None) -> User:
    """Return the user with this address; without one, an unsaved admin, who sees everything.

    :raises CommandError: no user has this address.
    """
    if email is None:
        return User(type=UserType.ADMIN)
    user = User.objects.with_email(email).first()
    if user is None:
        raise CommandError(f"No user has the address {email}.")
    return user
