"""CSV exports: how cells are written, and that rows are read and written in batches."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import Busy
from kit.web import csv_export

COLUMNS = ["id", "name"]


def parsed(*names: Any) -> list[list[str]]:
    """Export rows with these names, and return the cells that a CSV reader finds."""
    items = [{"id": number, "name": name} for number, name in enumerate(names)]
    content = b"".join(csv_export.encode(COLUMNS, [items]))
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


class TestEncode:
    def test_follows_rfc_4180(self) -> None:
        items = [{"id": 1, "name": 'Say "hi", then\nleave'}, {"id": 2, "name": "Zoë 東京"}]

        content = b"".join(csv_export.encode(COLUMNS, [items]))

        assert content.decode() == 'id,name\r\n1,"Say ""hi"", then\nleave"\r\n2,Zoë 東京\r\n'

    def test_without_rows_is_the_header_only(self) -> None:
        assert b"".join(csv_export.encode(COLUMNS, [])) == b"id,name\r\n"

    def test_starts_with_one_header_for_all_batches(self) -> None:
        batches = [[{"id": number, "name": "x"}] for number in range(3)]

        pieces = list(csv_export.encode(COLUMNS, batches))

        assert pieces == [b"id,name\r\n0,x\r\n", b"1,x\r\n", b"2,x\r\n"]

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
    def test_defuses_formulas(self, text: str) -> None:
        assert parsed(text)[1] == ["0", f"'{text}"]

    @given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
    def test_leaves_other_text_unchanged(self, text: str) -> None:
        expected = f"'{text}" if text.startswith((*csv_export.FORMULA_STARTS, "'")) else text

        assert parsed(text)[1] == ["0", expected]

    def test_writes_none_as_empty_and_numbers_unquoted(self) -> None:
        content = b"".join(csv_export.encode(["price"], [[{"price": None}, {"price": -1.5}]]))

        assert content == b'price\r\n""\r\n-1.5\r\n'


class TestRecipe:
    """The code in docs/api.md that reads an export."""

    NAMES = ["=1+1", "'=1+1", "''=1", "'", "'tis", "-5 °C", "plain", "", "Zoë 東京", "Two\r\nlines", "\ufeffmark"]

    def test_restores_every_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        items = [{"id": number, "name": name} for number, name in enumerate(self.NAMES)]
        (tmp_path / "tickets.csv").write_bytes(b"".join(csv_export.encode(COLUMNS, [items])))
        monkeypatch.chdir(tmp_path)
        read: dict[str, Any] = {}

        exec(recipe(), read)

        assert read["rows"] == [{"id": str(item["id"]), "name": item["name"]} for item in items]

    @given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
    def test_removes_exactly_what_the_guard_added(self, text: str) -> None:
        assert parsed(text)[1][1].removeprefix("'") == text


def recipe() -> str:
    (code,) = re.findall(
        r"```python\n(import csv\n.*?)```", (settings.BASE_DIR / "docs" / "api.md").read_text(), re.DOTALL
    )
    return str(code)


class TestBatches:
    @pytest.mark.parametrize("many", [0, 1, 2, 3, 4, 5])
    def test_contain_every_row_once(self, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(csv_export, "BATCH", 2)
        rows = list(range(many))

        def fetch(last: int | None) -> list[int]:
            return [row for row in rows if last is None or row > last][:2]

        batches = list(csv_export.batches(fetch))

        assert [row for batch in batches for row in batch] == rows
        assert all(batches)


@pytest.mark.django_db
class TestAnswer:
    def test_reads_batches_on_demand(self) -> None:
        read = []

        def content() -> Iterator[bytes]:
            for number in range(3):
                read.append(number)
                yield b"%d" % number

        answer = csv_export.answer("things", content(), user_id=1)

        assert read == [0]
        assert answer.getvalue() == b"012"
        assert answer["Content-Disposition"] == 'attachment; filename="things.csv"'
        assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"

    def test_starts_with_a_byte_order_mark_if_it_is_for_excel(self) -> None:
        answer = csv_export.answer("things", iter([b"0", b"1"]), user_id=1, is_for_excel=True)

        assert answer.getvalue() == b"\xef\xbb\xbf01"

    def test_raises_if_the_first_batch_fails(self) -> None:
        def piece(_: int) -> bytes:
            raise Busy

        with pytest.raises(Busy):
            csv_export.answer("things", map(piece, range(1)), user_id=1)

    def test_raises_the_error_of_a_statement_that_fails_in_a_transaction(self) -> None:
        def piece(_: int) -> bytes:
            connection.cursor().execute("SELECT 1 / 0")
            return b""

        with pytest.raises(DataError), transaction.atomic():
            csv_export.answer("things", map(piece, range(1)), user_id=1)
