"""An Anvil with the real platform on it, spoken to in raw JSON-RPC for speed; snapshots between examples."""

from __future__ import annotations

import http.client
import itertools
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from pyjpm import LocalSigner
from pyjpm.chain import LocalAnvil
from pyjpm.contracts.codec import codec
from pyjpm.contracts.decoding import decode_revert
from pyjpm.errors.base import PyjpmError
from pyjpm.testing import backed_platform, new_company

GAS = 3_000_000


@dataclass(frozen=True)
class Log:
    """One log as the codec wants it."""

    address: str
    topics: Sequence[bytes]
    data: bytes
    block_number: int
    log_index: int
    transaction_hash: str


class Rpc:
    """One connection to one node."""

    def __init__(self, url: str) -> None:
        parsed = urlparse(url)
        self._http = http.client.HTTPConnection(parsed.hostname or "", parsed.port)
        self._ids = itertools.count(1)

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        body = [{"jsonrpc": "2.0", "id": next(self._ids), "method": m, "params": p} for m, p in calls]
        self._http.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        answers = json.loads(self._http.getresponse().read())
        return sorted(answers, key=lambda answer: int(answer["id"]))

    def call(self, method: str, *params: Any) -> Any:
        (answer,) = self.batch([(method, list(params))])
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


@dataclass
class World:
    """The platform, three participants A, B, C, and a second wallet of A that can succeed the first."""

    rpc: Rpc
    bank: str
    registry: str
    token: str
    notary: str
    chain_id: int
    wallets: dict[str, str]
    signers: dict[str, LocalSigner]
    participants: dict[str, int]
    domain: Any  # of the token's signatures

    def read(self, requests: Sequence[tuple[str, str, tuple[Any, ...]]]) -> list[Any]:
        """View calls of (artifact, function, arguments), all in one request."""
        calls = [
            ("eth_call", [{"to": self.where(a), "data": _hex(codec(a).encode(f, *args))}, "latest"])
            for a, f, args in requests
        ]
        answers = self.rpc.batch(calls)
        return [
            codec(a).decode_output(f, bytes.fromhex(answer["result"][2:]))
            for (a, f, _), answer in zip(requests, answers, strict=True)
        ]

    def where(self, artifact: str) -> str:
        return self.token if artifact == "DepositToken" else self.registry

    def send(self, sender: str, artifact: str, function: str, *arguments: Any) -> PyjpmError | None:
        """A real transaction, mined; what it was refused with."""
        call = {
            "from": sender,
            "to": self.where(artifact),
            "data": _hex(codec(artifact).encode(function, *arguments)),
            "gas": hex(GAS),
            "gasPrice": "0x0",
        }
        receipt = self._receipt(self.rpc.call("eth_sendTransaction", call))
        if receipt["status"] == "0x1":
            return None
        (answer,) = self.rpc.batch([("eth_call", [call, hex(int(receipt["blockNumber"], 16) - 1)])])
        if "error" not in answer:  # time-dependent calls: ask again where we are
            (answer,) = self.rpc.batch([("eth_call", [call, "latest"])])
        return decode_revert(bytes.fromhex(answer["error"]["data"][2:]))

    def _receipt(self, transaction: str) -> dict[str, Any]:
        """Anvil answers before it has mined."""
        for _ in range(5_000):
            if receipt := self.rpc.call("eth_getTransactionReceipt", transaction):
                return dict(receipt)
            time.sleep(0.001)
        raise TimeoutError(transaction)

    def now(self) -> int:
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def logs(self, first_block: int) -> Iterator[Any]:
        """What the token has logged from that block on."""
        wanted = {"address": self.token, "fromBlock": hex(first_block), "toBlock": "latest"}
        for raw in self.rpc.call("eth_getLogs", wanted):
            log = Log(
                raw["address"],
                [bytes.fromhex(topic[2:]) for topic in raw["topics"]],
                bytes.fromhex(raw["data"][2:]),
                int(raw["blockNumber"], 16),
                int(raw["logIndex"], 16),
                raw["transactionHash"],
            )
            event = codec("DepositToken").decode_log(log)
            if event is not None:
                yield event


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


@contextmanager
def world() -> Iterator[World]:
    """Deployed once; examples go back to its snapshot."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalAnvil() as anvil,
        backed_platform(
            anvil.connection(), LocalSigner.generate(), journal=Path(folder, "j.sqlite"), currencies=("USD",)
        ) as bank,
    ):
        signers, participants = {}, {}
        for name in "ABC":
            company = new_company(bank, deposit="1000.00")
            signer = company.session.signer
            assert isinstance(signer, LocalSigner)
            signers[f"{name}1"] = signer
            participants[name] = bank.participants.get(signer.address).id
        identity = bytes.fromhex(bank.participants.get(signers["A1"].address).identity_hash[2:])
        signers["A2"] = LocalSigner.generate()
        link = bank.acting(signers["A2"]).participants.wallet_link(identity)
        bank.participants.link_wallet(participants["A"], link, idempotency_key="second wallet").wait()
        record = bank.record
        made = World(
            Rpc(anvil.url),
            str(bank.session.wallet),
            record.contracts["ParticipantRegistry"].address,
            record.tokens["USD"].address,
            record.contracts["Settlement"].address,
            bank.connection.chain_id,
            {name: signer.address for name, signer in signers.items()},
            signers,
            participants,
            bank.session.domain("USD"),
        )
        made.rpc.call("anvil_autoImpersonateAccount", True)
        for payer in made.wallets.values():
            for spender in made.wallets.values():
                assert made.send(payer, "DepositToken", "approve", spender, 2**256 - 1) is None
        yield made


__all__ = ["World", "world"]
