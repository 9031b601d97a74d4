"""The judge sees each kind of wrong, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaign.judge import judge
from campaign.record import ASKED, FINAL, NEGATIVE, REFUSED, Checked, Evidence, Line, Paid, Word
from pyjpm.sending import batch_reference, payment_reference

PAYER, PAYEE, OTHER = "0xPayer", "0xPayee", "0xOther"
LINE = Line(7, PAYER, "invoice", None, "USD", PAYEE, 500)


def paid(line: Line, at: float) -> Paid:
    return Paid(at, line.currency, line.wallet, line.payee, line.reference, line.amount, line.remittance_hash)


def said(*words: tuple[float, str], key: str = "invoice") -> list[Word]:
    return [Word(at, 7, key, what) for at, what in words]


GOOD = Evidence(
    [LINE],
    said((1, ASKED), (5, FINAL)),
    [paid(LINE, 3)],
    {("USD", PAYER): 900, ("USD", PAYEE): 0},
    {("USD", PAYER): 400, ("USD", PAYEE): 500},
)


def kinds(evidence: Evidence) -> set[str]:
    return set(judge(evidence).findings)


def without_balances(evidence: Evidence) -> Evidence:
    return replace(evidence, opening={}, closing={})


def test_a_payment_that_was_made_and_told_is_right() -> None:
    judgement = judge(GOOD)
    assert judgement.findings == {}
    assert (judgement.payments, judgement.final, judgement.reverted) == (1, 1, 0)


def test_references_are_those_of_the_written_rule() -> None:
    assert LINE.reference == "0x" + payment_reference(7, "invoice").hex()
    for position in (0, 255, 256, 700):
        line = replace(LINE, position=position)
        assert line.reference == "0x" + batch_reference(7, "invoice", position).hex()


def test_paid_twice_is_a_duplicate() -> None:
    assert kinds(without_balances(replace(GOOD, paid=[paid(LINE, 3), paid(LINE, 4)]))) == {"duplicates"}


def test_paid_as_nobody_asked_is_a_duplicate() -> None:
    unasked = paid(replace(LINE, key="another"), 3)
    assert kinds(without_balances(replace(GOOD, paid=[*GOOD.paid, unasked]))) == {"duplicates"}
    other = replace(GOOD.paid[0], amount=501)
    assert "duplicates" in kinds(without_balances(replace(GOOD, paid=[other])))


def test_final_without_money_is_lost() -> None:
    assert kinds(without_balances(replace(GOOD, paid=[]))) == {"lost"}
    too_early = said((1, ASKED), (2, FINAL))
    assert kinds(replace(GOOD, words=too_early)) == {"lost"}


def test_a_forgotten_key_is_lost() -> None:
    assert kinds(without_balances(replace(GOOD, words=said((1, ASKED)), paid=[]))) == {"lost"}


def test_without_a_last_word_it_is_unresolved() -> None:
    assert kinds(replace(GOOD, words=said((1, ASKED), (9, "BROADCAST")))) == {"unresolved"}


@pytest.mark.parametrize("what", sorted(NEGATIVE))
def test_no_and_yet_paid(what: str) -> None:
    before = said((1, ASKED), (5, what))
    assert "negative_but_paid" in kinds(replace(GOOD, words=before))
    after = said((1, ASKED), (2, what))
    assert "negative_but_paid" in kinds(replace(GOOD, words=after))


def test_no_and_never_paid_is_right() -> None:
    judgement = judge(without_balances(replace(GOOD, words=said((1, ASKED), (2, REFUSED)), paid=[])))
    assert judgement.findings == {}
    assert judgement.reverted == 1


def test_asked_again_after_a_no_it_may_be_paid() -> None:
    again = said((1, ASKED), (1.5, REFUSED), (2, ASKED), (5, FINAL))
    assert kinds(replace(GOOD, words=again)) == set()
    too_late = said((1, ASKED), (2, REFUSED), (4, ASKED), (5, FINAL))
    assert kinds(replace(GOOD, words=too_late)) == {"negative_but_paid"}


def test_quarantine_needs_a_thief() -> None:
    evidence = without_balances(replace(GOOD, words=said((1, ASKED), (5, "QUARANTINED")), paid=[]))
    assert kinds(evidence) == {"quarantined"}
    planted = judge(replace(evidence, thieves=frozenset({PAYER}), halted=frozenset({PAYER})))
    assert planted.findings == {}
    assert planted.planted == 1
    assert kinds(replace(GOOD, halted=frozenset({OTHER}))) == {"quarantined"}


def checked(*words: Checked, needed: int = 2) -> Evidence:
    return replace(GOOD, checked=words, above=499, needed=needed)


def word(at: float, checker: str, *, yes: bool = True, until: int = 100, taken: bool | None = True) -> Checked:
    return Checked(at, int(at), "participant 7", "invoice", checker, yes, until, taken)


def test_enough_words_before_it_was_paid_are_right() -> None:
    assert kinds(checked(word(1, "Ada"), word(2, "Bo"))) == set()
    assert kinds(checked(word(1, "Ada"), word(1.2, "Cy", yes=False, taken=False), word(2, "Bo", taken=None))) == set()
    assert kinds(replace(checked(), above=500)) == set()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="nobody's"),
        pytest.param([word(1, "Ada"), word(2, "Ada")], id="one checker's twice"),
        pytest.param([word(1, "Ada"), word(2, "Bo", taken=False)], id="one that was not taken"),
        pytest.param([word(1, "Ada"), word(4, "Bo")], id="one that came too late"),
        pytest.param([word(1, "Ada", until=2), word(2, "Bo")], id="one that had lapsed"),
        pytest.param([word(1, "Ada"), word(2, "Cy", yes=False), word(2.5, "Bo")], id="one from before a no"),
    ],
)
def test_paid_without_words_enough_is_unapproved(words: list[Checked]) -> None:
    assert kinds(checked(*words)) == {"unapproved"}


def test_of_a_batch_each_payment_has_words_of_its_own() -> None:
    line = replace(LINE, position=3)
    batch = replace(without_balances(GOOD), lines=[line], paid=[paid(line, 3)])
    said_of = [
        replace(word(at, who), key=name) for name in ("invoice", "invoice#3") for at, who in ((1, "Ada"), (2, "Bo"))
    ]
    assert kinds(replace(batch, checked=said_of[:2], above=499, needed=2)) == {"unapproved"}
    assert kinds(replace(batch, checked=said_of[2:], above=499, needed=2)) == set()


def test_money_is_conserved() -> None:
    assert kinds(replace(GOOD, closing={("USD", PAYER): 400, ("USD", PAYEE): 501})) == {"unbalanced"}
    assert kinds(replace(GOOD, closing={("USD", PAYER): 401, ("USD", PAYEE): 500})) == {"unbalanced"}
