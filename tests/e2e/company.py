"""One company of the five-process test, or the auditor of its bank: ``company.py ROLE RPC MAIL HOME UID``.

It makes its key itself, in a home that only it can enter, under a passphrase that never leaves this process. With the
others it shares the chain and a folder of signed documents, nothing else: who is who, and what stands, it reads from
the chain. UID 0 means: stay who you are.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyjpm
from pyjpm import Document, Keystore, Kind, Milestone, Mode, Money, OrderState, Platform, TradeState, identity_hash
from pyjpm.assets import TITLES
from pyjpm.chain.tester import LocalTester
from pyjpm.contracts import artifacts
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.custody import WrongPassphrase
from pyjpm.reserve import ReserveLine
from pyjpm.sending import Journal
from pyjpm.testing import backed_platform, new_company

SHIPPED, PRICE, TITLE = 1, Money("750.00", "USD"), 77
DAY = 86_400
PATIENCE = 90.0
COMPANIES = ("buyer", "seller", "attester1", "attester2", "auditor")
T = TypeVar("T")


def waited(what: str, look: Callable[[], T | None]) -> T:
    """What ``look`` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"nothing came of: {what}")


class Company:
    def __init__(self, role: str, rpc: str, mail: Path, home: Path) -> None:
        self.role, self.rpc, self.mail, self.home = role, rpc, mail, home
        self.passphrase = secrets.token_urlsafe(24)
        self.keystore = Keystore(home / "keys", kdf_work=2**12)
        self.keystore.create(role, self.passphrase)
        self.signer = self.keystore.load(role, self.passphrase)

    # --- mail: signed documents, and the bank's deployment record ---

    def post(self, name: str, document: Document) -> None:
        draft = self.mail / f".{name}.{self.role}"
        document.save(draft)
        draft.rename(self.mail / name)

    def received(self, name: str) -> Document:
        path = self.mail / name
        return Document.load(waited(name, lambda: path if path.exists() else None))

    def platform(self) -> Platform:
        record = self.mail / "deployment.json"
        waited("the record", lambda: record.exists() or None)
        return Platform.connect(self.rpc, record, signer=self.signer, journal=self.home / "journal.sqlite")

    def link(self, me: Platform) -> None:
        self.post(
            f"{self.role}.link.json",
            me.participants.wallet_link(identity_hash({"name": self.role}, b"16 bytes or more")),
        )

    def wallet_of(self, role: str) -> str:
        return str(self.received(f"{role}.link.json").body["wallet"])

    # --- what nobody may do: read another's key ---

    def try_to_steal(self) -> None:
        """Tries every other company's key with the power of this process and this passphrase."""
        for other in ("bank", *COMPANIES):
            if other == self.role:
                continue
            folder = self.home.parent / other / "keys"
            letter = self.mail / f"{other}.link.json"
            waited(f"the key of {other}", letter.exists)
            try:
                content = (folder / f"{other}.json").read_bytes()
            except PermissionError:
                outcome = "PermissionError"
            else:
                copy = Keystore(self.home / f"stolen from {other}".replace(" ", "-"), kdf_work=2**12)
                target = self.home / f"stolen-from-{other}" / f"{other}.json"
                target.touch(mode=0o600)
                target.write_bytes(content)
                try:
                    copy.load(other, self.passphrase)
                    outcome = "STOLEN"
                except WrongPassphrase:
                    outcome = "WrongPassphrase"
            (self.mail / f"theft.{self.role}.{other}").write_text(outcome)


def bank(company: Company) -> None:
    record = company.home / "deployment.json"
    with Platform.deploy(company.rpc, company.signer, record=record, governance_delay=0) as me:
        draft = company.mail / ".deployment"
        draft.write_bytes(record.read_bytes())
        draft.chmod(0o644)
        draft.rename(company.mail / "deployment.json")
        company.link(me)
        for role in ("bank", "buyer", "seller"):
            kind = Kind.BANK if role == "bank" else Kind.CORPORATE
            onboarding = me.participants.onboard(
                company.received(f"{role}.link.json"),
                kind=kind,
                jurisdiction=840,
                kyc_expiry=me.session.now() + 365 * DAY,
                idempotency_key=f"onboard {role}",
            )
            participant = onboarding.wait().participant
            me.participants.set_daily_limit(participant, Money("10000.00", "USD"), idempotency_key=role).wait()
        attesters = [company.wallet_of(role) for role in ("attester1", "attester2")]
        me.attestations.create_set(attesters, minimum=2, idempotency_key="set").wait()
        titles = me.assets.deploy(TITLES, "Bills of lading", "EBL", idempotency_key="titles")
        me.assets.issue_title(titles, company.wallet_of("seller"), TITLE, document="paper", idempotency_key="t").wait()
        me.reserve.add_auditor(company.wallet_of("auditor"), idempotency_key="auditor").wait()
        line = ReserveLine("CENTRAL_BANK", "BANKUS33", Money("2000.00", "USD"))
        company.post("reserve.proposed.json", me.reserve.propose("USD", [line], report=b"\1" * 32))
        me.reserve.submit(company.received("reserve.json"), idempotency_key="reserve").wait()
        me.deposits.mint(
            company.wallet_of("buyer"), Money("2000.00", "USD"), deposit_reference="wire 1", idempotency_key="d"
        ).wait()
        company.try_to_steal()


def buyer(company: Company) -> None:
    with company.platform() as me:
        company.link(me)
        seller = waited("the seller", lambda: me.session.participant_of(company.wallet_of("seller")))
        waited("the deposit", lambda: me.deposits.balance(currency="USD").available.minor)
        created = waited("a set", lambda: next(me.session.events("AttesterSets", "AttesterSetCreated"), None))
        attest_by = me.session.now() + 20 * DAY
        milestone = Milestone(
            amount=PRICE.minor, mode=Mode.PREFUND, required_status=SHIPPED, fund_by=attest_by, attest_by=attest_by
        )
        proposed = me.escrow.propose(
            buyer=me.session.participant,
            seller=seller,
            currency="USD",
            order_reference="order 5",
            milestones=[milestone],
            attester_set=created.arguments["setId"],
            threshold=2,
        )
        company.post("order.proposed.json", proposed)
        order = company.received("order.json")
        assert me.escrow.fund(order, idempotency_key="fund").wait().status is OrderState.FUNDED
        waited("the release", lambda: me.escrow.get(order).status is OrderState.RELEASED or None)
        trade = me.settlement.affirm(company.received("trade.proposed.json"))
        company.post("trade.json", trade)
        assert me.settlement.settle(trade, idempotency_key="settle").wait().status is TradeState.SETTLED
        company.try_to_steal()


def seller(company: Company) -> None:
    with company.platform() as me:
        company.link(me)
        order = me.escrow.countersign(company.received("order.proposed.json"))
        company.post("order.json", order)
        signed = [company.received(f"{role}.attestation.json") for role in ("attester1", "attester2")]
        attestation = me.attestations.collect(signed)
        assert me.escrow.attest(order, attestation, idempotency_key="shipped").wait().status is OrderState.RELEASED
        registered = me.session.events("ParticipantRegistry", "AssetRegistered")
        titles = next(event.arguments["asset"] for event in registered if not event.arguments["depositToken"])
        me.settlement.allow_title(titles, TITLE, idempotency_key="allow").wait()
        legs = [
            me.settlement.title(titles, TITLE, me.session.wallet, company.wallet_of("buyer")),
            me.settlement.cash(company.wallet_of("buyer"), me.session.wallet, PRICE),
        ]
        company.post("trade.proposed.json", me.settlement.affirm(me.settlement.propose(legs, trade_reference="t")))
        company.try_to_steal()


def attester(company: Company) -> None:
    with company.platform() as me:
        company.link(me)
        order = company.received("order.json")

        def funded() -> int | None:
            """The time of the block that funded the order: the same for every attester."""
            for event in me.session.events("OrderEscrow", "MilestoneFunded"):
                return me.connection.block(event.block).timestamp
            return None

        at = waited("the funding", funded)
        deadline = order.body["milestones"][0]["attestBy"]
        attestation = me.attestations.sign(order, 0, status=SHIPPED, seq=1, at=at, deadline=deadline)
        company.post(f"{company.role}.attestation.json", attestation)
        company.try_to_steal()


def auditor(company: Company) -> None:
    """Signs what it has counted itself, and nothing else."""
    with company.platform() as me:
        company.link(me)
        waited("the appointment", lambda: me.reserve.is_auditor(me.session.wallet) or None)
        statement = company.received("reserve.proposed.json")
        assert [line["amount"] for line in statement.body["lines"]] == ["200000"]
        company.post("reserve.json", me.reserve.sign(statement))
        company.try_to_steal()


ROLES: dict[str, Callable[[Company], None]] = {
    "bank": bank,
    "buyer": buyer,
    "seller": seller,
    "attester1": attester,
    "attester2": attester,
    "auditor": auditor,
}


def become(uid: int, home: Path) -> None:
    """Gives the starter's rights away, for good. Modules are read before: they may be out of reach afterwards."""
    for module in pkgutil.walk_packages(pyjpm.__path__, "pyjpm."):
        if not module.name.startswith(("pyjpm.cli", "pyjpm.testing", "pyjpm.chain.tester", "pyjpm.chain.zero")):
            importlib.import_module(module.name)
    for artifact in artifacts.names():
        artifacts.load(artifact)
    # Libraries import more when they are first used: every way that this program goes is gone once before.
    with tempfile.TemporaryDirectory() as name, Journal.open(None, genesis_hash="0x" + 64 * "0", chain_id=1):
        rehearsal = Keystore(Path(name) / "keys", kdf_work=2)
        rehearsal.create("rehearsal", "a passphrase")
        signer = rehearsal.load("rehearsal", "a passphrase")
        Journal.open(Path(name) / "journal", genesis_hash="0x" + 64 * "0", chain_id=1).close()
        with LocalTester() as chain, backed_platform(chain.connection(), signer) as platform:
            new_company(platform, deposit="1.00")
    os.chown(home, uid, uid)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    os.environ["HOME"] = str(home)


def main() -> int:
    role, rpc, mail, home, uid = sys.argv[1:]
    if int(uid):
        become(int(uid), Path(home))
    try:
        ROLES[role](Company(role, rpc, Path(mail), Path(home)))
    except PyjpmError as error:
        print(f"{role}: {error.code}: {error}", file=sys.stderr)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
