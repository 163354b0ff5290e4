"""Units beside numbers: signs as $ and %, currencies' codes as EUR, and words as kg and km/h."""

import re
from collections.abc import Sequence
from functools import lru_cache

CURRENCIES = "$€£¥₹₽₩₺₴₫₪฿₱₦"  # after a number or before it
SIGNS = (*CURRENCIES, "%")
CODES = (  # of ISO 4217: these too may stand before a number
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH "
    "UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
)
BEFORE = re.compile(
    rf"([-+]?)([A-Z]{{0,2}}\$|[{CURRENCIES}]|(?:Rs\.?|{'|'.join(CODES.split())})(?=\s*[-+.,\d]))\s*"
)
_LETTERS = r"[^\W\d_]+\.?(?:\^?-[1-3]|\^[23]|(?<=[mtnd])[23])?"  # m, sq., m², m2, s-1
WORD = re.compile(  # a number, and a word that is its unit
    rf"""
    (                                                       # the number:
        [-+]? (?: [A-Z]{{0,2}}\$ | [{CURRENCIES}] )?
        [\d.,'’\s]* \d [.,]? (?: e[-+]?\d+ )?
        (?: (?: --? | [–—] ) (?=\s) )?                      # a minus behind it, or no cents
    )
    \s*
    (?! (?: st | nd | rd | th                               # no units are ordinals' ends
          | er | e | ère | re | ème | eme | º | ª           # in any language,
          | [ap]\.?m\.? ) (?!\w)                            # times of a day,
      | [ed][-+]?\d )                                       # and exponents
    (                                                       # the unit:
        (?: [{CURRENCIES}%] \s? /? \s? )?                   # €/m²
        (?: °? {_LETTERS} | [°‰"″'′] )
        (?: (?: \s | \s? [/·*] \s? \d* \s? ) {_LETTERS} ){{0,2}}   # km/h, mg/100 ml, sq. ft.
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PLURALS = "thousand million billion trillion lakh crore milliard"  # that may have an s
SCALE = re.compile(  # in a unit, what makes it no unit: k, million EUR, $ bn
    rf"""
    (?: ^ | [\s{CURRENCIES}] )
    (?: [kKMBT] | [mM]?[mM] (?= \s ({"|".join(CODES.split())})\b )
      | (?i: bn | mn | mln | mrd | mio | mia | tsd | tn | cr | mil | mille | millionen | tausend
           | milliarden? | millones | mill[oó]n | (?: {"|".join(_PLURALS.split())} )s? ) )
    (?! [^\W\d_] )
    | [{CURRENCIES}] \s? (?: [mM]{{1,2}} | b ) (?! [^\W\d_] )
    | ^ [千万萬億亿兆]
    """,
    re.VERBOSE,
)
NO_CENTS = re.compile(r"(.*\d)[.,](?:-{1,2}|[–—])")  # 5.- and 5,– are prices without cents
MEGA = re.compile("M[A-Z][a-z]?")  # MW, MHz, MPa: a million, where mW has a thousandth
INVISIBLE = "\u200b\u200e\u200f\u202a\u202c\u2060\ufeff"  # marks that are pasted with a number
DASHES = ("–", "—")  # that word processors make of a minus
FORTRAN = re.compile(r"^([-+]?\d*\.\d*)D([-+]?\d{1,3})\Z", re.IGNORECASE)  # an exponent, as 1.5D+03


def parts(text: str) -> tuple[str, str]:
    """A number as Python has its minus and exponent, and its unit.

    ($5), -$5, −5 $ and $5- are all -5 and $, 1.5D+03 is 1.5e+03, and 5.- is 5.

    >>> parts("EUR 12.50"), parts("5 km/h"), parts("5th")
    (('12.50', 'EUR'), ('5', 'km/h'), ('5th', ''))
    """
    text, unit = text.strip(INVISIBLE).replace("\u2212", "-"), ""
    if text.startswith(DASHES):
        text = f"-{text[1:]}"
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    if found := WORD.fullmatch(text):
        text, unit = found[1], found[2]
    if text.endswith(SIGNS):
        text, unit = text[:-1].rstrip(), text[-1]
    if whole := NO_CENTS.fullmatch(text):
        text = whole[1]
    if text.endswith("-") and text[:1] not in "-+":  # as accounts have it
        text = f"-{text[:-1]}"
    if before := BEFORE.match(text):
        text, unit = before[1] + text[before.end() :], before[2] + unit
    return FORTRAN.sub(r"\1e\2", text), unit


@lru_cache(maxsize=1000)
def is_word(unit: str) -> bool:
    """Whether a unit is a word, as kg or EUR, and no sign.

    >>> is_word("kg"), is_word("%"), is_word("")
    (True, False, False)
    """
    return unit != "" and unit[-1] not in SIGNS


@lru_cache(maxsize=1000)
def same(unit: str) -> str:
    """A unit as it is compared: the same for one and many, in small letters and in capitals.

    But not for m and M, which are different units alone, and before others, as in mW and MW.

    >>> same("year"), same("Years"), same("KG"), same("MW"), same("%")
    ('year', 'year', 'kg', 'Mw', '%')
    """
    unit = unit.rstrip(".")
    if len(unit) < 2 or not is_word(unit):
        return unit
    small = unit[:1] + unit[1:].lower() if MEGA.fullmatch(unit) else unit.lower()
    return small.removesuffix("s") if len(small) > 2 else small


@lru_cache(maxsize=1000)
def is_scale(unit: str) -> bool:
    """Whether a unit has a word in it that makes the numbers larger: 1.5k is 1500.

    >>> is_scale("k"), is_scale("million EUR"), is_scale("$m"), is_scale("m")
    (True, True, True, False)
    """
    return bool(SCALE.search(unit))


def in_units(units: Sequence[str]) -> str:
    """Units of a column's numbers, in words.

    >>> in_units(["", "%"])
    'without a unit or in %'
    """
    return " or ".join(f"in {unit}" if unit else "without a unit" for unit in units)


def doubt_of(units: Sequence[str], some_bare: bool) -> str:
    """What is said of words behind numbers, of which none is the unit of nearly all.

    Args:
        units: the words, all different.
        some_bare: whether there are numbers without such a word.
    """
    if units and all(map(is_scale, units)):
        return f" (numbers with {units[0]!r} behind them? Write them out)"
    # But seats, as 12A, and addresses, as 5 Main St, are no numbers.
    words = len(" ".join(units).split())
    if len(units) > 3 or words > len(units) or max(map(len, units), default=0) < 2:
        return ""
    several = ["", *units] if some_bare else units
    return f" (numbers {in_units(several)}? Write all in one unit)"
