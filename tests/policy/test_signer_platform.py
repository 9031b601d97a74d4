"""The SDK unchanged, its key behind a signer's process: payments and an order on a real chain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from policy.house import House
from sdk.orders import Attesters, agreed, milestone

from pyjpm import LocalAnvil, LocalSigner, Mode, Money, OrderState, Platform
from pyjpm.cli import main
from pyjpm.custody.policy_book import verify
from pyjpm.custody.remote_socket import status
from pyjpm.errors.outbox import OperationRejected
from pyjpm.errors.policy import ContractNotAllowed, SigningApprovalMissing, SigningApprovalUsed
from pyjpm.status import Status
from pyjpm.testing import backed_platform, new_company

POLICY = """
version = 1
chain_id = {chain_id}
deployment = "platform.json"

[policies.buyer]
checkers = ["{checker}"]
[policies.buyer.allow.ParticipantRegistry]
messages = ["LinkWallet"]
[policies.buyer.allow.USD]
functions = ["pay", "payBatch", "holdAndCall", "voidReference"]
messages = ["Consent"]
[policies.buyer.allow.OrderEscrow]
functions = ["open", "fund"]
messages = ["Terms"]
[policies.buyer.limits.USD]
per_payment = "1000.00"
per_day = "5000.00"
approval_above = "500.00"

[wallets."{wallet}"]
policy = "buyer"
"""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Platform]:
    with (
        LocalAnvil() as anvil,
        backed_platform(
            anvil.connection(), LocalSigner.generate(), journal=tmp_path / "journal.sqlite", currencies=("USD", "EUR")
        ) as deployed,
    ):
        yield deployed


def test_a_client_of_the_bank_pays_and_orders_through_the_signer(
    house: House, bank: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house.write_record(bank.record.to_dict())
    facts = {"chain_id": bank.record.chain_id, "checker": house.checker.address, "wallet": house.wallet}
    house.write_policy(POLICY.format(**facts))
    house.serve()
    remote = house.remote()
    buyer = new_company(bank, deposit="2000.00", signer=remote)
    seller = new_company(bank)

    def balance(who: Platform) -> str:
        return str(who.deposits.balance(currency="USD").balance.amount)

    # Below the threshold nobody notices the signer.
    payee, small, large = seller.session.wallet, Money("100.00", "USD"), Money("600.00", "USD")
    assert buyer.payments.create(payee, small, idempotency_key="small").wait().status is Status.FINAL

    # Above it the signer refuses, and says what a checker has to approve.
    with pytest.raises(SigningApprovalMissing) as refusal:
        buyer.payments.create(payee, large, idempotency_key="large")
    said = refusal.value.details
    assert (said["purpose"], said["wallet"]) == ("payments.pay", house.wallet)
    (stored,) = [each for each in buyer.session.submissions("payments.pay") if each.key == "large"]
    assert said["request_sha256"] == stored.request_sha256

    # The checker approves by the command; then the same key goes through.
    _approve(house, said, tmp_path)
    paid = _again(buyer, payee, large, "large")
    assert paid.status is Status.FINAL
    assert balance(seller) == "700.00"
    with pytest.raises(SigningApprovalUsed):
        buyer.payments.create(payee, large, idempotency_key="the same once more")

    # A token that the policy does not name: refused before anything is counted.
    with pytest.raises(ContractNotAllowed):
        buyer.payments.create(payee, Money("1.00", "EUR"), idempotency_key="euro")

    # An order, agreed, funded and released: terms and consent are signed by the signer too.
    administrator = new_company(bank)
    attesting = [LocalSigner.generate() for _ in range(3)]
    created = administrator.attestations.create_set(
        [each.address for each in attesting], minimum=2, idempotency_key="set"
    ).wait()
    attesters = Attesters(administrator.attestations.set_of(created), attesting, bank)
    order = agreed(buyer, seller, attesters, milestone(bank, Mode.PREFUND))
    assert buyer.escrow.fund(order, idempotency_key="fund").wait().status is OrderState.FUNDED
    released = bank.escrow.attest(order, attesters.attest(order), idempotency_key="shipped").wait()
    assert released.status is OrderState.RELEASED
    assert balance(seller) == "800.00"

    # What the signer counted is what the chain moved, and its mark is what the chain used.
    seen = status(house.socket)["wallets"][house.wallet]
    assert seen["moved"] == {"USD": 80_000}
    assert seen["highest_nonce"] == bank.connection.transaction_count(house.wallet) - 1
    assert remote.highest_nonce(bank.record.chain_id) == seen["highest_nonce"]
    lines, head = verify(house.book)
    assert lines > 10
    assert head == status(house.socket)["book"]["head"]
    assert capsys.readouterr().err == ""


def _approve(house: House, said: dict[str, object], tmp_path: Path) -> None:
    """What the checker does."""
    out = tmp_path / "approval.json"
    command = ["signer", "approve", "--keystore", str(house.folder / "checkers"), "--key", "checker", "--out", str(out)]
    command += ["--passphrase-file", str(house.secret)]
    for name in ("wallet", "chain_id", "purpose", "request_sha256"):
        command += [f"--{name.replace('_', '-')}", str(said[name])]
    assert main(command) == 0
    assert main(["signer", "hand-in", str(out), "--socket", str(house.socket)]) == 0


def _again(buyer: Platform, payee: str, amount: Money, key: str) -> object:
    """The same payment under its key, once the cancel of its refused nonce is final."""
    end = time.monotonic() + 30
    while True:
        try:
            return buyer.payments.create(payee, amount, idempotency_key=key).wait()
        except (SigningApprovalMissing, OperationRejected):
            assert time.monotonic() < end
            time.sleep(0.1)
