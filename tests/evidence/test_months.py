"""The languages of month names."""

import locale

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syslogparse.evidence import months


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("C", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
        ("de_DE", "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez"),
        ("de_AT", "Jän Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez"),
        ("fr_FR", "janv. févr. mars avril mai juin juil. août sept. oct. nov. déc."),
        ("es_ES", "ene feb mar abr may jun jul ago sep oct nov dic"),
        ("it_IT", "gen feb mar apr mag giu lug ago set ott nov dic"),
        ("pt_BR", "jan fev mar abr mai jun jul ago set out nov dez"),
        ("nl_NL", "jan feb mrt apr mei jun jul aug sep okt nov dec"),
        ("sv_SE", "jan feb mar apr maj jun jul aug sep okt nov dec"),
        ("nb_NO", "jan. feb. mars april mai juni juli aug. sep. okt. nov. des."),
        ("ru_RU", "янв фев мар апр мая июн июл авг сен окт ноя дек"),
        ("tr_TR", "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara"),
        ("hu_HU", "jan febr márc ápr máj jún júl aug szept okt nov dec"),
        ("fi_FI", "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu"),
        ("zh_CN", "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
    ],
)
def test_months_of_a_language(language: str, names: str):
    assert [months.number(name.encode()) for name in names.split()] == list(range(1, 13))


def test_the_old_encodings():
    assert months.number("Mär".encode("iso-8859-1")) == 3
    assert months.number("août".encode("iso-8859-1")) == 8
    assert months.number("paź".encode("iso-8859-2")) == 10
    assert months.number("Şub".encode("iso-8859-9")) == 2


def test_what_is_a_different_month_elsewhere_is_none():
    # November in Polish and Czech, October in Croatian; August in Czech, July in Croatian.
    assert months.number(b"lis") == months.AMBIGUOUS
    assert months.number(b"srp") == months.AMBIGUOUS


@pytest.mark.parametrize("word", [b"", b".", b"Nom", b"Nov..", b"No", b"November", b"11", b"kernel", b"host", b"\xff"])
def test_other_words(word: bytes):
    assert months.number(word) is None


def test_the_names_of_this_machine_s_language():
    assert [months.number(locale.nl_langinfo(getattr(locale, f"ABMON_{at}")).encode()) for at in range(1, 13)] == list(
        range(1, 13)
    )


@given(st.binary(max_size=12))
def test_any_bytes(word: bytes):
    assert months.number(word) in {None, *range(13)}
