"""Compiling the contracts through py-solc-x.

Decisions:

* A native solc of exactly the pinned version is used where there is one; else ``solc.js``, a stand-in around npm's.
  Both give the same bytecode. Nothing is downloaded and nothing is written into the home folder.
* A warning about our own sources is an error. What is allowed stands in ``ALLOWED_WARNINGS`` with its reason.
* The artifacts are written whole or not at all, and the same sources give the same bytes.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pyjpm.contracts import artifacts, layouts, sources
from pyjpm.contracts.output import artifact_files
from pyjpm.errors.artifacts import CompileFailed, CompilerNotFound

# By solc's error code.
ALLOWED_WARNINGS: Final[Mapping[str, str]] = {
    "2394": "transient storage is used knowingly, for re-entrancy locks that end with the transaction",
}

_STAND_IN = Path(__file__).with_name("solc.js")
_DEPLOYABLE = (
    "abi",
    "evm.bytecode.object",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.linkReferences",
    "evm.deployedBytecode.immutableReferences",
    "storageLayout",
)


def compile_project(root: Path | None = None, folder: Path = artifacts.FOLDER) -> tuple[str, ...]:
    """Compile everything under ``root``/contracts into ``folder`` and return the names of the contracts.

    What ``artifacts`` has read before stays as it was read, until the process ends.

    Raises:
        SourcesMissing: a source or an imported library is not there.
        CompilerNotFound: there is nothing to compile with.
        CompileFailed: the compiler refused, or warned about our own sources.
    """
    root = root or sources.project_root()
    texts = sources.gather(root)
    output = _run_solc(root, texts)
    _refuse_diagnostics(output.get("errors", []))
    files = artifact_files(output["contracts"], texts)
    _replace(folder, files)
    return tuple(sorted(json.loads(files[artifacts.INDEX])["artifacts"]))


def native_solc() -> Path | None:
    """A native solc of the pinned version: on the PATH, or where py-solc-x keeps its own."""
    from solcx.install import get_solcx_install_folder

    on_path = shutil.which("solc")
    kept = get_solcx_install_folder() / f"solc-v{sources.SOLC_VERSION}"
    for candidate in ([Path(on_path)] if on_path else []) + ([kept] if kept.is_file() else []):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, timeout=30, check=True)
            if f"Version: {sources.SOLC_VERSION}+" in answer.stdout:
                return candidate
    return None


def write_launcher(path: Path, root: Path) -> Path:
    """Write an executable at ``path`` that is the pinned solc for whoever calls it: forge, brownie, slither.

    Raises:
        CompilerNotFound: neither a native solc nor Node with npm's solc is here.
    """
    native = native_solc()
    if native is not None:
        command = shlex.quote(str(native.resolve()))
    else:
        solcjs = root / "node_modules" / "solc"
        _require_pinned(solcjs)
        command = " ".join(shlex.quote(str(part)) for part in ("env", f"SOLCJS_DIR={solcjs}", _node(), _STAND_IN))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.new")
    written.write_text(
        f'#!/bin/sh\n# Written by pyjpm.contracts.compiler: solc {sources.SOLC_VERSION}.\nexec {command} "$@"\n'
    )
    written.chmod(0o755)
    written.replace(path)
    return path


@contextlib.contextmanager
def _solc(root: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pyjpm-solc-") as folder:
        yield write_launcher(Path(folder) / "solc", root)


def _node() -> Path:
    # A Node that came as a Python wheel stands beside the interpreter, whether its environment is activated or not.
    beside = Path(sys.executable).parent / "node"
    found = beside if beside.is_file() else shutil.which("node")
    if found is None:
        raise CompilerNotFound(f"There is no native solc {sources.SOLC_VERSION} and no Node to run npm's solc with.")
    return Path(found)


def _require_pinned(solcjs: Path) -> None:
    try:
        version = json.loads((solcjs / "package.json").read_text())["version"]
    except FileNotFoundError as error:
        raise CompilerNotFound("There is no native solc, and npm's solc is not installed.", path=str(solcjs)) from error
    if version != sources.SOLC_VERSION:
        raise CompilerNotFound(
            f"npm's solc is {version}; the contracts are pinned to {sources.SOLC_VERSION}.", found=version
        )


def _run_solc(root: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    import solcx

    # Of libraries, the interface alone: for the custom errors that they declare.
    selection = {name: {"*": list(_DEPLOYABLE) if name.startswith(sources.OWN_PREFIX) else ["abi"]} for name in texts}
    probes = layouts.probes({name: text for name, text in texts.items() if name.startswith(sources.OWN_PREFIX)})
    selection |= {name: {"*": ["abi", "storageLayout"]} for name in probes}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in {**texts, **probes}.items()},
        "settings": {**sources.SETTINGS, "outputSelection": selection},
    }
    with _solc(root) as solc:
        try:
            output: dict[str, Any] = solcx.compile_standard(request, solc_binary=solc)
        except solcx.exceptions.SolcError as error:
            # Its text repeats the whole request; the compiler's own messages are enough.
            errors = [message for message in error.error_dict or [] if message["severity"] == "error"]
            errors = errors or [{"message": (error.stderr_data or error.message).strip()}]
            raise _failure("solc refused the sources", errors) from None
    return output


def _refuse_diagnostics(diagnostics: list[dict[str, Any]]) -> None:
    ours = [
        found
        for found in diagnostics
        if found["severity"] == "warning"
        and found.get("sourceLocation", {}).get("file", sources.OWN_PREFIX).startswith(sources.OWN_PREFIX)
        and found.get("errorCode") not in ALLOWED_WARNINGS
    ]
    if ours:
        raise _failure("solc warns about our own sources", ours)


def _failure(what: str, diagnostics: list[dict[str, Any]]) -> CompileFailed:
    """The first message in the sentence; all of them, as solc formats them, in the details."""
    full = [found.get("formattedMessage", found["message"]).strip() for found in diagnostics]
    lines = full[0].splitlines()
    place = next((line.split("-->")[1].strip() for line in lines if "-->" in line), "")
    more = f" and {len(full) - 1} more" if len(full) > 1 else ""
    return CompileFailed(f"{what}: {place} {diagnostics[0]['message']}{more}.", diagnostics=full)


def _replace(folder: Path, files: Mapping[str, str]) -> None:
    """Put ``files`` where the artifacts are. The index goes last: until then ``check`` calls the folder stale."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name in sorted(files, key=lambda name: name == artifacts.INDEX):
        written = folder / f".{name}.new"
        written.write_text(files[name], encoding="utf-8")
        written.replace(folder / name)


if __name__ == "__main__":
    write_launcher(Path(sys.argv[1]), sources.project_root())
