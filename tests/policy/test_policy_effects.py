"""Every state-changing function and every signed structure is weighed, or no policy can allow it."""

from __future__ import annotations

import pytest
from policy.house import House, address_of, transaction
from policy.test_talk_round import asked, moved

from pyjpm.contracts.codec import codec
from pyjpm.contracts.eip712 import signed_types
from pyjpm.custody.policy_calls import functions
from pyjpm.custody.policy_effects import BOUNDLESS, MEASURED, MESSAGES, NEVER, UNMEASURED

ARTIFACTS = sorted({*MEASURED, *UNMEASURED})
NOT_SIGNED = {  # parts of others, or hashed and never signed
    "EIP712Domain",
    "Leg",
    "Mandate",
    "Milestone",
    "Node",
    "Payee",
    "Recurrence",
    "ReserveLine",
    "Rule",
}


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_every_function_of_every_contract_is_in_one_table(artifact: str) -> None:
    tables = [list(MEASURED.get(artifact, {}))]
    tables += [table.get(artifact, "").split() for table in (UNMEASURED, BOUNDLESS, NEVER)]
    listed = [name for table in tables for name in table]
    assert sorted(set(listed)) == sorted(listed)
    assert set(listed) == {each.name for each in functions(artifact).values()}


def test_every_structure_is_signed_for_some_contract() -> None:
    listed = {name for table in MESSAGES.values() for name in table}
    assert listed == set(signed_types()) - NOT_SIGNED


ANYBODY = address_of("anybody")
ZERO = bytes(32)
MANDATE = {
    "payer": "",
    "notary": address_of("PaymentRules"),
    "ruleId": ZERO,
    "capPerPayment": 100,
    "capPerPeriod": 500,
    "period": 3_600,
    "start": 0,
    "end": 1 << 39,
}


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        ("pay", (ANYBODY, 700, ZERO, b""), 700),
        ("transfer", (ANYBODY, 700), 700),
        ("transferFrom", (ANYBODY, ANYBODY, 700), 700),
        ("approve", (ANYBODY, 700), 700),
        ("holdAndCall", (ANYBODY, 700, ZERO, b""), 700),
        ("requestRedemption", (700, ZERO, ZERO), 700),
        ("mint", (ZERO, ANYBODY, 700), 700),
        ("seize", (ANYBODY, ANYBODY, 700, 1, ZERO), 700),
        ("rescueHold", (ANYBODY, ANYBODY, 700, ZERO), 700),
        ("voidReference", (1, ZERO), 0),
        ("registerMandate", ("own mandate",), 12_000),  # 500 an hour for a day
    ],
)
def test_what_each_call_of_the_token_moves(
    house: House, function: str, arguments: tuple[object, ...], expected: int
) -> None:
    house.write_policy(
        house.default_policy().replace('"voidReference"]', f'"{function}"]')
        if function != "voidReference"
        else house.default_policy()
    )
    process = house.open()
    given = tuple({**MANDATE, "payer": house.wallet} if each == "own mandate" else each for each in arguments)
    data = codec("DepositToken").encode(function, *given)
    assert asked(process, house, transaction(0, data)) == ""
    assert moved(process, house) == expected


def test_an_authorization_moves_its_signers_money_only(house: House) -> None:
    house.write_policy(house.default_policy().replace('"voidReference"]', '"transferWithAuthorization"]'))
    process = house.open()
    for nonce, payer, expected in ((0, ANYBODY, 0), (1, house.wallet, 700)):
        data = codec("DepositToken").encode(
            "transferWithAuthorization", payer, ANYBODY, 700, 0, 1 << 39, ZERO, ZERO, b"", b""
        )
        assert asked(process, house, transaction(nonce, data)) == ""
        assert moved(process, house) == expected


def test_the_consent_of_an_order_and_its_funding_count_once(house: House) -> None:
    from policy.test_talk_round import consent, signed

    process = house.open()
    assert signed(process, house, consent(house, 40_000, nonce=7)) == ""
    members = ("mode", "payer", "requiredStatus", "fundBy", "attestBy", "inspection", "payWithin", "rulingWithin")
    milestone = dict.fromkeys(members, 0)
    terms = {
        "buyer": 1,
        "seller": 2,
        "token": address_of("EUR"),
        "orderReference": ZERO,
        "documentRoot": ZERO,
        "arbiter": 0,
        "attesterSet": 1,
        "floorEpoch": 0,
        "threshold": 1,
        "fallbackSplit": 0,
        "submitGrace": 0,
        "negativeStatuses": 0,
        "openBy": 0,
        "milestones": [{**milestone, "amount": 40_000, "partialDelivery": False}],
    }

    def fund(nonce: int, token: str) -> bytes:
        word = {"payer": house.wallet, "nonce": nonce, "deadline": 1, "signature": b""}
        return codec("OrderEscrow").encode("fund", {**terms, "token": token}, 0, word)

    escrow = address_of("OrderEscrow")
    assert asked(process, house, transaction(0, fund(7, address_of("EUR")), escrow)) == ""
    assert moved(process, house) == 40_000
    assert asked(process, house, transaction(1, fund(8, address_of("EUR")), escrow)) == ""
    assert moved(process, house) == 80_000
    # a token of the client's own
    assert asked(process, house, transaction(2, fund(9, ANYBODY), escrow)) == "CONTRACT_NOT_ALLOWED"
    assert asked(process, house, transaction(2, fund(9, address_of("JPY")), escrow)) == "AMOUNT_ABOVE_LIMIT"


def test_pieces_of_an_asset(house: House) -> None:
    asset = address_of("a title register")
    more = f"""
[policies.treasury.allow.Titles]
functions = ["approve"]
[policies.treasury.limits.Titles]
per_payment = 1
per_day = 2
[assets.Titles]
artifact = "TitleDocument"
address = "{asset}"
"""
    house.write_policy(house.default_policy(more))
    process = house.open()
    for nonce, expected in ((0, ""), (1, ""), (2, "DAY_LIMIT_REACHED")):
        data = codec("TitleDocument").encode("approve", ANYBODY, nonce)
        assert asked(process, house, transaction(nonce, data, asset)) == expected
