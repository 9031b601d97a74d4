"""What can go wrong with the files of a Besu network, and before one is asked how it does."""

from __future__ import annotations

from typing import ClassVar

from pyjpm.errors.base import PyjpmError


class NetworkError(PyjpmError):
    """Root of everything about a network's files."""

    code: ClassVar[str] = "NETWORK_ERROR"


class InvalidNetworkPlan(NetworkError):
    """A network like this is not made: it would not run, or not outlive a dead node. Details: ``field``, ``value``."""

    code: ClassVar[str] = "INVALID_NETWORK_PLAN"
    hint: ClassVar[str] = "Change this value; `pyjpm network init --help` says what each means."


class NetworkFolderTaken(NetworkError):
    """The folder for the network's files has something in it; keys are never overwritten. Details: ``path``."""

    code: ClassVar[str] = "NETWORK_FOLDER_TAKEN"
    hint: ClassVar[str] = "Give a folder that does not exist or is empty; to start anew, move the old one away first."


class NetworkFolderUnwritable(NetworkError):
    """The network's files cannot be written there; nothing was left behind. Details: ``path``, ``reason``."""

    code: ClassVar[str] = "NETWORK_FOLDER_UNWRITABLE"
    hint: ClassVar[str] = "Check that the folder above it exists, is yours to write, and that the disk is not full."


class NetworkFolderUnreadable(NetworkError):
    """The folder is not one that `pyjpm network init` made, or not whole. Details: ``path``."""

    code: ClassVar[str] = "NETWORK_FOLDER_UNREADABLE"
    hint: ClassVar[str] = "Give the folder that `pyjpm network init --out` wrote, or restore it from its backup."


class TokenUnreadable(NetworkError):
    """There is no token in the file given for one. Details: ``path``."""

    code: ClassVar[str] = "TOKEN_UNREADABLE"
    hint: ClassVar[str] = "Give a file that holds one token, such as `pyjpm network token DIR > FILE` writes."


class TlsFilesUnreadable(NetworkError):
    """The certificates given for speaking to the nodes cannot be used. Details: ``path``."""

    code: ClassVar[str] = "TLS_FILES_UNREADABLE"
    hint: ClassVar[str] = "Give PEM files: the certificate authority, and a client certificate with its key."
