"""The first block: what all nodes must agree on before they start.

Decisions that govern this module:

* The keys are those of Besu's documentation ("Genesis file items", "Configure QBFT consensus"); no key is here that it
  does not name. No ``contractSizeLimit``: EIP-170 stays, so contracts that deploy here deploy anywhere.
* ``extraData`` is RLP [32 zero bytes, validators sorted, [], empty, []] (``QbftExtraDataCodec``: vanity, validators,
  votes, round 0, seals).
* One account has money, the rescue account. With a single account the state's tree is one leaf, so the state root, and
  with it the block's hash, is computed here without a trie library.
* The hash: Besu hashes a QBFT block without its seals and with round 0 (``QbftExtraDataCodec``,
  EXCLUDE_COMMIT_SEALS_AND_ROUND_NUMBER), which for the first block is ``extraData`` as it stands. Where the file says
  nothing the header has Besu's defaults: base fee 1 gwei (``GenesisConfig.getGenesisBaseFeePerGas``; the zero base fee
  holds from block 1), no blob gas, and the empty roots (``GenesisState.buildHeader``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import rlp
from eth_utils.crypto import keccak

from pyjpm.chain.network.plan import NetworkPlan

# "ctical byzantine fault tolerance": marks a chain of Istanbul's family (docs, Configure QBFT consensus).
ISTANBUL_MIX_HASH: Final = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
TIMESTAMP: Final = 0x58EE40BA  # that of the examples in Besu's QBFT tutorial: any past time does
EPOCH_LENGTH: Final = 30_000
DIFFICULTY: Final = 1
BASE_FEE: Final = 1_000_000_000
RESCUE_WEI: Final = 10**24  # a million ether: pays for any jammed transaction, and nothing else here costs anything

_EMPTY_TRIE: Final = keccak(rlp.encode(b""))
_NO_OMMERS: Final = keccak(rlp.encode([]))
_NO_CODE: Final = keccak(b"")
_VANITY: Final = bytes(32)


def extra_data(validators: Sequence[str]) -> bytes:
    """The validators of the first block, as QBFT has them. ``validators`` are 0x-addresses in any order."""
    addresses = sorted(bytes.fromhex(address.removeprefix("0x")) for address in validators)
    return bytes(rlp.encode([_VANITY, addresses, [], b"", []]))


def validators_in(extra: bytes) -> list[str] | None:
    """The validators a block's ``extraData`` names, 0x-lower-case; None where it is not QBFT's."""
    try:
        parts = rlp.decode(extra)
    except rlp.DecodingError:
        return None
    if not isinstance(parts, (list, tuple)) or len(parts) != 5 or not isinstance(parts[1], (list, tuple)):
        return None
    if not all(isinstance(address, bytes) and len(address) == 20 for address in parts[1]):
        return None
    return ["0x" + address.hex() for address in parts[1]]


def genesis(plan: NetworkPlan, validators: Sequence[str], rescue: str) -> dict[str, Any]:
    """The genesis file.

    Args:
        validators: 0x-addresses.
        rescue: address of the account that has money.
    """
    return {
        "config": {
            "chainId": plan.chain_id,
            "berlinBlock": 0,
            "londonBlock": 0,
            "shanghaiTime": 0,
            "cancunTime": 0,
            "zeroBaseFee": True,
            "qbft": {
                "blockperiodseconds": plan.block_period,
                "requesttimeoutseconds": plan.request_timeout,
                "epochlength": EPOCH_LENGTH,
            },
        },
        "nonce": "0x0",
        "timestamp": hex(TIMESTAMP),
        "gasLimit": hex(plan.gas_limit),
        "difficulty": hex(DIFFICULTY),
        "mixHash": ISTANBUL_MIX_HASH,
        "coinbase": "0x" + "00" * 20,
        "extraData": "0x" + extra_data(validators).hex(),
        "alloc": {rescue.lower().removeprefix("0x"): {"balance": hex(RESCUE_WEI)}},
    }


def state_root(rescue: str, balance: int = RESCUE_WEI) -> bytes:
    """The root of a state with this one account: the hash of a single leaf, whose path is the whole hashed address."""
    account = rlp.encode([0, balance, _EMPTY_TRIE, _NO_CODE])
    path = b"\x20" + keccak(bytes.fromhex(rescue.removeprefix("0x")))  # 2: a leaf; 0: an even number of nibbles
    return keccak(rlp.encode([path, account]))


def header(plan: NetworkPlan, validators: Sequence[str], rescue: str) -> dict[str, Any]:
    """The first block's header as a node shows it in ``eth_getBlockByNumber``, its hash included."""
    extra, root = extra_data(validators), state_root(rescue)
    fields: list[bytes | int] = [
        bytes(32),
        _NO_OMMERS,
        bytes(20),
        root,
        _EMPTY_TRIE,
        _EMPTY_TRIE,
        bytes(256),
        DIFFICULTY,
        0,
        plan.gas_limit,
        0,
        TIMESTAMP,
        extra,
        bytes.fromhex(ISTANBUL_MIX_HASH[2:]),
        bytes(8),
        BASE_FEE,
        _EMPTY_TRIE,  # of withdrawals, since Shanghai
        0,  # blob gas used, since Cancun
        0,  # excess blob gas
        bytes(32),  # parent beacon block root
    ]
    return {
        "hash": "0x" + keccak(rlp.encode(fields)).hex(),
        "stateRoot": "0x" + root.hex(),
        "extraData": "0x" + extra.hex(),
        "mixHash": ISTANBUL_MIX_HASH,
        "gasLimit": hex(plan.gas_limit),
        "timestamp": hex(TIMESTAMP),
        "difficulty": hex(DIFFICULTY),
        "baseFeePerGas": hex(BASE_FEE),
    }
