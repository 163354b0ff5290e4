"""Units beside numbers: signs as $ and %, currencies' codes as EUR, and words as kg and km/h."""

import re
from collections.abc import Sequence

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
# A number, and a word that is its unit. No unit are an ordinal's end, as in 5th, AM and PM, and an
# exponent.
WORD = re.compile(
    rf"([-+]?(?:[A-Z]{{0,2}}\$|[{CURRENCIES}])?[\d.,'’\s]*\d[.,]?(?:e[-+]?\d+)?(?:(?:--?|[–—])(?=\s))?)\s*"
    r"(?!(?:st|nd|rd|th|er|e|ère|re|ème|eme|º|ª|[ap]\.?m\.?)(?!\w)|[ed][-+]?\d)"
    rf"((?:[{CURRENCIES}%]\s?/?\s?)?(?:°?{_LETTERS}|[°‰\"″'′])(?:(?:\s|\s?[/·*]\s?\d*\s?){_LETTERS}){{0,2}})",
    re.IGNORECASE,
)
NO_CENTS = re.compile(r"(.*\d)[.,](?:-{1,2}|[–—])")  # 5.- and 5,– are prices without cents
INVISIBLE = "\u200b\u200e\u200f\u202a\u202c\u2060\ufeff"  # marks that are pasted with a number
# Of such a unit, a number without one is of another scale: 1.5k is no 1.5.
SCALES = frozenset(
    ("k", "m", "b", "bn", "mn", "tsd", "mio", "mrd", "thousand", "million", "billion")
)
DASHES = ("–", "—")  # that word processors make of a minus
FORTRAN = re.compile(r"([-+]?\d*\.\d*)D([-+]?\d{1,3})", re.IGNORECASE)  # an exponent, as 1.5D+03


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
    return FORTRAN.sub(r"\1e\2", text) if FORTRAN.fullmatch(text) else text, unit


def word_in(unit: str) -> str:
    """What is a word in a unit, the same for one and many; "" if it is a sign.

    >>> word_in("year"), word_in("years"), word_in("%")
    ('year', 'year', '')
    """
    if not unit or unit[-1] in SIGNS:
        return ""
    unit = unit.rstrip(".")
    return unit.removesuffix("s") if len(unit) > 2 else unit


def in_units(units: Sequence[str]) -> str:
    """Units of a column's numbers, in words.

    >>> in_units(["", "%"])
    'without a unit or in %'
    """
    return " or ".join(f"in {unit}" if unit else "without a unit" for unit in units)
