"""Where Anvil's native binary is.

npm's ``anvil`` command is a Node script around it that takes 150-300 ms to start and adds a process, so the binary is
looked for in npm's platform package first.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from pyjpm.errors.chain import AnvilNotFound

VARIABLE = "PYJPM_ANVIL"


def find_anvil(binary: str | os.PathLike[str] | None = None) -> Path:
    """The binary given, else that of PYJPM_ANVIL, of a node_modules above here or the package, or of PATH.

    Raises AnvilNotFound. What is given explicitly is used or refused, never replaced.
    """
    explicit = binary if binary is not None else os.environ.get(VARIABLE)
    if explicit:
        if not _runs(Path(explicit)):
            raise AnvilNotFound(f"There is no executable at {os.fspath(explicit)}.", looked_in=[os.fspath(explicit)])
        return Path(explicit)
    for candidate in _in_node_modules():
        if _runs(candidate):
            return candidate
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    raise AnvilNotFound("There is no Anvil on this machine.", looked_in=["node_modules", "PATH"])


def _in_node_modules() -> Iterator[Path]:
    system = platform.system().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    package = f"@foundry-rs/anvil-{system}-{machine}"
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            yield folder / "node_modules" / package / "bin" / "anvil"


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
