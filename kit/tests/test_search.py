"""The functions behind searching and sorting, against plain Python."""

from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# What PostgreSQL can store: no NUL, no surrogates.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)


def call(function: str, text: str) -> Any:
    ((value,),) = psql(f"SELECT {function}(%(text)s)", text=text)
    return value


def words(text: str) -> list[str]:
    ((found,),) = psql("SELECT tsvector_to_array(search_split(search_fold(%(text)s))::tsvector)", text=text)
    return list(found)


class TestFold:
    @pytest.mark.parametrize(
        ("text", "folded"),
        [
            ("Spöter CAFÉ Jérôme", "spoter cafe jerome"),
            ("Hauptstraße Smørrebrød Łódź Þór Æsir Œuvre", "hauptstrasse smorrebrod lodz thor aesir oeuvre"),
            ("İstanbul ısı Đặng", "istanbul isi dang"),
            ("Ｆｕｌｌ ﬁne ² ①", "full fine 2 1"),
            ("ΑΘΉΝΑΣ Ёж", "αθηνασ еж"),
            ("مُحَمَّد שָׁלוֹם", "محمد שלום"),
            # Marks that are letters of their own stay.
            ("한국어 ガｶﾞ हिन्दी", "한국어 ガガ हिन्दी"),
            ("👍🏽 ❤️", "👍 ❤"),
            ("co\u00adoperate می\u200cخواهم", "cooperate میخواهم"),
        ],
    )
    def test_ignores_case_accents_and_compatibility_forms(self, text: str, folded: str) -> None:
        assert call("search_fold", text) == folded

    @given(text=texts)
    @settings(max_examples=200)
    def test_changes_nothing_the_second_time(self, text: str) -> None:
        once = call("search_fold", text)

        assert call("search_fold", once) == once


class TestVector:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Fix the FIX", ["fix", "the"]),
            ("C++ c# C++17 F#, a+b issue#5 ++ #", ["17", "5", "a", "b", "c#", "c++", "f#", "issue"]),
            ("版本更新v2", ["更新", "新", "本更", "版本", "v2"]),
            ("50€ 🎉", ["50", "€", "🎉"]),
            ("user@mail.example", ["example", "mail", "user"]),
            ("%_!'\\:* –…“”。、", []),
        ],
    )
    def test_has_words_pairs_and_symbols(self, text: str, found: list[str]) -> None:
        assert sorted(words(text)) == sorted(found)

    @given(text=texts)
    @settings(max_examples=300)
    def test_accepts_any_text_and_finds_it_by_itself(self, text: str) -> None:
        """Whatever a text consists of, searching for it finds it, unless it has no word."""
        ((is_found,),) = psql(
            "SELECT coalesce(vector @@ search_query(%(text)s), vector = '')"
            " FROM CAST(search_split(search_fold(%(text)s)) AS tsvector) AS vector",
            text=text,
        )

        assert is_found

    @pytest.mark.parametrize("kind", ["P", "S"])
    def test_treats_the_common_signs_as_unicode_classifies_them(self, kind: str) -> None:
        """Punctuation is no word, and a symbol is one. Checked for Latin, CJK and the blocks of signs between them."""
        blocks = [range(0xA0, 0x100), range(0x2010, 0x2060), range(0x20A0, 0x20C0), range(0x2190, 0x2C00)]
        blocks += [range(0x2E00, 0x2E50), range(0x3000, 0x3040), range(0x1F300, 0x1F6D0), range(0x1F900, 0x1FA00)]
        signs = [chr(code) for block in blocks for code in block if category(chr(code)).startswith(kind)]
        folded = psql(
            "SELECT sign, search_split(search_fold(sign))::tsvector = '' FROM unnest(%(signs)s::text[]) AS sign",
            signs=signs,
        )

        # Accents and skin tones fold away and leave spaces or ASCII; a fraction slash divides.
        expected = kind == "P"
        exceptions = {sign for sign, is_empty in folded if is_empty != expected} - set("¨¯´¸⁄⁒≠≮≯⩴⩵⩶🏻🏼🏽🏾🏿")
        assert exceptions == set()

    @pytest.mark.parametrize("text", ["a" * 20_000, "更" * 20_000, "ﷺ" * 19_999 + "🔥", "é" * 3_000, "𠀀𠀁" * 9_999])
    def test_accepts_the_longest_texts(self, text: str) -> None:
        assert words(text)

    def test_works_without_a_search_path(self) -> None:
        """As while pg_restore fills a table, or autovacuum analyzes it."""
        psql("SET LOCAL search_path = ''")

        ((words, key),) = psql("SELECT public.search_split(public.search_fold('Ä c++')), public.search_sort_key('Ä')")

        assert (words, key) == ("a c++ ", "a")


class TestQuery:
    @pytest.mark.parametrize(
        ("text", "lookup", "others"),
        [
            ("", None, None),
            ("%_!", None, None),
            ("fix", "'fix':*", None),
            # Every text with the longer word has the shorter one.
            ("a ab abc", "'abc':*", None),
            ("a of fix", "'fix':*", "'of':* & 'a':*"),
            ("a of", "'of':* & 'a':*", None),
            ("one two three four five", "'three':* & 'five':* & 'four':* & 'one':*", "'two':*"),
            # A single CJK character begins many pairs.
            ("更新", "'更新':*", "'新':*"),
        ],
    )
    def test_looks_up_the_most_selective_words(self, text: str, lookup: str | None, others: str | None) -> None:
        ((found, checked),) = psql(
            "SELECT search_query(%(text)s, true)::text, search_query(%(text)s, false)::text", text=text
        )

        assert (found, checked) == (lookup, others)


class TestWholeWords:
    """An index finds texts with the words as they are, and those with longer ones, faster than both together."""

    @given(
        text=st.text(st.sampled_from("abc1+# ыж版本éß-~'\\:"), max_size=12),
        search=st.text(st.sampled_from("abc1+# ы版"), max_size=4),
    )
    @settings(max_examples=1000)
    def test_and_longer_ones_are_found_as_by_prefix(self, text: str, search: str) -> None:
        ((by_prefix, whole, longer),) = psql(
            "SELECT vector @@ search_query(%(search)s, true), vector @@ search_whole(%(search)s),"
            " vector @@ search_longer(%(search)s)"
            " FROM CAST(search_marked(search_split(search_fold(%(text)s))) AS tsvector) AS vector",
            text=text,
            search=search,
        )

        # What is found is compared with the search again, so it may be too much: `longer` needs one of several words.
        assert not by_prefix or whole or longer
        assert not whole or by_prefix

    @pytest.mark.parametrize(
        ("search", "whole", "longer"),
        [
            ("of fix it", "'fix'", "'~fix' | 'fix0':* | 'fix1':*"),
            ("fix car", "'car' & 'fix'", "'~car' | 'car0':* | 'car1':*"),
            ("принтер", "'принтер':*", None),
            ("%", None, None),
        ],
    )
    def test_are_those_to_look_up(self, search: str, whole: str | None, longer: str | None) -> None:
        ((found, found_longer),) = psql(
            "SELECT search_whole(%(search)s)::text, search_longer(%(search)s)::text", search=search
        )

        assert found == whole
        assert found_longer == longer or found_longer.startswith(longer)

    @pytest.mark.parametrize(
        ("words", "marked"),
        [
            ("printers cannot print", "printers cannot print"),
            ("usbпорт принтер printer2ы", "usbпорт принтер printer2ы ~usb ~printer2"),
            ("порт usb", "порт usb"),
        ],
    )
    def test_that_continue_in_another_script_are_marked(self, words: str, marked: str) -> None:
        assert call("search_marked", words) == marked

    @pytest.mark.parametrize("text", ["a" * 20_000 + "ы", "aы" * 10_000, "更a" * 10_000])
    def test_are_marked_in_the_longest_texts(self, text: str) -> None:
        assert psql("SELECT search_marked(search_split(search_fold(%(text)s)))::tsvector <> ''", text=text) == [(True,)]

    def test_are_marked_without_a_search_path(self) -> None:
        """As while pg_restore fills a table."""
        psql("SET LOCAL search_path = ''")

        assert psql("SELECT public.search_marked('usbпорт')") == [("usbпорт ~usb",)]


class TestSortKey:
    def test_puts_accents_beside_their_letter(self) -> None:
        names = ["zeta", "Zoo", "Ärger", "argo", "Azur", "Über", "unten"]

        rows = psql("SELECT name FROM unnest(%(names)s::text[]) AS name ORDER BY search_sort_key(name)", names=names)

        assert [name for (name,) in rows] == ["Ärger", "argo", "Azur", "Über", "unten", "zeta", "Zoo"]

    @pytest.mark.parametrize("character", ["ﷺ", "ß", "𠀀", "㎢"])
    def test_fits_into_an_index(self, character: str) -> None:
        assert len(call("search_sort_key", character * 255).encode()) <= 1020
