"""Roles, announcements, upgrades, what backs the tokens, attester sets and assets: as the chain knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.crypto import keccak
from seen import call_of, key, said, say, send
from watching import Watch

from pyjpm import LocalSigner, Money, Platform, ReserveLine
from pyjpm.chain import DevClock
from pyjpm.roles import role_id
from pyjpm.sending.witness import Effect
from pyjpm.session import Session
from pyjpm.testing import backed_platform, new_company
from pyjpm.witnessing import ContractWitness, assets, attesters, governance, reserve, upkeep

GOVERNANCE, RESERVE, SETS = "Governance", "Reserve", "AttesterSets"
DAY = 86_400


@pytest.fixture(scope="module")
def governed(chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own, whose rules are changed here."""
    journal = tmp_path_factory.mktemp("governed") / "journal.sqlite"
    with backed_platform(chain.connection(), LocalSigner.generate(), journal=journal) as platform:
        yield platform


@pytest.fixture
def watched(governed: Platform, monkeypatch: pytest.MonkeyPatch) -> Watch:
    watching = Watch(ContractWitness(governed.record), Session.submit)
    monkeypatch.setattr(Session, "submit", lambda session, **asked: watching.submit(session, **asked))
    return watching


def test_an_announcement_is_the_last_one(chain: Any, bank: Platform, witness: ContractWitness) -> None:
    caller = bank.acting(LocalSigner.generate())
    bank.governance.grant("GOVERNOR", caller.session.wallet, delay=60, idempotency_key=key()).wait()
    token, data = bank.session.address("EUR"), bank.session.codec("EUR").encode("unpause")
    schedule = call_of(caller, GOVERNANCE, "schedule", token, data, 0)
    cancel = call_of(caller, GOVERNANCE, "cancel", caller.session.wallet, token, data)
    assert [each.effect for each in said(witness, bank, schedule, cancel)] == [Effect.ABSENT, Effect.ABSENT]
    tx = send(caller, GOVERNANCE, "schedule", token, data, 0)
    announced, off = said(witness, bank, schedule, cancel)
    assert (announced.effect, announced.tx_hash, off.effect) == (Effect.APPLIED, tx, Effect.ABSENT)
    tx = send(caller, GOVERNANCE, "cancel", caller.session.wallet, token, data)
    announced, off = said(witness, bank, schedule, cancel)
    assert (announced.effect, off.effect, off.tx_hash) == (Effect.ABSENT, Effect.APPLIED, tx)
    send(caller, GOVERNANCE, "schedule", token, data, 0)
    DevClock(bank.connection).advance(60)
    send(bank, "EUR", "pause")
    send(caller, "EUR", "unpause")
    announced, off = said(witness, bank, schedule, cancel)
    assert (announced.effect, off.effect) == (Effect.ABSENT, Effect.CONFLICT)


def test_a_role_that_was_never_had_was_never_taken(witness: ContractWitness, bank: Platform) -> None:
    nobody = LocalSigner.generate().address
    calls = [
        call_of(bank, GOVERNANCE, "revokeRole", role_id("ISSUER"), nobody),
        call_of(bank, GOVERNANCE, "grantRole", role_id("ISSUER"), nobody, 0),
        call_of(bank, GOVERNANCE, "grantRole", role_id("ISSUER"), bank.session.wallet, 0),
        call_of(bank, GOVERNANCE, "grantRole", role_id("ISSUER"), bank.session.wallet, 77),
    ]
    effects = [each.effect for each in said(witness, bank, *calls)]
    assert effects == [Effect.ABSENT, Effect.ABSENT, Effect.APPLIED, Effect.ABSENT]
    coder = bank.session.codec(GOVERNANCE)
    both = [coder.encode("grantRole", role_id("ISSUER"), bank.session.wallet, delay) for delay in (0, 77)]
    many = say(witness, bank, call_of(bank, GOVERNANCE, "multicall", both))
    assert (many.effect, many.detail["parts"]) == (Effect.ABSENT, ["APPLIED", "ABSENT"])
    assert say(witness, bank, call_of(bank, GOVERNANCE, "multicall", [b"\1\2\3\4"])).effect is Effect.UNKNOWN


def test_upgrades(watched: Watch, governed: Platform) -> None:
    from sdk.test_upgrades import versioned

    for contract, name in (("EUR", "DepositToken"), ("ParticipantRegistry",) * 2, (RESERVE, RESERVE)):
        new = governed.upgrades.deploy(contract, code=versioned(name, "1.1.0"), idempotency_key=key())
        governed.upgrades.execute(new, idempotency_key=key()).wait()
        old = governed.record.contracts.get(contract) or governed.record.tokens[contract]
        witness = ContractWitness(governed.record)
        back = call_of(governed, contract, "upgradeToAndCall", old.implementation, b"")
        assert say(witness, governed, back).effect is Effect.ABSENT
    assert not watched.unseen(upkeep)


def test_every_act_of_the_reserve_is_seen(watched: Watch, governed: Platform) -> None:
    bank, auditor = governed, LocalSigner.generate()
    send(bank, RESERVE, "addAuditor", auditor.address)
    send(bank, RESERVE, "removeAuditor", auditor.address)
    send(bank, RESERVE, "setThreshold", 2)
    send(bank, RESERVE, "setThreshold", 1)
    send(bank, RESERVE, "setCycle", b"USD", 40 * DAY)
    signing = bank.acting(LocalSigner.generate())
    send(bank, RESERVE, "addAuditor", signing.session.wallet)
    lines = [ReserveLine("CENTRAL_BANK", "BANKUS33", Money("5.00", "USD"))]
    document = signing.reserve.sign(bank.reserve.propose("USD", lines, report=b"\7" * 32))
    bank.reserve.submit(document, idempotency_key=key()).wait()
    # A token that no reserve knows yet: of the platform's own kind, registered for the first time.
    assert watched.unseen(reserve) == {"registerToken(token)"}
    witness = watched.witness
    known, unknown = (bank.session.address(name) for name in ("USD", "Settlement"))
    calls = [call_of(bank, RESERVE, "registerToken", each) for each in (known, unknown)]
    assert [each.effect for each in said(witness, bank, *calls)] == [Effect.APPLIED, Effect.ABSENT]
    again, other = (dict(_attestation(document)) for _ in range(2))
    other["documentHash"] = b"\1" * 32
    older = {**again, "sequence": 0}  # before the first, which stands under its own number
    newer = {**again, "sequence": again["sequence"] + 1}
    calls = [call_of(bank, RESERVE, "attestReserve", each, []) for each in (again, other, newer)]
    assert [each.effect for each in said(witness, bank, *calls)] == [Effect.APPLIED, Effect.CONFLICT, Effect.ABSENT]
    first = say(witness, bank, call_of(bank, RESERVE, "attestReserve", older, []))
    assert (first.effect, first.detail["superseded_by"]) == (Effect.CONFLICT, again["sequence"])


def _attestation(document: Any) -> dict[str, Any]:
    from pyjpm.reserve import attestation_message

    return attestation_message(document.body)


def test_attester_sets(watch: Watch, witness: ContractWitness, bank: Platform, clock: Any) -> None:
    keeper = new_company(bank)
    keys = sorted((LocalSigner.generate().address for _ in range(3)), key=str.lower)
    made = keeper.attestations.create_set(keys, minimum=2, idempotency_key="set").wait()
    number, new = keeper.attestations.set_of(made), LocalSigner.generate().address
    keeper.attestations.announce_attester(number, new, idempotency_key="announce").wait()
    clock.advance(7 * DAY)
    bank.attestations.add_attester(number, new, idempotency_key=key()).wait()
    keeper.attestations.remove_attester(number, new, idempotency_key="remove").wait()
    assert not watch.unseen(attesters)
    again, other, theirs = said(
        witness,
        bank,
        call_of(keeper, SETS, "createSet", 2, keys),
        call_of(keeper, SETS, "createSet", 1, keys),
        call_of(new_company(bank), SETS, "createSet", 2, keys),
    )
    assert (again.effect, again.tx_hash, again.detail["set_id"]) == (Effect.APPLIED, made.tx_hash, number)
    assert (other.effect, theirs.effect) == (Effect.ABSENT, Effect.ABSENT)
    calls = [
        call_of(keeper, SETS, function, number, attester)
        for function, attester in (
            ("announceAttester", new),
            ("addAttester", new),
            ("announceAttester", keys[0]),
            ("addAttester", keys[0]),
            ("removeAttester", keys[0]),
        )
    ]
    effects = [each.effect for each in said(witness, bank, *calls)]
    assert effects == [Effect.APPLIED, Effect.APPLIED, Effect.CONFLICT, Effect.ABSENT, Effect.ABSENT]


def test_titles_have_names_and_units_have_none(
    watch: Watch, witness: ContractWitness, bank: Platform, seller: Platform
) -> None:
    titles = bank.assets.deploy("TitleDocument", "Bills of lading", "EBL", idempotency_key=key())
    units = bank.assets.deploy("UnitToken", "Copper", "CU", idempotency_key=key())
    settlement, wallet = bank.session.address("Settlement"), seller.session.wallet
    done = bank.assets.issue_title(titles, wallet, 7, document="paper", idempotency_key=key()).wait()
    bank.assets.issue_units(units, wallet, 10, idempotency_key=key()).wait()
    bank.assets.issue_units(units, bank.session.wallet, 3, idempotency_key=key()).wait()
    send(bank, "UnitToken", "retire", bank.session.wallet, 3, at=units)
    seller.settlement.allow_units(units, 5, idempotency_key="units").wait()
    seller.settlement.allow_title(titles, 7, idempotency_key="title").wait()
    send(seller, "TitleDocument", "approve", bank.session.wallet, 7, at=titles)
    send(bank, "TitleDocument", "retire", 7, at=titles)
    # An approval of a title looks like one of units; either witness asks both.
    assert watch.unseen(assets) == {"approve(spender,id)"}
    issues = [
        call_of(bank, "TitleDocument", "issue", to, number, keccak(text=paper), at=titles)
        for to, number, paper in (
            (wallet, 7, "paper"),
            (wallet, 7, "other"),
            (settlement, 7, "paper"),
            (wallet, 8, "x"),
        )
    ]
    verdicts = said(witness, bank, *issues)
    assert [each.effect for each in verdicts] == [Effect.APPLIED, Effect.CONFLICT, Effect.CONFLICT, Effect.ABSENT]
    assert verdicts[0].tx_hash == done.tx_hash
    issue = call_of(bank, "UnitToken", "issue", wallet, 10, at=units)
    assert (say(witness, bank, issue).effect, witness.is_named(issue)) == (Effect.UNKNOWN, False)
    allowances = [call_of(seller, "UnitToken", "approve", settlement, value, at=units) for value in (5, 6)]
    assert [each.effect for each in said(witness, seller, *allowances)] == [Effect.APPLIED, Effect.ABSENT]
    bank.assets.issue_title(titles, wallet, 9, document="paper", idempotency_key=key()).wait()
    seller.settlement.allow_title(titles, 9, idempotency_key="the other title").wait()
    allowances = [
        call_of(seller, "TitleDocument", "approve", to, 9, at=titles) for to in (settlement, bank.session.wallet)
    ]
    assert [each.effect for each in said(witness, seller, *allowances)] == [Effect.APPLIED, Effect.ABSENT]


def test_every_act_of_governance_is_seen(watched: Watch, governed: Platform) -> None:
    # The last of this platform: the governor has a delay from here on.
    bank, someone = governed, LocalSigner.generate()
    token, issuer = bank.session.address("USD"), role_id("ISSUER")
    bank.governance.grant("ISSUER", someone.address, delay=60, idempotency_key=key()).wait()
    bank.governance.revoke("ISSUER", someone.address, idempotency_key=key()).wait()
    bank.governance.grant("ISSUER", someone.address, idempotency_key=key()).wait()
    bank.governance.dismiss("ISSUER", someone.address, idempotency_key=key()).wait()
    bank.governance.grant("OPERATOR", bank.session.wallet, idempotency_key=key()).wait()
    send(bank, GOVERNANCE, "renounceRole", role_id("OPERATOR"), bank.session.wallet)
    send(bank, GOVERNANCE, "labelRole", issuer, "issuers")
    send(bank, GOVERNANCE, "setRoleAdmin", issuer, role_id("GOVERNOR"))
    send(bank, GOVERNANCE, "setRoleGuardian", issuer, role_id("PAUSER"))
    send(bank, GOVERNANCE, "setGrantDelay", issuer, 3_600)
    send(bank, GOVERNANCE, "setTargetAdminDelay", token, 3_600)
    for closed in (True, False):
        send(bank, GOVERNANCE, "setTargetClosed", token, closed)
    selector = bank.session.codec("USD").selector("pause")
    send(bank, GOVERNANCE, "setTargetFunctionRole", token, [selector], role_id("COMPLIANCE"))
    send(bank, GOVERNANCE, "setTargetFunctionRole", token, [selector], role_id("PAUSER"))
    coder = bank.session.codec(GOVERNANCE)
    calls = [coder.encode("labelRole", role_id(name), f"{name} anew") for name in ("ISSUER", "PAUSER")]
    send(bank, GOVERNANCE, "multicall", calls)
    # Announced, called off, announced again and carried out.
    units = bank.assets.deploy("UnitToken", "Copper", "CU", idempotency_key=key())
    bank.governance.grant("GOVERNOR", bank.session.wallet, delay=60, idempotency_key=key()).wait()
    bank.governance.schedule("USD", "setReserve", bank.session.address(RESERVE), idempotency_key=key()).wait()
    bank.governance.cancel(
        bank.session.wallet, "USD", "setReserve", bank.session.address(RESERVE), idempotency_key=key()
    ).wait()
    bank.governance.schedule("USD", "setReserve", bank.session.address(RESERVE), idempotency_key=key()).wait()
    DevClock(bank.connection).advance(60)
    data = bank.session.codec("USD").encode("setReserve", bank.session.address(RESERVE))
    send(bank, GOVERNANCE, "execute", token, data)
    assert ("DepositToken", "setReserve") in watched.rows
    send(bank, GOVERNANCE, "updateAuthority", units, bank.session.address("ParticipantRegistry"))
    assert not watched.unseen(governance)
