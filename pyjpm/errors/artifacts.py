"""Errors of compiling contracts and of reading what was compiled."""

from __future__ import annotations

from pyjpm.errors.base import PyjpmError


class SourcesMissing(PyjpmError):
    """The Solidity sources, or a library they import, are not on this machine."""

    code = "SOURCES_MISSING"
    hint = "Run `make setup` in a checkout of the project; an installed package carries artifacts, not sources."


class CompilerNotFound(PyjpmError):
    """Neither a native solc of the pinned version nor what the stand-in needs (Node and npm's solc) is here."""

    code = "COMPILER_NOT_FOUND"
    hint = "Run `make setup`, or put the pinned version of solc on the PATH."


class CompileFailed(PyjpmError):
    """The compiler refused the sources, or warned about ours: a warning is an error here.

    ``details["diagnostics"]`` holds the compiler's messages in full.
    """

    code = "COMPILE_FAILED"
    hint = "Correct the sources named above and run `pyjpm compile` again."


class ArtifactsStale(PyjpmError):
    """The compiled artifacts are not those of these sources, settings and compiler.

    ``details["changes"]`` names what differs.
    """

    code = "ARTIFACTS_STALE"
    hint = "Run `pyjpm compile` and commit pyjpm/contracts/artifacts."


class ArtifactNotFound(PyjpmError):
    """No compiled contract has this name."""

    code = "ARTIFACT_NOT_FOUND"
    hint = "Run `pyjpm compile`; names are those of the contracts in the Solidity sources."


class LibrariesMismatch(PyjpmError):
    """The libraries given are not exactly those that the bytecode calls."""

    code = "LIBRARIES_MISMATCH"
    hint = "Deploy each library first and give its address under its Solidity name."
