"""What is rare and still has to be booked, or refused by its name: links anew, numbers that no column holds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from scene import Scene
from web3.providers.base import JSONBaseProvider

from pyjpm import LocalSigner
from pyjpm.chain import Connection, LocalAnvil
from pyjpm.chain.values import Head
from pyjpm.errors.chain import BlockNotAvailable
from pyjpm.errors.ledger import AmountBeyondBooks, InvalidPeriod
from pyjpm.ledger import Ledger
from pyjpm.ledger.indexing import Indexer
from pyjpm.ledger.store import contracts_of
from pyjpm.ledger.telling import MOST
from pyjpm.sending import postgresql
from pyjpm.session import Session
from pyjpm.testing import backed_platform, new_company

WHERE = str | Path


def test_a_wallet_that_is_linked_again_is_booked(ledger_url: WHERE, tmp_path: Path) -> None:
    with (
        LocalAnvil() as anvil,
        backed_platform(anvil.connection(), LocalSigner.generate(), journal=tmp_path / "j.sqlite") as bank,
        Ledger(ledger_url, bank) as ledger,
    ):
        alice = new_company(bank, deposit="100.00")
        who = alice.session.participant
        identity = bytes.fromhex(bank.participants.get(alice.session.wallet).identity_hash[2:])
        other = bank.acting(LocalSigner.generate())
        for turn in range(2):
            link = other.participants.wallet_link(identity, valid_for=86_400 * (1 + turn))
            bank.participants.link_wallet(who, link, idempotency_key=f"link {turn}").wait()
            if turn == 0:
                bank.participants.unlink_wallet(other.session.wallet, idempotency_key="unlink").wait()
                ledger.sync()
        ledger.sync()
        assert ledger.reconcile().breaks == ()
        with Ledger(tmp_path / "anew.db", bank) as anew:
            anew.sync()
            assert anew.digest() == ledger.digest()


def event(scene: Scene, contract: str, name: str, *arguments: Any) -> Mapping[str, Any]:
    """A log of block 1 as a node's JSON has it."""
    session = scene.bank.session
    coder = session.codec(contract)
    parts = next(each["inputs"] for each in coder.abi if each["type"] == "event" and each["name"] == name)
    kinds = [_kind(part) for part in parts]
    topics = [coder.topic(name)]
    topics += [
        encode([kind], [value]) for part, kind, value in zip(parts, kinds, arguments, strict=True) if part["indexed"]
    ]
    plain = [(kind, value) for part, kind, value in zip(parts, kinds, arguments, strict=True) if not part["indexed"]]
    return {
        "address": session.address(contract).lower(),
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode([kind for kind, _ in plain], [value for _, value in plain]).hex(),
        "blockNumber": "0x1",
        "logIndex": "0x0",
        "transactionHash": "0x" + 64 * "2",
    }


def _kind(part: Mapping[str, Any]) -> str:
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_kind(each) for each in part["components"]) + ")" + kind.removeprefix("tuple")


def indexer(scene: Scene) -> Indexer:
    record = scene.bank.record
    return Indexer(record, contracts_of(record))


ONE = Head(1, "0x" + 64 * "1", 1)


def test_a_number_that_no_column_holds_is_told_in_the_detail(scene: Scene) -> None:
    period = event(scene, "PaymentRules", "RuleExecuted", b"\1" * 32, 2**64, 1, 5)
    attested = event(
        scene, "Reserve", "ReserveAttested", b"USD", 2**64 - 1, 7, 1, 2, b"\0" * 32, 1, [(b"\0" * 32, b"\0" * 32, 7)]
    )
    rows = indexer(scene).add([period, {**attested, "logIndex": "0x1"}], [ONE]).events
    assert [row[6] for row in rows] == [None, None]
    assert f'"period":"{2**64}"' in rows[0][8]
    assert f'"sequence":"{2**64 - 1}"' in rows[1][8]
    small = {**attested, "topics": [*attested["topics"][:2], "0x" + (2**60).to_bytes(32, "big").hex()]}
    (row,) = indexer(scene).add([small], [ONE]).events
    assert row[6] == 2**60


def test_a_total_that_no_column_holds_is_refused(scene: Scene) -> None:
    wallet = scene.bob.session.wallet
    twice = [
        event(scene, "USD", "AmountFrozen", wallet, MOST, MOST, b"\0" * 32),
        {**event(scene, "USD", "AmountFrozen", wallet, 1, MOST + 1, b"\0" * 32), "logIndex": "0x1"},
    ]
    assert indexer(scene).add(twice[:1], [ONE]).changes
    with pytest.raises(AmountBeyondBooks):
        indexer(scene).add(twice, [ONE])


class Forgetful(JSONBaseProvider):
    """A node that knows a transaction only after it was asked some times for one."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._request = connection.web3.provider.make_request
        self.forgets = 1
        self.meanwhile: Any = None

    def make_request(self, method: Any, params: Any) -> Any:
        if method == "eth_getTransactionByHash":
            if self.forgets:
                self.forgets -= 1
                return {"jsonrpc": "2.0", "id": 1, "result": None}
            if self.meanwhile is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                meanwhile()
        return self._request(method, params)


def through(scene: Scene, node: JSONBaseProvider) -> Session:
    session = scene.bank.session
    return Session(session.record, Connection.open(node), session.journal, None, 1.0)


def test_a_remittance_that_a_node_does_not_show_yet_is_not_given_up(scene: Scene, ledger_url: WHERE) -> None:
    with Ledger(
        ledger_url, through(scene, Forgetful(scene.bank.connection)), keys=tuple(scene.keys.values())
    ) as ledger:
        with pytest.raises(BlockNotAvailable):
            ledger.sync()
        assert ledger.payments(end_to_end_id="E2E-1") == []
        ledger.sync()
        assert len(ledger.payments(end_to_end_id="E2E-1")) == 1


def test_two_may_open_remittances_at_once(scene: Scene, ledger_url: WHERE) -> None:
    node = Forgetful(scene.bank.connection)
    node.forgets = 0
    keys = tuple(scene.keys.values())
    with (
        Ledger(ledger_url, through(scene, node), keys=keys) as ledger,
        Ledger(ledger_url, scene.bank, keys=keys) as other,
    ):
        node.meanwhile = other.sync
        ledger.sync()
        assert node.meanwhile is None
        assert len(ledger.payments(end_to_end_id="E2E-1")) == 1
        assert ledger.reconcile().clean


def test_processes_that_make_and_sync_one_ledger_at_once_book_each_event_once(
    scene: Scene, ledger_url: WHERE, tmp_path: Path
) -> None:
    scene.bank.record.save(tmp_path / "record.json")
    command = [sys.executable, "-m", "pyjpm.cli", "ledger", "sync", "--ledger", str(ledger_url)]
    command += ["--rpc", scene.bank.connection.where, "--record", str(tmp_path / "record.json")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    said = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert 0 in [code for _, code in said], said
    assert all(code == 0 or b"LEDGER_MOVED" in errors for errors, code in said), said
    with Ledger(ledger_url, scene.bank) as ledger, Ledger(tmp_path / "alone.db", scene.bank) as alone:
        assert ledger.sync().events == 0
        alone.sync()
        assert ledger.digest() == alone.digest()
        assert ledger.reconcile().clean


class Slow(JSONBaseProvider):
    """A node that takes its time over the first logs, and over the first answer of a contract."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._request = connection.web3.provider.make_request
        self._slow = {"eth_getLogs", "eth_call"}

    def make_request(self, method: Any, params: Any) -> Any:
        if method in self._slow:
            self._slow.remove(method)
            time.sleep(0.5)
        return self._request(method, params)


def test_a_slow_node_costs_no_comparison_its_database(
    scene: Scene, ledger_url: WHERE, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a transaction that lies idle: 15 seconds are soon over where a node has to gather much."""
    monkeypatch.setitem(postgresql._SESSION, "idle_in_transaction_session_timeout", "250ms")
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
    with Ledger(ledger_url, through(scene, Slow(scene.bank.connection))) as ledger:
        assert ledger.compare().matches
        assert ledger.reconcile().clean


def test_before_the_first_block_there_is_nothing(scene: Scene, ledger_url: WHERE) -> None:
    alice = scene.alice.session.participant
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        first = scene.bank.record.first_block
        for block in (first - 1, 0, -1):
            assert ledger.balances(at_block=block) == []
            assert ledger.supply("USD", at_block=block) == 0
            assert ledger.payments(at_block=block) == []
            assert ledger.open_items(alice, at_block=block).items == ()
        assert ledger.balances(at_time=0) == []
        early = ledger.statement(alice, "USD", until=1)
        assert (early.opening, early.closing, early.entries) == (0, 0, ())
        whole = ledger.statement(alice, "USD", since_block=-1)
        assert whole == ledger.statement(alice, "USD")
        assert whole.opening == 0
        with pytest.raises(InvalidPeriod):
            ledger.statement(alice, "USD", until_block=first - 2)


def test_a_period_between_two_seconds_has_the_blocks_in_it(scene: Scene, ledger_url: WHERE) -> None:
    alice = scene.alice.session.participant
    with Ledger(ledger_url, scene.bank) as ledger:
        ledger.sync()
        entries = ledger.statement(alice, "USD").entries
        at = datetime.fromtimestamp(entries[2].at, UTC) + timedelta(milliseconds=500)
        until, since = ledger.statement(alice, "USD", until=at), ledger.statement(alice, "USD", since=at)
        assert until.entries == tuple(each for each in entries if each.at < at.timestamp())
        assert since.entries == tuple(each for each in entries if each.at >= at.timestamp())
