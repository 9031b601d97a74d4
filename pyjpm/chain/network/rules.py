"""What one node is asked, and what its answers mean for pyjpm.

Decisions that govern this module:

* Nothing is sent: what only a transaction would show is said to be unknown, with where to look.
* Cancun is executed, not believed: a call without an address runs its data as the code that creates a contract and
  returns what that code returns. Ours goes through PUSH0, MCOPY, TSTORE and TLOAD. Where nothing comes back it is run
  once more as code lent to an address for one call (Besu's ``eth_call`` takes state overrides as its third parameter).
* ``eth_syncing`` is not asked: it says ``false`` while a node is twenty blocks behind. Heads are compared instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pyjpm.chain.network.description import Description
from pyjpm.chain.network.findings import Finding, Level, found
from pyjpm.chain.network.genesis import validators_in
from pyjpm.chain.network.plan import MIN_VALIDATORS
from pyjpm.chain.network.probe import Probe
from pyjpm.errors.base import PyjpmError
from pyjpm.errors.chain import ChainError, NodeError, NodeUnauthorized

LAST_SLOW: Final = (26, 8, 0)
"""The last release whose choosing of transactions takes seconds under load since Shanghai."""

_MARK: Final = bytes.fromhex("70796a706d" + "00" * 26 + "01")
_RETURN_IT: Final = (
    b"\x7f" + _MARK + bytes.fromhex("5f52")  # mstore(0, mark), by push0
    + bytes.fromhex("60205f60205e")  # mcopy(32, 0, 32)
    + bytes.fromhex("6020515f5d")  # tstore(0, mload(32))
    + bytes.fromhex("5f5c604052")  # mstore(64, tload(0))
    + bytes.fromhex("60206040f3")  # return(64, 32)
)  # fmt: skip
_MARKED: Final = "0x" + _MARK.hex()
_SOMEWHERE: Final = "0x" + "70796a706d".rjust(40, "0")
_MAX_CODE: Final = 24_576  # EIP-170
_DANGEROUS: Final = frozenset({"admin", "debug", "miner", "perm", "plugins", "trace"})
_VERSION: Final = re.compile(r"besu/(?:[^/]+/)?v?(\d+)\.(\d+)(?:\.(\d+))?", re.IGNORECASE)
_BATCH: Final = 256
_UNBOUNDED_BATCH: Final = 1_025  # one more than Besu's default
_LEAST_GAS: Final = 30_000_000


@dataclass(slots=True)
class Seen:
    """What a node said, for comparing it with the others. None is not known."""

    probe: Probe
    chain_id: int | None = None
    client: str | None = None
    first_block: str | None = None
    validators: tuple[str, ...] | None = None
    findings: list[Finding] = field(default_factory=list)

    def note(self, name: str, level: Level, what: str, remedy: str = "") -> None:
        """Add a finding."""
        self.findings.append(found(name, self.probe.where, level, what, remedy))

    @property
    def besu(self) -> bool:
        """Whether it says it is Besu."""
        return (self.client or "").lower().startswith("besu/")


def ask_node(probe: Probe, expected: Description | None) -> Seen:
    """Ask everything that one node can answer at once. Its ``chain_id`` is None where it does not answer at all."""
    seen = Seen(probe)
    if not _reach(seen):
        return seen
    for rule in _RULES:
        guarded(seen, rule, expected)
    return seen


def guarded(seen: Seen, rule: Callable[[Seen, Description | None], None], expected: Description | None) -> None:
    """Apply a rule; what it cannot make sense of is a finding under its name."""
    name = rule.__name__.lstrip("_")
    try:
        rule(seen, expected)
    except NodeUnauthorized as refused:
        seen.note(
            name, Level.UNKNOWN, str(refused.message), "Use a token that permits this: see `pyjpm network token`."
        )
    except PyjpmError as error:
        seen.note(name, Level.FAIL, str(error.message), error.hint)
    except Exception as strange:  # the node is anything that answers; a check must end with what it saw
        seen.note(name, Level.FAIL, f"an answer that makes no sense ({type(strange).__name__})", _ENDPOINT)


_ENDPOINT: Final = "Check that this is an Ethereum JSON-RPC endpoint."


def _reach(seen: Seen) -> bool:
    try:
        seen.client = seen.probe.text("web3_clientVersion")
        seen.chain_id = seen.probe.quantity("eth_chainId")
    except ChainError as error:
        remedy = error.hint
        if isinstance(error, NodeUnauthorized):
            given = "It refuses this token" if seen.probe.has_token else "It wants a token"
            remedy = f"{given}: `pyjpm network token DIR > FILE`, then --jwt FILE."
        seen.note("reachable", Level.FAIL, error.message, remedy)
        return False
    except Exception as strange:  # as in `guarded`
        seen.note("reachable", Level.FAIL, f"an answer that makes no sense ({type(strange).__name__})", _ENDPOINT)
        return False
    seen.note("reachable", Level.OK, "answers")
    return True


def _client(seen: Seen, _: Description | None) -> None:
    client = seen.client or ""
    version = _VERSION.match(client)
    if not seen.besu:
        remedy = "For development only: production is Besu with QBFT (`pyjpm network init`)."
        seen.note("client", Level.WARN, client[:100], remedy)
    elif version is None:
        seen.note("client", Level.UNKNOWN, client[:100], "Its version cannot be read: it must be after 26.8.0.")
    else:
        old = tuple(int(part or 0) for part in version.groups()) <= LAST_SLOW
        remedy = "Use a release after 26.8.0: until then blocks take seconds to fill under load since Shanghai."
        seen.note("client", Level.WARN if old else Level.OK, client[:100], remedy)


def _chain_id(seen: Seen, expected: Description | None) -> None:
    wrong = expected is not None and seen.chain_id != expected.chain_id
    what = f"{seen.chain_id}, expected {expected.chain_id}" if wrong and expected else str(seen.chain_id)
    seen.note("chain_id", Level.FAIL if wrong else Level.OK, what, "This is another network: check the address.")


def _genesis(seen: Seen, expected: Description | None) -> None:
    block = seen.probe.block("0x0")
    if block is None:
        seen.note("genesis", Level.FAIL, "no first block", "The node has no chain: see its log.")
        return
    seen.first_block = str(block.get("hash")).lower()
    if expected is None:
        seen.note("genesis", Level.OK, seen.first_block)
        return
    said = {name: str(block.get(name)).lower() for name in expected.genesis}
    wrong = sorted(name for name in said if name != "hash" and said[name] != expected.genesis[name])
    # The base fee of the first block is a default of the client's; nothing reads it under zeroBaseFee.
    if [name for name in wrong if name != "baseFeePerGas"]:
        remedy = "The node was started with another genesis file: give it this network's, and an empty data folder."
        seen.note("genesis", Level.FAIL, f"{seen.first_block}: not as written in {', '.join(wrong)}", remedy)
    elif said["hash"] == expected.genesis["hash"]:
        seen.note("genesis", Level.OK, f"{seen.first_block}, as written")
    else:
        seen.note("genesis", Level.OK, f"{seen.first_block}: all as written, hashed in this client's own way")


def _cancun(seen: Seen, _: Description | None) -> None:
    remedy = 'Start a chain with "shanghaiTime": 0 and "cancunTime": 0: the contracts need it.'
    call = {"data": "0x" + _RETURN_IT.hex(), "gas": hex(200_000)}
    try:
        answer = seen.probe.text("eth_call", call, "latest")
    except NodeError as error:
        seen.note("cancun", Level.FAIL, f"mcopy does not run: {error.rpc_message[:100]}", remedy)
        return
    if answer.lower() != _MARKED:
        answer = _lent(seen.probe)
    if answer.lower() == _MARKED:
        seen.note("cancun", Level.OK, "push0, mcopy and transient storage run")
    else:
        seen.note("cancun", Level.UNKNOWN, f"mcopy ran and returned {answer[:20]!r}", "Deploy a contract to see.")


def _lent(probe: Probe) -> str:
    """What the code returns when an address has it for one call."""
    call, lent = {"to": _SOMEWHERE, "gas": hex(200_000)}, {_SOMEWHERE: {"code": "0x" + _RETURN_IT.hex()}}
    try:
        return probe.text("eth_call", call, "latest", lent)
    except NodeError:
        return "0x"


def _base_fee(seen: Seen, _: Description | None) -> None:
    block = seen.probe.block("latest")
    if block is None:
        raise seen.probe.strange("eth_getBlockByNumber")
    if "baseFeePerGas" not in block:
        seen.note("base_fee", Level.FAIL, "blocks have none: the chain is before London", "Start a chain of Cancun.")
        return
    fee, number = seen.probe.field(block, "baseFeePerGas"), seen.probe.field(block, "number")
    if fee and number == 0:
        seen.note("base_fee", Level.UNKNOWN, f"{fee} wei in the first block; there is no other yet", "Ask again later.")
        return
    remedy = 'Set "zeroBaseFee": true in the genesis file (Anvil: --base-fee 0): pyjpm signs no fees.'
    seen.note("base_fee", Level.FAIL if fee else Level.OK, f"{fee} wei", remedy)


def _gas_price(seen: Seen, _: Description | None) -> None:
    price = seen.probe.quantity("eth_gasPrice")
    level = Level.OK if not price else Level.FAIL if seen.besu else Level.WARN
    remedy = "Set --min-gas-price=0 on every node." if seen.besu else "Only what it recommends; pyjpm signs zero fees."
    seen.note("gas_price", level, f"{price} wei", remedy)


def _gas_limit(seen: Seen, expected: Description | None) -> None:
    block = seen.probe.block("latest")
    if block is None:
        raise seen.probe.strange("eth_getBlockByNumber")
    limit, wanted = seen.probe.field(block, "gasLimit"), expected.gas_limit if expected else _LEAST_GAS
    other = limit != wanted if expected else limit < wanted
    remedy = f"{'As written it is' if expected else 'Give blocks at least'} {wanted:,}: batches may not fit."
    seen.note("gas_limit", Level.WARN if other else Level.OK, f"{limit:,} a block", remedy)


def _code_size(seen: Seen, _: Description | None) -> None:
    fits, above = (_creates(seen.probe, size) for size in (_MAX_CODE, _MAX_CODE + 1))
    if not fits:
        seen.note("code_size", Level.FAIL, f"a contract of {_MAX_CODE:,} bytes is refused", "Raise contractSizeLimit.")
    elif above:
        remedy = "Contracts that deploy here may not elsewhere: leave contractSizeLimit out of the genesis file."
        seen.note("code_size", Level.WARN, f"contracts above {_MAX_CODE:,} bytes pass", remedy)
    else:
        seen.note("code_size", Level.OK, f"contracts of up to {_MAX_CODE:,} bytes (EIP-170)")


def _creates(probe: Probe, size: int) -> bool:
    code = b"\x62" + size.to_bytes(3, "big") + bytes.fromhex("5ff3")  # return(0, size)
    try:
        probe.ask("eth_call", {"data": "0x" + code.hex(), "gas": hex(6_000_000)}, "latest")
    except NodeError:
        return False
    return True


def _validators(seen: Seen, expected: Description | None) -> None:
    named = _asked_validators(seen.probe)
    if named is None:
        block = seen.probe.block("latest")
        named = validators_in(seen.probe.extra_data(block)) if block else None
    if not named:
        remedy = "For development only: its blocks are not final. Production is QBFT with four validators or more."
        seen.note("validators", Level.FAIL, "no QBFT chain: blocks name no validators", remedy)
        return
    seen.validators = tuple(sorted(named))
    if len(named) < MIN_VALIDATORS:
        remedy = "Vote in more validators: fewer than four do not outlive a dead one."
        seen.note("validators", Level.FAIL, f"{len(named)}", remedy)
    elif expected and frozenset(named) != expected.validators():
        remedy = "Were they changed by vote? Then this is right, and the folder's description is of another day."
        seen.note("validators", Level.WARN, f"{len(named)}, not those the network started with", remedy)
    else:
        seen.note("validators", Level.OK, f"{len(named)}")


def _asked_validators(probe: Probe) -> list[str] | None:
    """By the API that only validators serve here; blocks say the same."""
    try:
        answer = probe.ask("qbft_getValidatorsByBlockNumber", "latest")
    except (NodeError, NodeUnauthorized):
        return None
    if not isinstance(answer, list) or not all(isinstance(address, str) for address in answer):
        raise probe.strange("qbft_getValidatorsByBlockNumber")
    return [address.lower() for address in answer]


def _peers(seen: Seen, expected: Description | None) -> None:
    try:
        peers = seen.probe.quantity("net_peerCount")
    except NodeError as error:
        remedy = "A development chain has none; on Besu switch NET on (--rpc-http-api)."
        seen.note("peers", Level.FAIL, f"does not say: {error.rpc_message[:100]}", remedy)
        return
    wanted = len(expected.nodes) - 1 if expected else MIN_VALIDATORS - 1
    level = Level.OK if peers >= wanted else Level.WARN if peers > 1 else Level.FAIL
    remedy = "See that its peers run, reach its p2p port, and list it at the very address it comes from."
    seen.note("peers", level, f"{peers} of {wanted}{'' if expected else ' or more'}", remedy)


def _pool(seen: Seen, expected: Description | None) -> None:
    if not seen.besu:
        seen.note("pool", Level.UNKNOWN, "not Besu's", "Its limits are not known to this check.")
        return
    said = seen.probe.ask("txpool_besuStatistics")
    if not isinstance(said, dict):
        raise seen.probe.strange("txpool_besuStatistics")
    size, local, remote = (said.get(name) for name in ("maxSize", "localCount", "remoteCount"))
    sequenced = expected is None or expected.pool == "sequenced"
    small = sequenced and isinstance(size, int) and 0 <= size < 20_000
    remedy = "Set --tx-pool-max-size=20000 on every node: a full pool drops transactions."
    seen.note("pool", Level.WARN if small else Level.OK, f"room for {size}, {local} local, {remote} remote", remedy)


def _batch_limit(seen: Seen, expected: Description | None) -> None:
    wanted = expected.batch_limit if expected else _BATCH
    if not seen.probe.batch(wanted):
        remedy = f"Set --rpc-http-max-batch-size={wanted}."
        seen.note("batch_limit", Level.FAIL, f"{wanted} requests at once are refused", remedy)
    elif seen.probe.batch(_UNBOUNDED_BATCH):
        remedy = "Set --rpc-http-max-batch-size=256: one client could occupy the node."
        seen.note("batch_limit", Level.WARN, f"{_UNBOUNDED_BATCH:,} requests at once are answered", remedy)
    else:
        seen.note("batch_limit", Level.OK, f"{wanted} requests at once, not {_UNBOUNDED_BATCH:,}")


def _authentication(seen: Seen, _: Description | None) -> None:
    try:
        seen.probe.without_token().ask("eth_chainId")
    except NodeUnauthorized:
        seen.note("authentication", Level.OK, "asks for a token")
        return
    # Given a token, this is taken for a node that should ask for one.
    level = Level.FAIL if seen.probe.has_token else Level.WARN
    remedy = "Set --rpc-http-authentication-enabled with a public key file: whoever reaches the port may use the node."
    seen.note("authentication", level, "answers without a token", remedy)


def _encryption(seen: Seen, _: Description | None) -> None:
    if seen.probe.encrypted:
        seen.note("encryption", Level.OK, "TLS")
    elif seen.probe.on_this_machine:
        seen.note("encryption", Level.OK, "none, within this machine")
    else:
        remedy = "Set --rpc-http-tls-enabled with a keystore: tokens pass in clear."
        seen.note("encryption", Level.WARN, "none", remedy)


def _apis(seen: Seen, _: Description | None) -> None:
    try:
        said = seen.probe.ask("rpc_modules")
    except NodeError:
        seen.note("apis", Level.UNKNOWN, "it does not say which it serves", "See --rpc-http-api.")
        return
    names = {str(name).lower() for name in said} if isinstance(said, dict) else set()
    open_ones = sorted(names & _DANGEROUS)
    remedy = "Serve applications ETH,NET,WEB3,TXPOOL only (--rpc-http-api), and operators on the node's own machine."
    what = f"serves {', '.join(sorted(names)) or 'none'}"
    seen.note("apis", Level.WARN if open_ones and not seen.probe.on_this_machine else Level.OK, what, remedy)


def _unseen(seen: Seen, _: Description | None) -> None:
    for name, what, where in _NOT_TO_BE_SEEN:
        seen.note(name, Level.UNKNOWN, what, where)


_NOT_TO_BE_SEEN: Final = (
    (
        "zero_fee_sending",
        "whether a transaction without a fee is mined: only one that is sent shows it",
        "Base fee and gas price of 0 speak for it; the first `Platform.deploy` proves it.",
    ),
    (
        "future_nonces",
        "how far ahead of its mined nonce a sender may be",
        "See --tx-pool-limit-by-account-percentage (sequenced; by default 5 nonces) or --tx-pool-max-future-by-sender.",
    ),
    (
        "replay_protection",
        "whether transactions without a chain id are refused",
        "See --strict-tx-replay-protection-enabled; pyjpm signs none.",
    ),
    (
        "allowed_senders",
        "which accounts may send through this node",
        "See its accounts permission file; a sender that is not in it is answered -32007.",
    ),
)


_RULES: Final[tuple[Callable[[Seen, Description | None], None], ...]] = (
    _client,
    _chain_id,
    _genesis,
    _cancun,
    _base_fee,
    _gas_price,
    _gas_limit,
    _code_size,
    _validators,
    _peers,
    _pool,
    _batch_limit,
    _authentication,
    _encryption,
    _apis,
    _unseen,
)
