"""Positions of a net, from terms alone."""

from __future__ import annotations

import json
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from pyjpm import Leg, LegKind, TradeTerms
from pyjpm.netting import net_positions, rest_of

WALLETS = ["0x" + f"{number:040x}" for number in range(0xA1, 0xA5)]
TOKENS = ["0x" + f"{number:040x}" for number in range(0xB1, 0xB4)]


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    sender, receiver = draw(st.permutations(WALLETS))[:2]
    kind = draw(st.sampled_from([LegKind.CASH, LegKind.ERC20, LegKind.ERC1155]))
    number = draw(st.integers(0, 2)) if kind is LegKind.ERC1155 else 0
    amount = draw(st.integers(1, 2**128 - 1))
    token = draw(st.sampled_from(TOKENS))
    return Leg(kind=kind, token=token, sender=sender, receiver=receiver, amount=amount, id=number)


@given(st.lists(legs(), max_size=20))
def test_nets_of_a_thing_sum_to_nothing(given_legs: list[Leg]) -> None:
    positions = net_positions(given_legs)
    sums: defaultdict[tuple[LegKind, str, int], int] = defaultdict(int)
    for each in positions:
        sums[each.kind, each.token, each.id] += each.net
    assert set(sums.values()) <= {0}
    assert sum(each.paid for each in positions) == sum(leg.amount for leg in given_legs)


@given(st.lists(legs(), min_size=1, max_size=4), st.integers(1, 65_535), st.data())
def test_the_rest_is_what_the_remaining_lots_deliver(given_legs: list[Leg], lots: int, data: st.DataObject) -> None:
    """floor(amount * (k + 1) / lots) - floor(amount * k / lots) for each lot k, as the contract delivers."""
    lots = min(lots, 50)
    done = data.draw(st.integers(0, lots - 1))
    terms = TradeTerms(legs=tuple(given_legs), trade_reference=bytes(32), expiry=1, lots=lots)
    for leg, rest in zip(given_legs, rest_of(terms, done), strict=True):
        by_lots = [leg.amount * (k + 1) // lots - leg.amount * k // lots for k in range(done, lots)]
        assert rest.amount == sum(by_lots) > 0


def test_a_chain_of_three() -> None:
    def hop(place: int) -> Leg:
        sender, receiver = WALLETS[place], WALLETS[place + 1]
        return Leg(kind=LegKind.ERC721, token=TOKENS[0], sender=sender, receiver=receiver, amount=1, id=2**255)

    first, middle, last = net_positions([hop(0), hop(1)])
    assert (first.net, middle.net, last.net) == (-1, 0, 1)
    assert (middle.paid, middle.received) == (1, 1)
    assert json.loads(json.dumps(middle.to_dict())) == {
        "kind": "ERC721",
        "token": TOKENS[0].upper().replace("X", "x"),
        "id": str(2**255),
        "wallet": middle.wallet,
        "paid": "1",
        "received": "1",
        "net": "0",
    }
