"""How much of an order a Tryton's stock moves come to, and what proves it.

Decisions that govern this module:

* What moved is priced by the order's lines, as a part of the total with taxes, rounded half up to the minor unit.
* Whether more will come is Tryton's to say, but for its rounding: it has progress in four digits, and 99,996 of 100,000
  are not all of them.
* What cannot be priced so is said of its order: a move in another unit than its line, an order that sends goods both
  ways, of which no part is what was delivered.
"""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from pyjpm.money import Money

_ROUNDED_AWAY: Final = Decimal("0.00005")
"""The largest part of a line's quantity that is missing where Tryton's progress is 1 all the same."""


class Odd(ValueError):
    """Something in a record that the connector cannot tell; reported with the record's number."""


def delivered(total: Money, lines: list[dict[str, Any]], done: list[dict[str, Any]]) -> Money:
    """The delivered part of an order's total.

    Args:
        total: of the order, with taxes.
        lines: the order's lines that are delivered by moves: ``id, quantity, unit, unit_price``.
        done: the moves of these lines that are done: ``origin, quantity, unit``.

    Raises:
        Odd: what moved has no price.
    """
    # Of the origin, which names the line's model too, its id is enough: all of them are lines of one order.
    known = {line["id"]: line for line in lines}
    if any(line["quantity"] < 0 for line in lines):
        raise Odd("it delivers and takes back at once: make the return an order of its own")
    ordered = sum((_exact(line["quantity"]) * line["unit_price"] for line in lines), Decimal(0))
    came = Decimal(0)
    for move in done:
        line = known[int(move["origin"].partition(",")[2])]
        if move["unit"] != line["unit"]:
            raise Odd("a move counts in another unit than its line")
        came += _exact(move["quantity"]) * line["unit_price"]
    part = min(came / ordered, Decimal(1)) if ordered else Decimal(1)
    return Money.from_minor(int((total.minor * part).quantize(Decimal(1), ROUND_HALF_UP)), total.currency)


def nothing_left(lines: list[dict[str, Any]], closed: list[dict[str, Any]]) -> bool:
    """Whether nothing more will come.

    Args:
        lines: as of :func:`delivered`, with ``moves_progress`` and ``moves_ignored``.
        closed: the moves of these lines that are done or cancelled: ``id, origin, state, quantity``.
    """
    return all(line["moves_progress"] >= 1 and not _rounded(line, closed) for line in lines)


def _rounded(line: dict[str, Any], closed: list[dict[str, Any]]) -> bool:
    own = [move for move in closed if int(move["origin"].partition(",")[2]) == line["id"]]
    settled = [move for move in own if move["state"] == "done" or move["id"] in line["moves_ignored"]]
    ordered = abs(_exact(line["quantity"]))
    left = ordered - sum((_exact(move["quantity"]) for move in settled), Decimal(0))
    return 0 < left <= ordered * _ROUNDED_AWAY


def delivery(word: str, number: str, done: list[dict[str, Any]]) -> bytes:
    """What proves a delivery: which moves of which quantities are done, of the order (a ``sale``, say) of a number."""
    moves = [
        {"id": move["id"], "product": move["product"], "quantity": _plain(move["quantity"]), "unit": move["unit"]}
        for move in done
    ]
    return json.dumps({word: number, "moves": moves}, sort_keys=True, separators=(",", ":")).encode()


def _exact(quantity: float) -> Decimal:
    # Tryton keeps quantities as floats and shows their shortest form: that is what was meant.
    return Decimal(str(quantity))


def _plain(quantity: float) -> str:
    return format(_exact(quantity).normalize(), "f")
