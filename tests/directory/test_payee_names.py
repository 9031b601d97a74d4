"""How a name that a payer gives compares with the one on file."""

from __future__ import annotations

import pytest

from pyjpm.directory.names import Closeness, compare, words

MATCH, CLOSE, NONE = Closeness


@pytest.mark.parametrize(
    ("given", "on_file", "result"),
    [
        ("ACME LTD", "Acme Limited", MATCH),
        ("Acme Trading L.L.C.", "ACME TRADING LLC", MATCH),
        ("Smith, John", "John Smith", MATCH),
        ("Joerg Groesse", "Jörg Größe", MATCH),
        ("Jorg Grosse", "Jörg Größe", MATCH),
        ("Société Générale S.A.", "SOCIETE GENERALE SA", MATCH),
        ("O'Brien Foods", "OBrien Foods", MATCH),
        ("Łódź Sp. z o.o.", "Lodz Sp. z o.o.", MATCH),
        ("Acme", "Acme Ltd", CLOSE),
        ("Acme GmbH", "Acme AG", CLOSE),
        ("J. Smith", "John Smith", CLOSE),
        ("Jon Smith", "John Smith", CLOSE),
        ("Northwind Tradesr", "Northwind Traders", CLOSE),
        ("K. Smith", "John Smith", NONE),
        ("J. S.", "John Smith", NONE),
        ("Jane Doe", "John Smith", NONE),
        ("Bob", "Rob", NONE),
        ("", "Acme", NONE),
        ("...", "Acme", NONE),
        ("Ltd", "Acme Ltd", NONE),
        ("Иванов", "Ivanov", NONE),
        ("Иванов", "ИВАНОВ", MATCH),
    ],
)
def test_closeness(given: str, on_file: str, result: Closeness) -> None:
    assert compare(given, on_file) is result
    assert compare(on_file, given) is result


def test_only_legal_forms_are_kept_as_what_they_are() -> None:
    assert words("Co Ltd") == ("co", "ltd")
    assert compare("Co Ltd", "Ltd Co") is MATCH
