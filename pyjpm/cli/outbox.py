"""``pyjpm outbox``: what waits and why, an operator's decisions, and carrying on.

Reading needs the journal alone and takes no lease, so that a service may run beside it. A decision needs a node and the
deployment record too, as it is checked against the chain; it is stored with its reason, and whoever serves the wallet
(a service, or ``run``) carries it out. Only ``run`` takes the wallets' leases: a service that had them stops.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pyjpm.chain.connection import Connection
from pyjpm.cli.progress import ProgressLine
from pyjpm.cli.rows import print_rows
from pyjpm.custody import Keystore, LocalSigner, NonceMarks, read_passphrase
from pyjpm.errors.chain import TransportFault
from pyjpm.errors.deployment import InvalidRequest
from pyjpm.outbox import Outbox
from pyjpm.record import DeploymentRecord
from pyjpm.sending import Journal, Submission, SubmissionState
from pyjpm.sending.approvals import ApprovalPolicy
from pyjpm.sending.overview import Overview
from pyjpm.session import Session

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

JournalOption = Annotated[
    str, typer.Option(help="The journal: a file, or a postgresql:// URL.", envvar="PYJPM_JOURNAL")
]
RpcOption = Annotated[str, typer.Option(help="URL of a node.", envvar="PYJPM_RPC")]
RecordOption = Annotated[Path, typer.Option(help="Deployment record of the platform.", envvar="PYJPM_RECORD")]
WhoOption = Annotated[str, typer.Option(help="Who decides.")]
ReasonOption = Annotated[str, typer.Option(help="Why; stays in the trail.")]
IdArgument = Annotated[str, typer.Argument(help="A submission's id.")]
WalletArgument = Annotated[str, typer.Argument(help="A wallet's address.")]
PolicyOption = Annotated[Path, typer.Option(help="The approval policy, a TOML file.", envvar="PYJPM_APPROVALS")]
HoursOption = Annotated[float, typer.Option(help="For how long the word is good.", min=0.01)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def outbox() -> None:
    """What waits to be sent and why, decisions about it, and carrying on."""


# --- looking ---------------------------------------------------------------------------------------------------------


@app.command()
def status(
    journal: JournalOption,
    rpc: Annotated[str | None, typer.Option(help="URL of a node, to compare nonces with.", envvar="PYJPM_RPC")] = None,
    as_json: JsonOption = False,
) -> None:
    """Every wallet: its state, what is on its way, what waits, how old the oldest is, its alarms."""
    with Journal.existing(journal) as opened:
        nonces = None if rpc is None else _nonces(rpc, opened)
        alarms = opened.alarms.list()
        lanes = Overview(opened).lanes(now=int(time.time()), chain_nonces=nonces)
        told = {
            "chain_id": opened.chain_id,
            "highest_head": opened.highest_head,
            "lanes": lanes,
            "alarms": [each.to_dict() for each in alarms],
        }
    if as_json:
        _print_json(told)
        return
    print_rows(lanes)
    print(f"{len(alarms)} open alarms" + (": see `pyjpm outbox alarms`" if alarms else ""))


@app.command("list")
def list_submissions(
    journal: JournalOption,
    state: Annotated[SubmissionState | None, typer.Option(help="Only in this state.", case_sensitive=False)] = None,
    wallet: Annotated[str | None, typer.Option(help="Only of this wallet.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that ended, too.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 200,
    as_json: JsonOption = False,
) -> None:
    """What waits and why, oldest first."""
    with Journal.existing(journal) as opened:
        found = Overview(opened).list(state=state, wallet=wallet, all_=everything)
        rows = [row for _, row in zip(range(limit), found, strict=False)]
    if as_json:
        _print_json(rows)
    else:
        print_rows([{name: row[name] for name in ("id", "state", "kind", "key", "nonce", "why")} for row in rows])


@app.command()
def show(submission: IdArgument, journal: JournalOption, as_json: JsonOption = False) -> None:
    """The whole life of one submission: attempts, answers, approvals, decisions, alarms."""
    with Journal.existing(journal) as opened:
        told = Overview(opened).show(submission)
    if as_json:
        _print_json(told)
        return
    parts = ("attempts", "approvals", "decisions", "alarms")
    for name, value in told.items():
        if name not in parts:
            print(f"{name:16} {json.dumps(value) if isinstance(value, dict) else value}")
    for part in parts:
        if told[part]:
            print(f"\n{part}")
            print_rows(told[part])


@app.command()
def alarms(
    journal: JournalOption,
    everything: Annotated[bool, typer.Option("--all", help="Cleared ones, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What should wake somebody up, with what to do about it."""
    with Journal.existing(journal) as opened:
        rows = [each.to_dict() for each in opened.alarms.list(cleared=everything)]
    _print(rows, as_json)


@app.command()
def trail(journal: JournalOption, as_json: JsonOption = False) -> None:
    """All that operators decided, oldest first."""
    with Journal.existing(journal) as opened:
        rows = [each.to_dict() for each in opened.trail.of()]
    _print(rows, as_json)


# --- deciding --------------------------------------------------------------------------------------------------------


@app.command()
def cancel(
    submission: IdArgument,
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    who: WhoOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Withdraw what has no nonce yet."""
    with _outbox(journal, rpc, record) as box:
        _told(box.decisions.cancel(submission, who=who, reason=reason), as_json)


@app.command()
def void(
    submission: IdArgument,
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    who: WhoOption,
    reason: ReasonOption,
    by: Annotated[
        str | None,
        typer.Option(help="Wallet that voids it: the payer's, or, where that is halted, the bank's."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have a payment's reference voided, so that it is never paid. Ends VOIDED, or FINAL if it was paid first."""
    with _outbox(journal, rpc, record) as box:
        payment, sent = box.void(submission, who=who, reason=reason, wallet=by)
        _told(payment, as_json, void=sent.id)


@app.command()
def retry(
    submission: IdArgument,
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    who: WhoOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Accept what was reverted or rejected again, under its own key and reference."""
    with _outbox(journal, rpc, record) as box:
        _told(box.decisions.retry(submission, who=who, reason=reason), as_json)


@app.command()
def approve(
    submission: IdArgument,
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    reason: ReasonOption,
    policy: PolicyOption,
    keystore: Annotated[Path, typer.Option(help="Keystore with the checker's key.")],
    key: Annotated[str, typer.Option(help="Its name there.")],
    passphrase_file: Annotated[Path, typer.Option(help="File with its passphrase.")],
    hours: HoursOption = 24.0,
    as_json: JsonOption = False,
) -> None:
    """A checker's yes, signed: enough of them let a submission go."""
    checker = Keystore(keystore).load(key, read_passphrase(file=passphrase_file))
    with _outbox(journal, rpc, record) as box:
        _told(_word(box, submission, checker, policy, hours, reason, approved=True), as_json)


@app.command()
def reject(
    submission: IdArgument,
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    reason: ReasonOption,
    policy: PolicyOption,
    keystore: Annotated[Path, typer.Option(help="Keystore with the checker's key.")],
    key: Annotated[str, typer.Option(help="Its name there.")],
    passphrase_file: Annotated[Path, typer.Option(help="File with its passphrase.")],
    hours: HoursOption = 24.0,
    as_json: JsonOption = False,
) -> None:
    """A checker's no, signed: the submission is rejected."""
    checker = Keystore(keystore).load(key, read_passphrase(file=passphrase_file))
    with _outbox(journal, rpc, record) as box:
        _told(_word(box, submission, checker, policy, hours, reason, approved=False), as_json)


@app.command()
def reopen(
    wallet: WalletArgument,
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    who: WhoOption,
    reason: ReasonOption,
    marks: Annotated[Path | None, typer.Option(help="Folder of the signers' marks (KEYSTORE/marks).")] = None,
    highest_nonce: Annotated[
        int | None, typer.Option(help="The highest nonce the wallet ever signed, where no mark is kept.", min=-1)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a halted wallet recover, after you found out whose the foreign transaction was (say it as the reason)."""
    if (marks is None) == (highest_nonce is None):
        raise InvalidRequest("Give --marks or --highest-nonce: what the wallet ever signed must be known.")
    with _outbox(journal, rpc, record) as box:
        known = highest_nonce if marks is None else NonceMarks(marks).highest(wallet, box.chain_id)
        lane = box.decisions.reopen(wallet, who=who, reason=reason, highest_nonce=known)
    told = {"wallet": wallet, "state": lane.state.value, "recover_to": lane.recover_to}
    _print([told], as_json)


@app.command()
def unjam(
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    who: WhoOption,
    reason: ReasonOption,
    keystore: Annotated[Path, typer.Option(help="Keystore with the jammed wallet's key.")],
    key: Annotated[str, typer.Option(help="Its name there.")],
    passphrase_file: Annotated[Path, typer.Option(help="File with its passphrase.")],
    rescue_keystore: Annotated[Path, typer.Option(help="Folder with the network's rescue account.")],
    rescue_passphrase_file: Annotated[Path, typer.Option(help="File with its passphrase.")],
    rescue_key: Annotated[str, typer.Option(help="Its name there.")] = "rescue",
    price: Annotated[
        int | None, typer.Option(help="Wei for each gas; a tenth above what the pools show if not given.", min=1)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Free a wallet that a priced transaction of somebody else jams. SENDS: ether from the rescue account, a cancel."""
    signer = Keystore(keystore).load(key, read_passphrase(file=passphrase_file))
    rescue = Keystore(rescue_keystore).load(rescue_key, read_passphrase(file=rescue_passphrase_file))
    with _outbox(journal, rpc, record) as box:
        freed = box.unjam(signer, rescue, who=who, reason=reason, price=price)
    _print([asdict(freed)], as_json)


@app.command()
def acknowledge(
    alarm: Annotated[int, typer.Argument(help="An alarm's number (seq).")],
    journal: JournalOption,
    who: WhoOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Clear an alarm that somebody has looked at."""
    with Journal.existing(journal) as opened:
        cleared = opened.alarms.acknowledge(alarm, who=who, reason=reason, now=int(time.time()))
    _print([cleared.to_dict()], as_json)


@app.command()
def mark(
    wallet: WalletArgument,
    nonce: Annotated[int, typer.Argument(help="The highest nonce the wallet ever signed.", min=-1)],
    journal: JournalOption,
    marks: Annotated[Path, typer.Option(help="Folder of the signers' marks.")],
) -> None:
    """Print the command that sets a lost mark; it changes nothing."""
    with Journal.existing(journal) as opened:
        print(f"pyjpm keys mark {wallet} --chain-id {opened.chain_id} --nonce {nonce} --marks {marks}")


# --- carrying on -----------------------------------------------------------------------------------------------------


@app.command()
def run(
    journal: JournalOption,
    rpc: RpcOption,
    record: RecordOption,
    keystore: Annotated[Path, typer.Option(help="The keystore's folder: all of its keys are served.")],
    passphrase_file: Annotated[Path, typer.Option(help="File with the passphrase.")],
    marks: Annotated[Path | None, typer.Option(help="Folder of the keys' marks; the keystore's if not given.")] = None,
    approvals: Annotated[
        Path | None, typer.Option(help="The approval policy, as the service has it.", envvar="PYJPM_APPROVALS")
    ] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop once nothing of them moves.")] = False,
    pause: Annotated[float, typer.Option(help="Seconds between steps.", min=0.01)] = 0.5,
) -> None:
    """Carry on in the foreground until stopped. TAKES THE LEASES: a service that had them is fenced and stops."""
    store, passphrase = Keystore(keystore, marks=marks), read_passphrase(file=passphrase_file)
    loaded = (store.load(name, passphrase) for name in store.names())
    signers = {signer.address: signer for signer in loaded}
    policy = None if approvals is None else ApprovalPolicy.load(approvals)
    with _session(journal, rpc, record, policy) as session, ProgressLine() as line:
        session.sender.resume(signers)
        while True:
            mine = [each for each in session.journal.open_submissions() if each.wallet in signers]
            line.update(f"{len(mine)} open, {len(session.journal.alarms.list())} alarms", 0, 0)
            if until_idle and not any(_moves(each) for each in mine):
                return
            time.sleep(pause)
            try:
                session.sender.carry_on()
            except TransportFault as fault:
                line.step(fault.code)  # the node may come back; everything else ends this process


def _moves(each: Submission) -> bool:
    """Whether carrying on brings it further; what waits for a person does not count."""
    if each.state is SubmissionState.SCHEDULED:
        return each.not_before is None or each.not_before <= time.time()
    return each.state not in (SubmissionState.RECEIVED, SubmissionState.QUARANTINED)


# --- within ----------------------------------------------------------------------------------------------------------


def _word(
    box: Outbox, submission: str, checker: LocalSigner, policy: Path, hours: float, reason: str, *, approved: bool
) -> Submission:
    approvals, now = box.approvals(ApprovalPolicy.load(policy)), int(time.time())
    expires = now + int(hours * 3600)
    signature = approvals.sign(submission, checker, approved=approved, expires=expires)
    return approvals.decide(
        submission,
        checker=checker.address,
        approved=approved,
        expires=expires,
        signature=signature,
        reason=reason,
        now=now,
    )


@contextmanager
def _session(journal: str, rpc: str, record: Path, approvals: ApprovalPolicy | None = None) -> Iterator[Session]:
    connection = Connection.open(rpc)
    loaded = DeploymentRecord.load(record)
    loaded.verify(connection)
    with Journal.existing(journal) as opened:
        opened.expect(genesis_hash=connection.genesis_hash, chain_id=connection.chain_id)
        yield Session(loaded, connection, opened, None, 60.0, approvals)


@contextmanager
def _outbox(journal: str, rpc: str, record: Path) -> Iterator[Outbox]:
    with _session(journal, rpc, record) as session:
        yield Outbox(session)


def _nonces(rpc: str, journal: Journal) -> dict[str, int]:
    connection = Connection.open(rpc)
    journal.expect(genesis_hash=connection.genesis_hash, chain_id=connection.chain_id)
    wallets = [lane.wallet for lane in journal.lanes.all()]
    counts = connection.transaction_counts(wallets, at=connection.head().number)
    return dict(zip(wallets, counts, strict=True))


def _told(found: Submission, as_json: bool, **more: Any) -> None:
    _print([{"id": found.id, "state": found.state.value, "wallet": found.wallet, **more}], as_json)


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        _print_json(rows)
    else:
        print_rows(rows)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1))
