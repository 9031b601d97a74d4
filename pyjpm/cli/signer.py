"""``pyjpm signer``: a process that holds keys and signs only what its policy allows."""

from __future__ import annotations

import grp
import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyjpm.cli.keys_hsm import PinFileOption, PinVariableOption
from pyjpm.custody import Keystore, NonceMarks, read_passphrase

if TYPE_CHECKING:
    from pyjpm.custody.policy import Policy
    from pyjpm.custody.signer import WalletSigner

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

PolicyOption = Annotated[Path, typer.Option(help="The policy, a TOML file.")]
SocketOption = Annotated[Path, typer.Option("--socket", help="The signer's Unix domain socket.")]
PassphraseOption = Annotated[Path | None, typer.Option(help="File of mode 0600 with the keystore's passphrase.")]
_GROUP = "Group whose members may connect; the signer's user alone if not given."


@app.callback()
def signer() -> None:
    """A signer with a policy: it holds the keys, and clients ask it over a socket."""


@app.command()
def serve(
    policy: PolicyOption,
    path: SocketOption,
    book: Annotated[Path, typer.Option(help="Folder of the signer's book, never restored from a backup.")],
    keystore: Annotated[Path | None, typer.Option(help="Keys in a keystore.")] = None,
    passphrase_file: PassphraseOption = None,
    pkcs11: Annotated[Path | None, typer.Option(help="Keys in an HSM: its maker's PKCS#11 library.")] = None,
    token: Annotated[str | None, typer.Option(help="The HSM token's label.")] = None,
    pin_file: PinFileOption = None,
    pin_env: PinVariableOption = None,
    kms: Annotated[list[str] | None, typer.Option(help="A key in AWS KMS; may be given again.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region of the keys.")] = None,
    web3signer: Annotated[str | None, typer.Option(help="Keys behind a Web3Signer: its URL.")] = None,
    marks: Annotated[
        Path | None, typer.Option(help="Folder of the keys' marks, which the book takes over; the keystore's if none.")
    ] = None,
    group: Annotated[str | None, typer.Option(help=_GROUP)] = None,
) -> None:
    """Serve the wallets of a policy until a signal ends it."""
    from pyjpm.custody.policy import read_policy
    from pyjpm.custody.server import SignerServer
    from pyjpm.custody.signer_process import SignerProcess, harden

    harden()
    read = read_policy(policy)
    if [keystore, pkcs11, kms, web3signer].count(None) != 3:
        raise typer.BadParameter("Give exactly one of --keystore, --pkcs11, --kms and --web3signer.")
    kept = NonceMarks(marks) if marks is not None else None
    if keystore is not None:
        store = Keystore(keystore, marks=marks)
        kept = store.marks
        signers = _from_keystore(read, store, read_passphrase(file=passphrase_file))
    elif pkcs11 is not None:
        signers = _from_hsm(read, pkcs11, token or "", read_passphrase(file=pin_file, environment=pin_env))
    elif kms is not None:
        signers = _from_kms(kms, region)
    else:
        signers = _from_web3signer(read, web3signer or "")
    process = SignerProcess.open(read, signers, book, marks=kept)
    try:
        with SignerServer(process, path, group=_group_id(group)) as server:
            server.stop_at(signal.SIGTERM, signal.SIGINT)
            print(f"Serving {len(read.wallets)} wallets of chain {read.chain_id} at {path}.", flush=True)
            server.serve()
    finally:
        process.close()


@app.command()
def check(
    policy: PolicyOption, book: Annotated[Path | None, typer.Option(help="A book, to be read from its start.")] = None
) -> None:
    """Say what a policy allows, or what is wrong with it; and whether a book is whole."""
    from pyjpm.custody.policy import read_policy
    from pyjpm.custody.policy_book import verify

    read = read_policy(policy)
    for wallet, rules in read.wallets.items():
        print(f"{wallet} on chain {read.chain_id}{', may create contracts' if rules.create else ''}")
        for name, allowed in rules.allowed.items():
            words = [f"{each}{' (checked)' if each in allowed.checked else ''}" for each in sorted(allowed.functions)]
            words += [
                f"signs {each}{' (checked)' if each in allowed.checked else ''}" for each in sorted(allowed.messages)
            ]
            print(f"  {name}: {', '.join(words)}")
        for unit, limit in rules.limits.items():
            above = "" if limit.approval_above is None else f", {rules.needed} checkers above {limit.approval_above}"
            print(f"  {unit}: {limit.per_payment} at a time, {limit.per_day} a day{above} (minor units)")
    if book is not None:
        lines, head = verify(book)
        print(f"The book has {lines} lines, the last is {head}.")


@app.command()
def status(path: SocketOption) -> None:
    """Print what a running signer has signed and moved today, as JSON."""
    from pyjpm.custody.remote_socket import status as ask

    print(json.dumps(ask(path), indent=1))


@app.command()
def approve(
    wallet: Annotated[str, typer.Option(help="Whose request it is.")],
    chain_id: Annotated[int, typer.Option(help="The chain.", min=1)],
    purpose: Annotated[str, typer.Option(help="As the signer's refusal says it, such as payments.pay.")],
    request_sha256: Annotated[str, typer.Option(help="What is approved, 64 hexadecimal digits.")],
    keystore: Annotated[Path, typer.Option(help="The checker's keystore.")],
    key: Annotated[str, typer.Option(help="Name of the checker's key.")],
    passphrase_file: PassphraseOption,
    valid_for: Annotated[int, typer.Option(help="Seconds.", min=1)] = 86_400,
    out: Annotated[Path | None, typer.Option(help="File for the approval; printed if not given.")] = None,
) -> None:
    """Approve one request with a checker's key. Check first what it is: the digest says nothing to a person."""
    from pyjpm.custody.policy_approval import Approval

    checker = Keystore(keystore).load(key, read_passphrase(file=passphrase_file))
    approval = Approval.sign(
        checker,
        chain_id=chain_id,
        wallet=wallet,
        purpose=purpose,
        request_sha256=request_sha256,
        deadline=int(time.time()) + valid_for,
    )
    if out is None:
        print(approval.to_json(), end="")
    else:
        out.write_text(approval.to_json(), encoding="utf-8")


@app.command("hand-in")
def hand_in(
    approval: Annotated[Path, typer.Argument(help="The approval.", exists=True, dir_okay=False)], path: SocketOption
) -> None:
    """Hand an approval to a running signer."""
    from pyjpm.custody.policy_approval import Approval
    from pyjpm.custody.remote import RemoteSigner

    read = Approval.from_json(approval.read_text(encoding="utf-8"))
    RemoteSigner(path, read.wallet).approve(read)


def _from_keystore(policy: Policy, store: Keystore, passphrase: str) -> dict[str, WalletSigner]:
    names = {store.address(name): name for name in store.names()}
    return {wallet: store.load(names[wallet], passphrase) for wallet in policy.wallets if wallet in names}


def _from_hsm(policy: Policy, module: Path, label: str, pin: str) -> dict[str, WalletSigner]:
    from pyjpm.custody.pkcs11 import Pkcs11Token

    token = Pkcs11Token(module, label, pin=pin)
    return {wallet: token.signer(name) for name, wallet in token.addresses().items() if wallet in policy.wallets}


def _from_kms(keys: list[str], region: str | None) -> dict[str, WalletSigner]:
    from pyjpm.custody.kms import KmsSigner

    opened = [KmsSigner.open(key, region=region) for key in keys]
    return {each.address: each for each in opened}


def _from_web3signer(policy: Policy, url: str) -> dict[str, WalletSigner]:
    from pyjpm.custody.web3signer import Web3Signer

    return {wallet: Web3Signer.open(url, wallet) for wallet in policy.wallets}


def _group_id(name: str | None) -> int | None:
    if name is None:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise typer.BadParameter(f"There is no group {name!r}.") from None
