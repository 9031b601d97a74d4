"""Three sales through a real Tryton and the escrow, by a desk that is killed over and over: see story.py."""

from __future__ import annotations

from pathlib import Path

from story import tell

SEED = 7


def test_three_sales_end_the_same_on_the_chain_and_in_the_books(tmp_path: Path) -> None:
    told = tell(tmp_path, SEED)
    # What it asserts on its way is the heart of it; these are the figures that make erp writes down.
    assert (told["sales"], told["invoices"], told["credit_notes"]) == (3, 4, 1)
    assert told["payments_on_chain"] == told["payments_booked"] == 5
    assert told["each_invoice_paid_once"]
    assert told["balance_of_chain_minor"] == told["cash_in_books_minor"] == 195_000
    assert told["kills"] == len(told["kill_points"]) == 15
    assert told["kill_points"].count("outside") == 3
