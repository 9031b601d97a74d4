"""The one way to a chain.

Decisions that govern this module:

* Reads are repeated on transport faults. A send may be repeated too, because it only ever sends the same signed
  bytes; nothing here signs, prices or numbers a transaction.
* Blocks carry more extraData than web3 allows (Besu: 327 bytes with four validators), so web3's proof-of-authority
  middleware is always in.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers import BaseProvider

from pyjpm.chain.broadcast import ClientKind, SendAnswer, answer_of
from pyjpm.chain.raw import RawTransaction, check_raw, decode_raw, gas_limit_too_high
from pyjpm.chain.reading import BATCH, ChainReader
from pyjpm.chain.rpc import Rpc
from pyjpm.chain.transport import HttpProvider
from pyjpm.chain.values import check_hash, to_head, to_int
from pyjpm.errors.chain import NodeBadAnswer, NodeError, TransportFault, WrongChain


class Connection(ChainReader):
    """A chain as seen through one node.

    Threads: one Connection may be used by any number of threads; HTTP connections are pooled. Forks: it may be used on
    both sides of a fork; the child makes connections of its own. (A LocalTester lives in one process only.)

    Attributes:
        web3: the way down, over the same provider; its requests are not repeated, and revert as web3 does.
        chain_id, genesis_hash, client_version, kind: read once, when opened.
    """

    def __init__(self, rpc: Rpc, *, chain_id: int, genesis_hash: str, client_version: str) -> None:
        super().__init__(rpc, ClientKind.of(client_version))
        self.web3 = rpc.web3
        self.chain_id = chain_id
        self.genesis_hash = genesis_hash
        self.client_version = client_version
        self._block_gas_limit = 0

    @classmethod
    def open(
        cls,
        node: str | BaseProvider | Web3,
        *,
        chain_id: int | None = None,
        genesis_hash: str | None = None,
        timeout: float = 10.0,
        max_retries: int = 3,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Connection:
        """Connect to a node and make sure it is on the right chain.

        Args:
            node: http(s) URL, a web3 provider, or a Web3 whose provider is used.
            chain_id, genesis_hash: what the chain must have; None accepts any.
            timeout: seconds for one attempt, and for a block to be served once announced.
            max_retries: how often a read, or a send of the same bytes, is repeated after a transport fault.
            headers: sent with every HTTP request (URL only), such as Authorization.
            tls: for https URLs: trusted authorities and client certificate; None is the system's trust.

        Raises:
            InvalidNodeUrl, NodeUnreachable, NodeTimeout, HostNotAllowed, NodeUnauthorized, NodeBadAnswer, WrongChain.
        """
        if isinstance(node, str):
            provider: Any = HttpProvider(node, timeout=timeout, headers=headers, tls=tls)
        else:
            provider = node.provider if isinstance(node, Web3) else node
        web3 = Web3(provider)
        web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        rpc = Rpc(web3, timeout=timeout, max_retries=max_retries)
        connection = cls(
            rpc,
            chain_id=to_int(rpc.read("eth_chainId")),
            genesis_hash=_genesis_hash(rpc),
            client_version=str(rpc.read("web3_clientVersion")),
        )
        connection.expect(chain_id=chain_id, genesis_hash=genesis_hash)
        return connection

    def __repr__(self) -> str:
        return f"Connection({self._rpc.where}, chain_id={self.chain_id}, {self.kind})"

    @property
    def where(self) -> str:
        """The node's address in its public form."""
        return self._rpc.where

    def socket_address(self) -> tuple[str, dict[str, str], ssl.SSLContext | None] | None:
        """URL, headers and TLS of a WebSocket at the node's address; None where it is not reached by HTTP.

        Whether the node serves one is to be tried. URL and headers may hold credentials.
        """
        provider = self.web3.provider
        return provider.socket_address() if isinstance(provider, HttpProvider) else None

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Connection:
        """A light copy over the same connections with another timeout (seconds) or number of retries."""
        rpc = self._rpc.with_options(timeout=timeout, max_retries=max_retries)
        return Connection(
            rpc, chain_id=self.chain_id, genesis_hash=self.genesis_hash, client_version=self.client_version
        )

    def expect(self, *, chain_id: int | None = None, genesis_hash: str | None = None) -> None:
        """Raises WrongChain unless this is the chain described; None accepts any."""
        wanted: list[tuple[str, Any, Any]] = [("chain_id", chain_id, self.chain_id)]
        if genesis_hash is not None:
            wanted.append(("genesis_hash", check_hash(genesis_hash), self.genesis_hash))
        for what, expected, actual in wanted:
            if expected is not None and expected != actual:
                raise WrongChain(
                    f"The node at {self._rpc.where} has {what} {actual}, expected {expected}.",
                    what=what,
                    expected=expected,
                    actual=actual,
                )

    def verify(self) -> None:
        """Ask the node anew which chain it is on: behind an address there may be another one after it was away.

        Raises WrongChain, and what a read raises.
        """
        actual = Connection(
            self._rpc,
            chain_id=to_int(self._rpc.read("eth_chainId")),
            genesis_hash=_genesis_hash(self._rpc),
            client_version=self.client_version,
        )
        actual.expect(chain_id=self.chain_id, genesis_hash=self.genesis_hash)

    # --- sending ---------------------------------------------------------------------------------------------------

    def send_raw(self, raw: bytes) -> SendAnswer:
        """Send signed bytes; the answer is a class, never a proof (see ``broadcast``).

        The same bytes may be sent any number of times, and are sent again here after transport faults. Whatever the
        answer, only a receipt for ``tx_hash`` or contract state says whether the transaction landed.

        Raises before anything is sent: MalformedTransaction, UnprotectedTransaction, WrongChain, NonZeroFee,
        GasLimitTooHigh. Raises HostNotAllowed, NodeUnauthorized where the node refuses us as such.
        """
        tx_hash = self._checked(raw).hash
        try:
            answer = self._rpc.read("eth_sendRawTransaction", "0x" + raw.hex())
        except (NodeError, TransportFault, NodeBadAnswer) as failure:
            answer = failure
        return answer_of(self.kind, tx_hash, answer)

    def send_raw_many(self, raws: Sequence[bytes]) -> list[SendAnswer]:
        """As ``send_raw`` for many, in order, by JSON-RPC batches; nothing is sent if one is refused beforehand."""
        hashes = [self._checked(raw).hash for raw in raws]
        answers: list[SendAnswer] = []
        for start in range(0, len(raws), BATCH):
            part, names = raws[start : start + BATCH], hashes[start : start + BATCH]
            try:
                answers += self.send_batch(part, names)
            except NodeError as error:
                # The batch was refused as a whole: its code says nothing about any one transaction.
                answers += [answer_of(self.kind, tx_hash, NodeBadAnswer(error.message)) for tx_hash in names]
            except (TransportFault, NodeBadAnswer) as fault:
                answers += [answer_of(self.kind, tx_hash, fault) for tx_hash in names]
        return answers

    def send_batch(self, raws: Sequence[bytes], tx_hashes: Sequence[str]) -> list[SendAnswer]:
        """Send bytes that were checked already, whose hashes these are, in one JSON-RPC batch.

        Raises what fails the batch as a whole: TransportFault, NodeBadAnswer, NodeError (too many in one batch),
        HostNotAllowed, NodeUnauthorized. None of them says that nothing was taken.
        """
        calls = [("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws]
        answers = self._rpc.repeat(partial(self._rpc.batch, calls), "send")
        return [answer_of(self.kind, tx_hash, answer) for tx_hash, answer in zip(tx_hashes, answers, strict=True)]

    def development_request(self, method: str, *params: Any) -> Any:
        """One attempt at a method that only development chains have, such as ``evm_mine``. Raises NodeError."""
        return self._rpc.ask(method, *params)

    def _checked(self, raw: bytes) -> RawTransaction:
        transaction = decode_raw(raw)
        check_raw(transaction, chain_id=self.chain_id)
        if transaction.gas > self._block_gas_limit:
            # Read when needed and kept: a chain's gas limit hardly moves, and a lower one is met by the node itself.
            self._block_gas_limit = self.block("latest").gas_limit
            if transaction.gas > self._block_gas_limit:
                raise gas_limit_too_high(transaction, self._block_gas_limit)
        return transaction


def _genesis_hash(rpc: Rpc) -> str:
    genesis = rpc.read("eth_getBlockByNumber", "0x0", False)
    if genesis is None:
        raise NodeBadAnswer(f"{rpc.where} has no genesis block.", url=rpc.where)
    return to_head(genesis).hash
