"""The first block is what Besu would make of the genesis file, by code of other people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rlp
from eth.vm.forks.cancun.headers import CancunBlockHeader
from eth_utils import keccak
from trie import HexaryTrie

from pyjpm.chain.network import NetworkPlan, read_description
from pyjpm.chain.network.genesis import RESCUE_WEI, extra_data, genesis, header, state_root, validators_in

# Besu's documentation, "Configure QBFT consensus": its example genesis file.
DOCUMENTED = (
    "f87aa00000000000000000000000000000000000000000000000000000000000000000f8549464a702e6263b7297a96638cac6ae65e6541f4169"
    "943923390ad55e90c237593b3b0e401f3b08a0318594aefdb9a738c9f433e5b6b212a6d62f6370c2f69294c7eeb9a4e00ce683cf93039b2126"
    "48e01c6c6b78c080c0"
)
DOCUMENTED_VALIDATORS = [
    "0x64a702e6263b7297a96638cac6ae65e6541f4169",
    "0x3923390ad55e90c237593b3b0e401f3b08a03185",
    "0xaefdb9a738c9f433e5b6b212a6d62f6370c2f692",
    "0xc7eeb9a4e00ce683cf93039b212648e01c6c6b78",
]
ADDRESSES = ["0x" + f"{number:02x}" * 20 for number in (9, 3, 200, 17)]
RESCUE = "0x" + "ab" * 20


def test_extra_data_of_the_documented_example_reads_as_its_validators() -> None:
    assert validators_in(bytes.fromhex(DOCUMENTED)) == DOCUMENTED_VALIDATORS


def test_extra_data_is_the_documented_example_for_its_validators_but_for_their_order() -> None:
    # The example is not sorted; ours is.
    as_documented, as_ours = (
        "".join(f"94{address[2:]}" for address in addresses)
        for addresses in (DOCUMENTED_VALIDATORS, sorted(DOCUMENTED_VALIDATORS))
    )
    assert DOCUMENTED.count(as_documented) == 1
    assert extra_data(DOCUMENTED_VALIDATORS).hex() == DOCUMENTED.replace(as_documented, as_ours)


def test_extra_data_has_the_five_parts() -> None:
    vanity, validators, votes, round_number, seals = rlp.decode(extra_data(ADDRESSES))
    assert vanity == bytes(32)
    assert list(validators) == sorted(bytes.fromhex(address[2:]) for address in ADDRESSES)
    assert (list(votes), round_number, list(seals)) == ([], b"", [])


@pytest.mark.parametrize("extra", [b"", b"\x01", b"anvil", bytes(32), rlp.encode([b"", [b"short"], [], b"", []])])
def test_what_is_not_qbft_has_no_validators(extra: bytes) -> None:
    assert validators_in(extra) is None


def test_the_state_root_is_that_of_a_trie() -> None:
    trie = HexaryTrie({})
    account = rlp.encode([0, RESCUE_WEI, trie.root_hash, keccak(b"")])
    trie.set(keccak(bytes.fromhex(RESCUE[2:])), account)
    assert state_root(RESCUE) == trie.root_hash


def test_the_hash_is_that_of_a_cancun_header() -> None:
    ours = header(NetworkPlan(chain_id=4242), ADDRESSES, RESCUE)
    theirs = CancunBlockHeader(
        difficulty=1,
        block_number=0,
        gas_limit=100_000_000,
        timestamp=int(ours["timestamp"], 16),
        state_root=state_root(RESCUE),
        extra_data=extra_data(ADDRESSES),
        mix_hash=bytes.fromhex(ours["mixHash"][2:]),
        nonce=bytes(8),
        base_fee_per_gas=10**9,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=bytes(32),
    )
    assert ours["hash"] == "0x" + theirs.hash.hex()


def test_the_genesis_file_has_documented_keys_only_and_the_values_that_ran() -> None:
    plan = NetworkPlan(chain_id=77, block_period=2, request_timeout=6, gas_limit=50_000_000)
    made = genesis(plan, ADDRESSES, RESCUE)
    assert made.pop("config") == {
        "chainId": 77,
        "berlinBlock": 0,
        "londonBlock": 0,
        "shanghaiTime": 0,
        "cancunTime": 0,
        "zeroBaseFee": True,
        "qbft": {"blockperiodseconds": 2, "requesttimeoutseconds": 6, "epochlength": 30_000},
    }
    assert made.pop("alloc") == {"ab" * 20: {"balance": hex(10**24)}}
    assert int(made.pop("gasLimit"), 16) == 50_000_000
    assert made.pop("extraData") == "0x" + extra_data(ADDRESSES).hex()
    assert made == {
        "nonce": "0x0",
        "timestamp": "0x58ee40ba",
        "difficulty": "0x1",
        "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365",
        "coinbase": "0x" + "00" * 20,
    }


def test_every_node_starts_from_the_same_first_block_as_described(network: Path) -> None:
    described = read_description(network)
    files = [path.read_text() for path in sorted(network.rglob("genesis.json"))]
    assert len(files) == 7
    assert len(set(files)) == 1
    made = json.loads(files[0])
    assert made["config"]["chainId"] == described.chain_id
    assert made["extraData"] == described.genesis["extraData"]
    assert validators_in(bytes.fromhex(made["extraData"][2:])) == sorted(described.validators())


def test_chain_ids_are_random_and_plain() -> None:
    ids = {NetworkPlan().chain_id for _ in range(20)}
    assert len(ids) == 20
    assert all(10**9 <= chain_id < 2**31 for chain_id in ids)
