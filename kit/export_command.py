"""What the commands that write a list as CSV share."""

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

from kit.errors import Refused
from kit.web.problems import describe


class ExportCommand(BaseCommand):
    """Writes what `content` yields. `shape` is the query string's of the list, without what pages it."""

    shape: type[Serializer[Any]]

    def viewer(self, email: str | None) -> Any:
        """Return whom to export for.

        :raises CommandError: nobody has this address.
        """
        raise NotImplementedError

    def content(self, *, viewer: Any, **query: Any) -> Iterator[bytes]:
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("filters", nargs="*", metavar="NAME=VALUE", help="as of the list, such as status=open")
        parser.add_argument("--as", dest="email", help="the address of whom to export for; else everything")
        parser.add_argument("--output", type=Path, help="a file, to be overwritten; else the standard output")

    def handle(self, *, filters: list[str], email: str | None, output: Path | None, **options: Any) -> None:
        content = self.content(viewer=self.viewer(email), **self._query(filters))
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

    def _query(self, filters: list[str]) -> dict[str, Any]:
        """In the domain's words, under the rules of the list."""
        query = dict(each.partition("=")[::2] for each in filters)
        if unknown := query.keys() - self.shape().fields.keys():
            raise CommandError(f"There is no filter {', '.join(sorted(unknown))}.")
        serializer = self.shape(data=query)
        try:
            serializer.is_valid(raise_exception=True)
        except (ValidationError, Refused) as error:
            raise CommandError(describe(error).message) from error
        return dict(serializer.validated_data)
