"""Names as people write them, made comparable, and how close two of them are.

Decisions that govern this module:

* Accents, case, punctuation, ``and`` and the order of words make no difference; ``ü`` is ``u`` and ``ue``, ``ß`` is
  ``ss``. Ways to write the same legal form are one word. Other scripts are left as they are: nothing is transliterated.
* MATCH is equality of what is left. CLOSE is the same name without its legal form, initials for given names, or a
  slip of the pen. Whoever is CLOSE or NONE is asked again; no payment is refused here.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from pyjpm.errors.directory import DirectorySupportMissing

_CLOSE: Final = 88.0  # of 100, by rapidfuzz's token_sort_ratio
_SHORTEST: Final = 4  # characters of a name below which a slip makes another name
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE", "œ": "oe", "ı": "i"}
)
_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa"}
)
_DOTTED: Final = re.compile(r"\b(?:\w\.){2,}")  # S.A., L.L.C.
_WORDS: Final = re.compile(r"\w+")
_LINKS: Final = frozenset({"and", "und", "et"})
# A word or two of a legal form, as it is written in one.
_FORMS: Final = {
    "limited": "ltd",
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
    "aktiengesellschaft": "ag",
    "gesellschaft mit beschrankter haftung": "gmbh",
    "gesellschaft mit beschraenkter haftung": "gmbh",
    "limited liability company": "llc",
    "public limited company": "plc",
    "societe anonyme": "sa",
    "sociedad anonima": "sa",
    "besloten vennootschap": "bv",
}
_MORE_FORMS: Final = (
    "se kg kgaa ohg ug sas sarl srl spa nv ab as oy oyj aps llp lp pty pte jsc ojsc pjsc ooo oao sp kk sl lda bhd sdn"
)
LEGAL_FORMS: Final = frozenset({*_FORMS.values(), *_MORE_FORMS.split()})


class Closeness(StrEnum):
    """How a name compares with the one on file."""

    MATCH = "MATCH"
    CLOSE = "CLOSE"
    NONE = "NONE"


def words(name: str) -> tuple[str, ...]:
    """The words of a name, folded, sorted; ways to write a legal form are one."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    plain = _DOTTED.sub(lambda found: found[0].replace(".", "") + " ", plain)
    text = " ".join(_WORDS.findall(plain.replace("'", "").replace("’", "")))
    for long, short in _FORMS.items():
        text = re.sub(rf"\b{long}\b", short, text)
    return tuple(sorted(word for word in text.split() if word not in _LINKS))


def written(name: str) -> set[tuple[str, ...]]:
    """Every way in which :func:`words` may be meant: umlauts as one letter, and as two."""
    return {words(name), words(unicodedata.normalize("NFC", name).translate(_UMLAUTS))}


def compare(given: str, on_file: str) -> Closeness:
    """How the name that a payer gives compares with the one on file.

    Raises:
        DirectorySupportMissing: the extra is not installed.
    """
    left, right = written(given), written(on_file)
    if not any(left) or not any(right):
        return Closeness.NONE
    if left & right:
        return Closeness.MATCH
    if any(_close(one, other) for one in left for other in right):
        return Closeness.CLOSE
    return Closeness.NONE


def without_forms(name: tuple[str, ...]) -> tuple[str, ...]:
    """The words without legal forms; all of them where nothing else would be left."""
    return tuple(word for word in name if word not in LEGAL_FORMS) or name


def _close(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    try:
        from rapidfuzz import fuzz
    except ModuleNotFoundError as error:
        raise DirectorySupportMissing("The library that compares names is not installed.", extra="directory") from error
    one, other = without_forms(one), without_forms(other)
    if one == other or _initials(one, other) or _initials(other, one):
        return True
    left, right = " ".join(one), " ".join(other)
    return min(len(left), len(right)) >= _SHORTEST and fuzz.ratio(left, right) >= _CLOSE


def _initials(short: tuple[str, ...], full: tuple[str, ...]) -> bool:
    """Whether ``short`` is ``full`` with given names as initials: one word in full at least, each initial its own."""
    left = list(full)
    whole = [word for word in short if len(word) > 1]
    if not whole or len(short) != len(full):
        return False
    for word in [*whole, *(word for word in short if len(word) == 1)]:
        found = next((each for each in left if each == word or (len(word) == 1 and each.startswith(word))), None)
        if found is None:
            return False
        left.remove(found)
    return True
