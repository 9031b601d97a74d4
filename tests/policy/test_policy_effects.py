"""Every state-changing function and every signed structure is weighed, or no policy can allow it."""

from __future__ import annotations

import pytest
from policy.house import House, address_of, transaction
from policy.test_talk_round import asked, moved

from pyjpm.contracts.codec import codec
from pyjpm.contracts.eip712 import signed_types
from pyjpm.custody.policy_calls import functions
from pyjpm.custody.policy_deployment import Contract
from pyjpm.custody.policy_effects import BOUNDLESS, MEASURED, MESSAGES, NEVER, UNMEASURED, weight_of

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


NOON = 20_000 * 86_400 + 43_200


@pytest.mark.parametrize(
    ("start", "end", "period", "expected"),
    [
        (0, 1 << 39, 86_400, 500),
        (NOON, 1 << 39, 86_400, 1_000),  # on every day the end of one period and the begin of the next
        (NOON, NOON + 86_399, 86_400, 500),  # there is no next
        (NOON, NOON + 86_400, 86_400, 1_000),
        (NOON, 1 << 39, 30 * 86_400, 1_000),
        (0, 1 << 39, 30 * 86_400, 500),
        (0, 1 << 39, 64_800, 1_000),
        (3_600, 1 << 39, 64_800, 1_500),
        (0, 1 << 39, 43_201, 1_500),
        (1, 1 << 39, 43_200, 1_500),
        (0, 1 << 39, 1, 43_200_000),
        (5, 1 << 39, (1 << 256) - 1, 500),
        (5, 4, 86_400, 500),  # the token takes neither this nor the next
        (0, 1 << 39, 0, 43_200_000),
    ],
)
def test_a_mandate_counts_as_the_most_of_any_day(start: int, end: int, period: int, expected: int) -> None:
    mandate = {**MANDATE, "start": start, "end": end, "period": period}
    token = Contract("EUR", "DepositToken", address_of("EUR"), "EUR")
    (flow,) = weight_of(token, "RegisterMandate", {"mandate": mandate})
    assert flow.amount == expected
    if 0 < period < 1 << 40 and end == 1 << 39:
        first = start - start % 86_400
        days = range(first, first + 3_000 * 86_400, 86_400)
        touched = [(day + 86_399 - start) // period - (max(day, start) - start) // period + 1 for day in days]
        assert flow.amount == 500 * max(touched)


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
