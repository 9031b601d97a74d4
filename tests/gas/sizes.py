"""How large the code of each contract is that the platform puts on a chain."""

from __future__ import annotations

import json

from pyjpm.contracts.artifacts import FOLDER, names

STUB = 100  # bytes: a library whose functions all went into its users has less


def code_sizes() -> dict[str, int]:
    """Bytes of deployed code by contract, the largest first; from the artifacts that are shipped."""
    sizes = {}
    for name in names():
        code = json.loads((FOLDER / f"{name}.json").read_text())["deployedBytecode"]
        size = len(code.removeprefix("0x")) // 2
        if size > STUB:
            sizes[name] = size
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
