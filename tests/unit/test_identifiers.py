"""IBAN, BIC and LEI by form and check digits, for everybody who asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyjpm.identifiers import NotValid, bic, iban, lei

LEI = "529900T8BM49AURSDO55"


@pytest.mark.parametrize(
    ("read", "given", "found"),
    [
        (iban, "gb82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
        (bic, "deutdeff", "DEUTDEFF"),
        (bic, " DEUT DEFF XXX", "DEUTDEFFXXX"),
        (lei, LEI, LEI),
    ],
)
def test_what_is_right_in_form(read: Callable[[str], str], given: str, found: str) -> None:
    assert read(given) == found
    assert type(read(given)) is str


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (iban, "GB83WEST12345698765432"),
        (iban, "GB82WEST1234569876543"),
        (iban, ""),
        (bic, "DEUTXXFF"),
        (bic, "DEUTDEFFX"),
        (bic, ""),
        (lei, LEI[:-1] + "6"),
        (lei, LEI[:-1]),
        (lei, ""),
    ],
)
def test_a_slip_is_found_and_its_name_quotes_nothing(read: Callable[[str], str], given: str) -> None:
    with pytest.raises(NotValid) as caught:
        read(given)
    assert caught.value.name.isidentifier()
    assert not given or given not in caught.value.name
