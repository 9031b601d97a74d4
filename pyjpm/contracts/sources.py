"""What the artifacts are made of: sources, settings and compiler, and the key that stands for all three.

Decisions:

* One pinned compiler version and one set of settings; every bytecode of a release comes from them.
* The key covers the content of every file that reaches the compiler, libraries included, so another release of a
  library makes the artifacts stale too. Computing it needs no compiler.
* A source is named as Solidity imports it: ``contracts/DepositToken.sol``, ``@openzeppelin/contracts/…``.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pyjpm.errors.artifacts import SourcesMissing

SOLC_VERSION: Final = "0.8.37"

# cancun, because OpenZeppelin 5 uses mcopy. Without the metadata hash a comment does not change the bytecode.
SETTINGS: Final[Mapping[str, Any]] = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": False,
    "metadata": {"bytecodeHash": "none"},
}

OWN_PREFIX: Final = "contracts/"

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(r"""^\s*import\b[^;"']*["']([^"']+)["'][^;]*;""", re.MULTILINE)


def project_root() -> Path:
    """The checkout this package runs from.

    Raises:
        SourcesMissing: the package was installed without its sources.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / OWN_PREFIX).is_dir():
        raise SourcesMissing("No Solidity sources stand beside this package.", looked_in=str(root))
    return root


def gather(root: Path) -> dict[str, str]:
    """Every source that reaches the compiler, by name: ours, what they import, and what that imports.

    Raises:
        SourcesMissing: a file is not there.
    """
    ours = sorted(path.relative_to(root).as_posix() for path in (root / OWN_PREFIX).rglob("*.sol"))
    if not ours:
        raise SourcesMissing("There is no Solidity source to compile.", looked_in=str(root / OWN_PREFIX))
    pending = ours
    sources: dict[str, str] = {}
    while pending:
        name = pending.pop()
        if name in sources:
            continue
        sources[name] = _read(root, name)
        pending.extend(_imports(name, sources[name]))
    return dict(sorted(sources.items()))


def fingerprint(sources: Mapping[str, str]) -> dict[str, Any]:
    """The compiler, the settings, the SHA-256 of each source, and ``key``: the SHA-256 over all of these."""
    made_of: dict[str, Any] = {
        "compiler": SOLC_VERSION,
        "settings": dict(SETTINGS),
        "sources": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sources.items()},
    }
    canonical = json.dumps(made_of, sort_keys=True, separators=(",", ":"))
    return {"key": hashlib.sha256(canonical.encode()).hexdigest(), **made_of}


def _read(root: Path, name: str) -> str:
    path = root / name if name.startswith(OWN_PREFIX) else root / "node_modules" / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SourcesMissing(f"The Solidity source {name} is missing.", source=name, path=str(path)) from error


def _imports(importer: str, text: str) -> list[str]:
    found = _IMPORT.findall(_COMMENT.sub("", text))
    folder = posixpath.dirname(importer)
    return [posixpath.normpath(posixpath.join(folder, name)) if name.startswith(".") else name for name in found]
