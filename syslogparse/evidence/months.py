"""Names of months in log stamps, in the languages that journalctl(1) and dmesg(1) print them in.

Both go through strftime(3), so that the names are the abbreviated ones of glibc's locales. syslog daemons write English ones
whatever the locale is (RFC 3164, 4.1.2).
"""

# ruff: noqa: RUF001  (letters of other alphabets are meant to be just those)

from __future__ import annotations

from typing import Final

ENGLISH: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")

AMBIGUOUS: Final = 0
"""The number of a name that is one month in one language and another in another."""

_NAMES = """
en jan feb mar apr may jun jul aug sep oct nov dec
af jan feb mrt apr mei jun jul aug sep okt nov des
ast xin feb mar abr may xun xnt ago set och pay avi
az yan fev mar apr may iyn iyl avq sen okt noy dek
be сту лют сак кра мая чэр ліп жні вер кас ліс сне
bg яну фев мар апр май юни юли авг сеп окт ное дек
br gen cʼhw meu ebr mae mezh gou eos gwe her du ker
bs jan feb mar apr maj jun jul aug sep okt nov dec
ca gen febr març abr maig juny jul ag set oct nov des
cs led úno bře dub kvě čen čec srp zář říj lis pro
cy ion chw maw ebr mai meh gor aws med hyd tach rha
da jan feb mar apr maj jun jul aug sep okt nov dec
de jan feb mär apr mai jun jul aug sep okt nov dez
de_AT jän feb mär apr mai jun jul aug sep okt nov dez
el Ιαν Φεβ Μαρ Απρ Μαΐ Ιουν Ιουλ Αυγ Σεπ Οκτ Νοε Δεκ
el_alt Ιαν Φεβ Μάρ Απρ Μάι Ιούν Ιούλ Αύγ Σεπ Οκτ Νοέ Δεκ
es ene feb mar abr may jun jul ago sep oct nov dic
es_PE ene feb mar abr may jun jul ago set oct nov dic
et jaan veebr märts apr mai juuni juuli aug sept okt nov dets
eu urt ots mar api mai eka uzt abu ira urr aza abe
fi tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu
fo jan feb mar apr mai jun jul aug sep okt nov des
fr janv févr mars avril mai juin juil août sept oct nov déc
fr_CA jan fév mar avr mai jun jui aoû sep oct nov déc
fy jan feb mrt apr mai jun jul aug sep okt nov des
ga ean feabh márta aib beal meith iúil lún mfómh dfómh samh noll
gd faoi gearr màrt gibl cèit ògmh iuch lùna sult dàmh samh dùbh
gl xan feb mar abr mai xuñ xul ago set out nov dec
he ינו פבר מרץ אפר מאי יונ יול אוג ספט אוק נוב דצמ
hr sij velj ožu tra svi lip srp kol ruj lis stu pro
hu jan febr márc ápr máj jún júl aug szept okt nov dec
id jan feb mar apr mei jun jul agu sep okt nov des
is jan feb mar apr maí jún júl ágú sep okt nóv des
it gen feb mar apr mag giu lug ago set ott nov dic
ka იან თებ მარ აპრ მაი ივნ ივლ აგვ სექ ოქტ ნოე დეკ
kk Қаң Ақп Нау Сәу Мам Мау Шіл Там Қыр Қаз Қар Жел
ko 1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월
lb jan feb mäe abr mee jun jul aug sep okt nov dez
lt saus vas kov bal geg birž liep rugp rugs spal lapkr gruod
lv jan feb mar apr mai jūn jūl aug sep okt nov dec
mk јан фев мар апр мај јун јул авг сеп окт ное дек
ms jan feb mac apr mei jun jul ogos sep okt nov dis
mt jan fra mar apr mej ġun lul aww set ott nov diċ
nb jan feb mars april mai juni juli aug sep okt nov des
nl jan feb mrt apr mei jun jul aug sep okt nov dec
oc gen febr març abr mai junh jul ago set oct nov dec
pl sty lut mar kwi maj cze lip sie wrz paź lis gru
pt jan fev mar abr mai jun jul ago set out nov dez
ro ian feb mar apr mai iun iul aug sep oct nov dec
ru янв фев мар апр мая июн июл авг сен окт ноя дек
ru_alt янв фев мар апр май июн июл авг сен окт ноя дек
sk jan feb mar apr máj jún júl aug sep okt nov dec
sl jan feb mar apr maj jun jul avg sep okt nov dec
sq jan shk mar pri maj qer kor gsh sht tet nën dhj
sr јан феб мар апр мај јун јул авг сеп окт нов дец
sv jan feb mar apr maj jun jul aug sep okt nov dec
sw jan feb mac apr mei jun jul ago sep okt nov des
th ม.ค ก.พ มี.ค เม.ย พ.ค มิ.ย ก.ค ส.ค ก.ย ต.ค พ.ย ธ.ค
tl ene peb mar abr may hun hul ago set okt nob dis
tr oca şub mar nis may haz tem ağu eyl eki kas ara
uk січ лют бер кві тра чер лип сер вер жов лис гру
uz yan fev mar apr may iyn iyl avg sen okt noy dek
wa dja fev mås avr may djn djl awo set oct nôv dec
zh 1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月
"""
"""A language, and its abbreviated months without full stop. Names with a blank in them (Catalan, Vietnamese) are out."""

_ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-9")


def number(name: bytes) -> int | None:
    """The month (1 to 12) of a name in any of the languages, AMBIGUOUS where they differ, None where it is no month.

    ASCII letters may be of either case, a full stop may follow. In UTF-8 or one of the Latin encodings.
    """
    return _NUMBERS.get(name.removesuffix(b".").lower())


def _numbers() -> dict[bytes, int]:
    numbers: dict[bytes, int] = {}
    for language in _NAMES.split("\n"):
        for month, name in enumerate(language.split()[1:], start=1):
            for spelt in _spellings(name):
                numbers[spelt] = month if numbers.get(spelt, month) == month else AMBIGUOUS
    return numbers


def _spellings(name: str) -> set[bytes]:
    spelt = set()
    for encoding in _ENCODINGS:
        for letters in (name, name.capitalize()):
            encoded = letters.encode(encoding, "replace")
            if encoded.decode(encoding) == letters:
                spelt.add(encoded.lower())
    return spelt


_NUMBERS: Final = _numbers()
