"""A chain in this process, on virtual time, that misbehaves as real ones do: for thousands of histories.

    from chains.model import BESU, Fault, Network

    network = Network(seed=7, nodes=2, manners=BESU)          # 2 reachable nodes, 4 validators, tokens EUR and USD
    payer = network.onboard([lane.address for lane in lanes], balances={"EUR": 10**9})
    payee = network.onboard([wallet], balances={})
    with network.clock.driving():                              # time.sleep in pyjpm is virtual from here on
        connection = network.connection(0)                     # or Connection.open(network.provider(0), max_retries=0)
        nodes = Nodes([network.connection(i) for i in range(2)], parallel=False, clock=network.clock)
        network.disturb({Fault.DROP_RESPONSE: 0.05, Fault.DELAY: 0.05}, until=60.0)
        network.wires[0].order(Fault.WRONG_HASH, "eth_sendRawTransaction")
        network.restart(1, down=3, behind=6, forgets=0.5)      # takes transactions, forgets them, then -32002
        network.stop(2); network.stop(3)                       # two of four validators: no block any more
        network.clock.sleep(120)
        network.start(2)                                       # the next block waits for the end of a long round
        network.mute(1, 5); network.stop(1, saves_pool=True)   # it alone may hold bytes, and comes back with them
        network.freeze(payee); network.limit(payer, "EUR", 0)  # with the next block, as the bank's acts would
        Thief(network, key).send_to_self(nonce=3)              # somebody else has a lane's key
        ...                                                    # drive the engine; network.clock is its clock
    truth = network.judge_view()                               # transactions, payments, references, living bytes
    network.digest()                                           # equal for equal seeds

One thread only: time passes by this clock alone. Reachable nodes are 0 to ``nodes - 1``; the others are validators
whose pools nobody can ask. ``manners`` has every manner with its number; ``network`` what can be done to nodes,
``bank`` to participants and money, ``wire`` to requests; ``thief`` misuses keys.
"""

from chains.model.clock import VirtualClock
from chains.model.judge import JudgeView, Living, MinedTransaction, Payment
from chains.model.manners import ANVIL, BESU, BESU_LAYERED, GETH, Manners, Pool, RpcError
from chains.model.network import Network, hash_of
from chains.model.provider import NodeProvider
from chains.model.thief import Thief
from chains.model.transactions import sign
from chains.model.wire import Fault, Wire

__all__ = [
    "ANVIL",
    "BESU",
    "BESU_LAYERED",
    "GETH",
    "Fault",
    "JudgeView",
    "Living",
    "Manners",
    "MinedTransaction",
    "Network",
    "NodeProvider",
    "Payment",
    "Pool",
    "RpcError",
    "Thief",
    "VirtualClock",
    "Wire",
    "hash_of",
    "sign",
]
