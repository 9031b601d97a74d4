"""A wallet jammed by a priced transaction, at nodes with the pool of Besu: the operator's command frees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chains.proxy import BESU, Proxy
from pyjpm import Money, Platform, Status
from pyjpm.chain import LocalAnvil
from pyjpm.chain.raw import decode_raw
from pyjpm.cli import main
from pyjpm.contracts.codec import codec
from pyjpm.custody import Keystore, LocalSigner
from pyjpm.testing import backed_platform, new_company

SECRET = "of the tests alone"
AMOUNTS = (100, 101, 102)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Keystore, Path]:
    """A keystore with a company's key and the network's rescue account, and the file with its passphrase."""
    keystore = Keystore(tmp_path / "keys", kdf_work=2)
    for name in ("company", "rescue"):
        keystore.create(name, SECRET)
    said = tmp_path / "passphrase"
    said.touch(mode=0o600)
    said.write_text(SECRET)
    return keystore, said


def test_the_command_frees_the_wallet_and_what_waited_is_paid_once(
    keys: tuple[Keystore, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keystore, passphrase = keys
    record, journal = tmp_path / "deployment.json", tmp_path / "journal.sqlite"
    key = keystore.load("company", SECRET)
    with LocalAnvil() as anvil:
        direct = anvil.connection()
        with backed_platform(direct, LocalSigner.generate(), journal=tmp_path / "bank", currencies=("USD",)) as bank:
            bank.record.save(record)
            new_company(bank, deposit="10.00", signer=key)
            payee = new_company(bank).session
        direct.development_request("anvil_setBalance", keystore.address("rescue"), hex(10**18))
        since = direct.head().number
        with Proxy(anvil.url, seed=24, manners=BESU, second=0.05, patience=2) as proxy:
            connection = proxy.connection(0, timeout=5, max_retries=3)
            jammer = key.sign_priced_cancel(direct.chain_id, 0, 1_000_000_000).raw
            said = connection.web3.provider.make_request("eth_sendRawTransaction", ["0x" + jammer.hex()])
            assert "result" in said
            proxy.wait_for_blocks(2)
            with Platform.connect(connection, record, signer=key, journal=journal) as payer:
                payments = [
                    payer.payments.create(payee.participant, Money.from_minor(each, "USD"), idempotency_key=str(each))
                    for each in AMOUNTS
                ]
                proxy.wait_for_blocks(10)
                assert Status.FINAL not in {payment.refresh().status for payment in payments}

                where = ["--journal", str(journal), "--rpc", proxy.urls[1], "--record", str(record)]
                ours = ["--keystore", str(tmp_path / "keys"), "--key", "company", "--passphrase-file", str(passphrase)]
                rescue = ["--rescue-keystore", str(tmp_path / "keys"), "--rescue-passphrase-file", str(passphrase)]
                why = ["--who", "Ada", "--reason", "an old script signed with the key", "--json"]
                code = main(["outbox", "unjam", *where, *ours, *rescue, *why])
                told = capsys.readouterr()
                assert code == 0, told.err
                (freed,) = json.loads(told.out)
                assert (freed["wallet"], freed["nonce"], freed["price"]) == (key.address, 0, 1_100_000_000)
                assert {payment.wait(60).status for payment in payments} == {Status.FINAL}
        token = codec("DepositToken")
        logs = direct.logs(bank.record.tokens["USD"].address, [token.topic("Paid")], from_block=since + 1)
        events = [event for log in logs if (event := token.decode_log(log)) is not None]
        assert sorted(event.arguments["amount"] for event in events) == list(AMOUNTS)
        assert {event.arguments["to"] for event in events} == {payee.wallet}
        mined = direct.receipts([decode_raw(jammer).hash, freed["tx_hash"]])
        assert (mined[0], mined[1] is not None) == (None, True)
