"""Adding senders to a network's list after its files were made.

Decisions that govern this module:

* The lists of all nodes, by hand and in manifests, and the description say the same again when this returns; each file
  is replaced as a whole, so one that was interrupted is simply done again.
* Nodes read the list when they start or are told to (``perm_reloadPermissionsFromFile``); neither is done here.
"""

from __future__ import annotations

import os
import secrets
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pyjpm.chain.network.description import FILE, Description, read_description
from pyjpm.chain.network.options import ACCOUNTS
from pyjpm.chain.network.peers import accounts_allowlist
from pyjpm.chain.network.plan import check_account
from pyjpm.errors.network import InvalidNetworkPlan, NetworkFolderUnreadable, NetworkFolderUnwritable


def allow_accounts(folder: Path, accounts: Sequence[str]) -> Description:
    """Let more accounts send transactions; those that may already stay.

    Returns the description as it is now. Raises NetworkFolderUnreadable, NetworkFolderUnwritable, InvalidNetworkPlan
    (not an address, or any account may send there).
    """
    before = read_description(folder)
    if before.open_accounts:
        raise InvalidNetworkPlan("accounts: there any account may send.", field="accounts", value=list(accounts))
    wanted = tuple(dict.fromkeys((*before.accounts, *(check_account(account) for account in accounts))))
    after = replace(before, accounts=wanted)
    text = accounts_allowlist(wanted)
    try:
        for node in before.nodes:
            _replace(folder / "nodes" / node.name / ACCOUNTS, text)
            manifest = folder / "kubernetes" / f"{node.name}.yaml"
            _replace(manifest, _with_list(manifest, text))
        _replace(folder / FILE, after.to_json())
    except FileNotFoundError as missing:
        raise NetworkFolderUnreadable(f"{missing.filename} is missing.", path=str(missing.filename)) from None
    except OSError as error:
        raise NetworkFolderUnwritable(
            f"{folder} cannot be written ({error.strerror}).", path=str(folder), reason=str(error.strerror)
        ) from None
    return after


def _with_list(manifest: Path, text: str) -> str:
    content = manifest.read_text(encoding="utf-8")
    start, mark, rest = content.partition(f"  {ACCOUNTS}: |\n")
    _, end, tail = rest.partition("\n    ]\n")
    if not mark or not end:
        raise NetworkFolderUnreadable(f"{manifest} has no list of accounts.", path=str(manifest))
    return start + mark + textwrap.indent(text, "    ") + tail


def _replace(path: Path, text: str) -> None:
    status = path.stat()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            os.fchmod(handle, status.st_mode & 0o777)
            out.write(text)
            out.flush()
            os.fsync(handle)
        os.rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)
