"""CSV of any list: what its cells look like, and that it is read and written some rows at a time."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from kit.errors import Busy
from kit.web import csv_export


class ThingSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


def written(*names: Any) -> list[list[str]]:
    """What a program reads in the CSV of things with these names."""
    things = [{"id": number, "name": name} for number, name in enumerate(names)]
    content = b"".join(csv_export.encode(ThingSerializer, [things]))
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


class TestEncode:
    def test_is_rfc_4180(self) -> None:
        things = [{"id": 1, "name": 'Say "hi", then\nleave'}, {"id": 2, "name": "Zoë 東京"}]

        content = b"".join(csv_export.encode(ThingSerializer, [things]))

        assert content.decode() == 'id,name\r\n1,"Say ""hi"", then\nleave"\r\n2,Zoë 東京\r\n'

    def test_of_nothing_is_the_head(self) -> None:
        assert b"".join(csv_export.encode(ThingSerializer, [])) == b"id,name\r\n"

    def test_has_one_head_for_all_batches(self) -> None:
        batches = [[{"id": number, "name": "x"}] for number in range(3)]

        pieces = list(csv_export.encode(ThingSerializer, batches))

        assert pieces == [b"id,name\r\n0,x\r\n", b"1,x\r\n", b"2,x\r\n"]

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'])
    def test_defuses_formulas(self, text: str) -> None:
        assert written(text)[1] == ["0", f"'{text}"]

    @given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
    def test_leaves_other_texts_as_they_are(self, text: str) -> None:
        expected = f"'{text}" if text[:1] in {*csv_export.FORMULA_STARTS} else text

        assert written(text)[1] == ["0", expected]

    def test_shows_nothing_as_nothing_and_numbers_as_numbers(self) -> None:
        class PriceSerializer(serializers.Serializer[Any]):
            price = serializers.FloatField(allow_null=True)

        content = b"".join(csv_export.encode(PriceSerializer, [[{"price": None}, {"price": Decimal("-1.5")}]]))

        assert content == b'price\r\n""\r\n-1.5\r\n'


class TestBatches:
    @pytest.mark.parametrize("many", [0, 1, 2, 3, 4, 5])
    def test_hold_every_row_once(self, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(csv_export, "BATCH", 2)
        rows = list(range(many))

        def fetch(last: int | None) -> list[int]:
            return [row for row in rows if last is None or row > last][:2]

        batches = list(csv_export.batches(fetch))

        assert [row for batch in batches for row in batch] == rows
        assert all(batches)


class TestAnswer:
    def test_reads_a_batch_when_it_is_asked_for(self) -> None:
        read = []

        def content() -> Iterator[bytes]:
            for number in range(3):
                read.append(number)
                yield b"%d" % number

        answer = csv_export.answer("things", content())

        assert read == [0]
        assert answer.getvalue() == b"012"
        assert answer["Content-Disposition"] == 'attachment; filename="things.csv"'
        assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"

    def test_is_none_where_the_first_batch_is_refused(self) -> None:
        def piece(_: int) -> bytes:
            raise Busy

        with pytest.raises(Busy):
            csv_export.answer("things", map(piece, range(1)))
