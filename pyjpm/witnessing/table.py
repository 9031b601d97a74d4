"""Every state-changing function of our contracts: its operation id and its witness, or why it needs none."""

from __future__ import annotations

from typing import Final

from pyjpm.witnessing import payments

ALL: Final = (*payments.DESCRIBED,)

TABLE: Final = {(each.artifact, each.function, len(each.parameters)): each for each in ALL}
FACES: Final = {key: each.parameters for key, each in TABLE.items()}
