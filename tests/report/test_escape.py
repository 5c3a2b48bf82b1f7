import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syslogparse.report.escape import is_plain, plain, printable
from tests.report.hostile import NASTY, raws, texts

SEEN_AS_BLANK = "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0f\uffa0\ufffc\U000e0100"


def is_harmless(text):
    """Nothing that a terminal obeys, that hides, or that turns the direction of writing."""
    return all(
        character == " " or (unicodedata.category(character)[0] not in "CZ" and character not in SEEN_AS_BLANK)
        for character in text
    )


@given(st.one_of(texts, raws, st.text()))
@example("\x1b[31m")
@example("\u202e")
@example(b"\xff\x9b1m")
def test_nothing_harmful_passes(text):
    assert is_harmless(printable(text))
    assert is_harmless(plain(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")))


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA1), *range(0x2000, 0x2070), 0xFEFF, 0x061C, 0xE000, 0xE0041])
def test_each_control_becomes_an_escape(code):
    assert printable(chr(code)).startswith("\\") or 0x2010 <= code <= 0x2027 or 0x2030 <= code <= 0x205E
    assert is_harmless(printable(chr(code)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1m", "\\x1b[1m"),
        ("a\nb", "a\\x0ab"),
        (b"\xff", "\\xff"),
        ("\udcff", "\\xff"),
        ("\xff", "ÿ"),
        ("\x9b", "\\u009b"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\\x1b", "\\\\x1b"),
        ("[bold]", "[bold]"),
        ("漢字 é \U0001f980", "漢字 é \U0001f980"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "\\u0301e"),
        ("\x1b\u0301", "\\x1b\\u0301"),
        ("a" + "\u0301" * 6, "a" + "\u0301" * 4 + "\\u0301" * 2),
        ("a\xa0b", "a\\u00a0b"),
    ],
)
def test_known_forms(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters(codec="ascii"), max_size=8), st.text(st.characters(codec="ascii"), max_size=8))
def test_different_texts_look_different(one, other):
    assert (printable(one) == printable(other)) == (one == other)


@given(st.one_of(texts, raws), st.integers(0, 60))
def test_limit_holds_and_says_so(text, limit):
    whole, cut = printable(text), printable(text, limit)
    assert len(cut) <= limit
    assert cut == whole if len(whole) <= limit else cut[-1:] in {"…", ""}
    assert whole.startswith(cut.removesuffix("…"))


def test_limit_cuts_no_escape():
    assert printable("\x1b" * 10, 7) == "\\x1b…"
    assert printable("\\" * 10, 4) == "\\\\…"


@given(st.one_of(texts, st.text()))
def test_what_is_plain_is_printed_as_it_is(text):
    assert is_plain(text) == (plain(text) == text)
    assert not is_plain(text) or is_harmless(text)


def test_rules_keep_their_backslashes():
    assert is_plain('"/srv/a\\"b" r,')
    assert plain('"/srv/a\\"b\n" r,') == '"/srv/a\\"b\\x0a" r,'


@pytest.mark.parametrize("text", NASTY)
def test_long_text_takes_linear_time(text):
    assert is_harmless(printable(text * 100))
