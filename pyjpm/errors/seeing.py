"""What can go wrong while a chain is watched: through several nodes, block by block, event by event.

Decisions that govern this module:

* None of these says anything about a transaction. They say that nothing may be concluded from what was seen.
"""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.chain import ChainError


class ViewBehind(ChainError):
    """No reachable node is as far as the chain is known to be; what such a node shows may lack what happened.

    Details: ``at_least`` (height), ``highest`` (height reached, None where no node answered), ``nodes`` (each with
    what it said: a height, or the code of its failure).
    """

    code: ClassVar[str] = "VIEW_BEHIND"
    hint: ClassVar[str] = "Wait until a node has caught up; check the nodes that cannot be reached."


class NodesDisagree(ChainError):
    """Two nodes show different blocks at one height: nothing is concluded from either.

    Details: ``block`` (height), ``nodes`` (each with its hash).
    """

    code: ClassVar[str] = "NODES_DISAGREE"
    hint: ClassVar[str] = "Passing while a node reorganises; if it stays, the network has split: find the wrong node."


class ChainMoved(ChainError):
    """The chain changed between two requests that have to fit together. Details: ``block`` (height)."""

    code: ClassVar[str] = "CHAIN_MOVED"
    hint: ClassVar[str] = "Ask again."


class ReorgTooDeep(ChainError):
    """The chain replaced more blocks than are remembered: where it left the one we know cannot be told.

    Details: ``block`` (the last one consumed), ``depth`` (how many blocks were compared).
    """

    code: ClassVar[str] = "REORG_TOO_DEEP"
    hint: ClassVar[str] = (
        "Under QBFT this cannot happen: check that this is the right network. Else read everything anew from the start."
    )
