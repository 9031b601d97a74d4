"""Every state-changing function of our contracts: its operation id and its witness, or why it needs none."""

from __future__ import annotations

from typing import Final

from pyjpm.witnessing import (
    assets,
    attesters,
    compliance,
    deposits,
    governance,
    holds,
    order_table,
    payments,
    registry,
    reserve,
    rules,
    settings,
    trades,
    upkeep,
)

ALL: Final = tuple(
    each
    for area in (
        payments,
        deposits,
        holds,
        settings,
        compliance,
        order_table,
        trades,
        rules,
        registry,
        governance,
        reserve,
        attesters,
        assets,
        upkeep,
    )
    for each in area.DESCRIBED
)

TABLE: Final = {(each.artifact, each.function, len(each.parameters)): each for each in ALL}
FACES: Final = {key: each.parameters for key, each in TABLE.items()}
