"""A JSON-RPC proxy that misbehaves, over real HTTP, in front of a real Anvil.

    with LocalAnvil(mining="none") as anvil, Proxy(anvil.url, seed=7, nodes=2, manners=BESU, second=0.1) as proxy:
        connection = proxy.connection(0)                      # or Connection.open(proxy.urls[0])
        proxy.disturb({Fault.RESET_AFTER: 0.1, Fault.DUPLICATE: 0.1})
        proxy.order(Fault.WRONG_HASH, "eth_sendRawTransaction")
        proxy.restart(1, down=2, behind=5, forgets=1)         # takes transactions, forgets them, then -32002
        proxy.lag(1, blocks=20)                               # and eth_syncing says false
        proxy.lose_quorum(seconds=120)                        # no block for two minutes, and then some
        proxy.roll_back(2)
        ...

Each presented node has a port and a wire of its own; ``second`` is how long a second of the chain takes, so that two
minutes need not last two minutes. ``manners`` has Besu's manners by their numbers; with ``ANVIL`` Anvil's own answers
come through and only the wire, the views and the blocks misbehave. Everything random comes from ``seed``, which is
printed with what happened when a ``with`` block fails.
"""

from chains.proxy.manners import ANVIL, BESU, BESU_LAYERED, Manners, PoolKind
from chains.proxy.proxy import Proxy
from chains.proxy.wire import Fault

__all__ = ["ANVIL", "BESU", "BESU_LAYERED", "Fault", "Manners", "PoolKind", "Proxy"]
