"""Watching nodes for some seconds: do blocks come, does everybody have the same, is anybody's clock off?

Decisions that govern this module:

* A node is behind where it was behind at each of the last sweeps: heads are asked one after another, and the one asked
  last may see a block that the first could not.
* Which validator does not make blocks is read from who made the last ones: QBFT names the proposer, in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Protocol

from pyjpm.chain.network.description import Description
from pyjpm.chain.network.findings import Finding, Level, found
from pyjpm.chain.network.rules import Seen
from pyjpm.errors.base import PyjpmError

SWEEP: Final = 0.2  # seconds between two looks at all heads
_SAMPLE: Final = 40  # blocks whose times and makers are looked at
_STEADY: Final = 3  # sweeps
_BEHIND_WARN: Final = 1
_BEHIND_FAIL: Final = 5
_CLOCK_WARN: Final = 2.0  # seconds
_CLOCK_FAIL: Final = 10.0


class Clock(Protocol):
    """Time as a check sees it; the module ``time`` is one."""

    def time(self) -> float:
        """Seconds since 1970."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


@dataclass(slots=True)
class Track:
    """One node's heads, a sweep each (None: it did not answer), and when its newest block was first seen."""

    seen: Seen
    heads: list[int | None] = field(default_factory=list)
    newest_at: float | None = None

    @property
    def last(self) -> int | None:
        """Its last known head."""
        return next((head for head in reversed(self.heads) if head is not None), None)

    def look(self, now: float) -> None:
        """Ask it for its head."""
        try:
            head: int | None = self.seen.probe.quantity("eth_blockNumber")
        except PyjpmError:
            head = None
        before = self.last
        if head is not None and before is not None and head > before:
            self.newest_at = now
        self.heads.append(head)


def watch(nodes: Sequence[Seen], expected: Description | None, seconds: float, clock: Clock) -> list[Finding]:
    """Look at the nodes' heads for some seconds, and at the last blocks then."""
    tracks = [Track(seen) for seen in nodes]
    end = clock.monotonic() + seconds
    while True:
        for track in tracks:
            track.look(clock.time())
        if clock.monotonic() >= end:
            break
        clock.sleep(SWEEP)
    findings = [_progress(track, seconds) for track in tracks]
    findings += _behind(tracks)
    findings += _same_chain(tracks)
    for track in tracks:
        findings += _last_blocks(track, expected)
    return findings


def _progress(track: Track, seconds: float) -> Finding:
    where, known = track.seen.probe.where, [head for head in track.heads if head is not None]
    silent = len(track.heads) - len(known)
    if not known:
        return found("head", where, Level.FAIL, "does not say where it is", "See the node's log.")
    what = f"from {known[0]:,} to {known[-1]:,} in {seconds:g} s"
    if known[-1] == known[0]:
        remedy = "More than a third of the validators are down, or this node is cut off from them: see peers."
        return found("head", where, Level.FAIL, f"no block: stays at {known[0]:,} for {seconds:g} s", remedy)
    if silent:
        return found("head", where, Level.WARN, f"{what}, and {silent} times no answer", "See the node's log and load.")
    return found("head", where, Level.OK, what)


def _behind(tracks: Sequence[Track]) -> list[Finding]:
    if len(tracks) < 2:
        remedy = "Give the addresses of two or more: heads are compared, since eth_syncing is not to be trusted."
        return [Finding("heads", Level.WARN, "one node cannot be compared with others", remedy)]
    sweeps = list(zip(*(track.heads for track in tracks), strict=True))[-_STEADY:]
    findings = []
    for number, track in enumerate(tracks):
        lags = [
            max(head for head in sweep if head is not None) - own
            for sweep in sweeps
            if (own := sweep[number]) is not None
        ]
        if not lags:
            continue  # said by its progress
        lag = min(lags)
        level = Level.OK if lag <= _BEHIND_WARN else Level.WARN if lag <= _BEHIND_FAIL else Level.FAIL
        remedy = "Wait until it has caught up, whatever eth_syncing says; until then it forgets what it is sent."
        findings.append(found("heads", track.seen.probe.where, level, f"{lag} blocks behind the first", remedy))
    return findings


def _first(sweep: Sequence[int | None]) -> int:
    return max(head for head in sweep if head is not None)


def _same_chain(tracks: Sequence[Track]) -> list[Finding]:
    """Whether the nodes have one chain: same ids, same first block, same block at a height all have."""
    if len(tracks) < 2:
        return []
    findings = []
    for name, said, level, remedy in (
        ("chain_id", {track.seen.chain_id for track in tracks}, Level.FAIL, "Networks differ: check the addresses."),
        ("genesis", {track.seen.first_block for track in tracks}, Level.FAIL, "Their genesis files differ."),
        (
            "validators",
            {track.seen.validators for track in tracks},
            Level.WARN,
            "Chains differ or one lags: ask again.",
        ),
    ):
        one = len(said) == 1
        what = "the same at all nodes" if one else f"{len(said)} different ones"
        findings.append(found(name, "", Level.OK if one else level, what, remedy))
    clients = {track.seen.client for track in tracks}
    if len(clients) > 1:
        remedy = "Bring them to one release, one after another."
        findings.append(Finding("client", Level.WARN, f"{len(clients)} different versions", remedy))
    findings.append(_same_block(tracks))
    return findings


def _same_block(tracks: Sequence[Track]) -> Finding:
    height = min((track.last for track in tracks if track.last is not None), default=None)
    if height is None:
        return Finding("one_chain", Level.UNKNOWN, "no node says where it is", "See the nodes' logs.")
    hashes: set[str] = set()
    for track in tracks:
        try:
            block = track.seen.probe.block(hex(height))
        except PyjpmError:
            block = None
        if block is not None:
            hashes.add(str(block.get("hash")))
    if len(hashes) > 1:
        remedy = "The chain is split or these are different ones: send nothing until that is understood."
        return Finding("one_chain", Level.FAIL, f"{len(hashes)} different blocks {height:,}", remedy)
    return Finding("one_chain", Level.OK, f"the same block {height:,} everywhere")


def _last_blocks(track: Track, expected: Description | None) -> list[Finding]:
    where, head = track.seen.probe.where, track.last
    if head is None:
        return []
    try:
        newest = _served(track, head)
        sample = [block for block in track.seen.probe.blocks(range(max(1, newest - _SAMPLE), newest + 1)) if block]
        times = [track.seen.probe.field(block, "timestamp") for block in sample]
    except PyjpmError as error:
        return [found("block_period", where, Level.FAIL, error.message, error.hint)]
    findings = [_period(where, times, expected), _clock(track, times)]
    if track.seen.validators:
        findings.append(_makers(where, track.seen.validators, sample, expected))
    return findings


def _served(track: Track, head: int) -> int:
    """The newest block that is there: a node may announce one some ms before it serves it."""
    return head if track.seen.probe.block(hex(head)) is not None else head - 1


def _period(where: str, times: Sequence[int], expected: Description | None) -> Finding:
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if not gaps:
        return found("block_period", where, Level.UNKNOWN, "too few blocks to tell", "Ask again later.")
    mean, longest = sum(gaps) / len(gaps), max(gaps)
    wanted = expected.block_period if expected else 1
    what = f"{mean:.2f} s on average, {longest} s at most, over {len(gaps)} blocks"
    remedy = f"Expected {wanted} s. With a dead validator every n-th block waits for its turn to pass; else see load."
    slow = mean > 1.5 * wanted or (expected is not None and longest > 2 * wanted + 1)
    return found("block_period", where, Level.WARN if slow else Level.OK, what, remedy)


def _clock(track: Track, times: Sequence[int]) -> Finding:
    where, at = track.seen.probe.where, track.newest_at
    if at is None or not times:
        return found("clock", where, Level.UNKNOWN, "no block came while it was watched", "Ask again when blocks come.")
    late = at - times[-1]  # of a block stamped in whole seconds, seen some hundred ms after it was made
    off = max(-late, late - 1)
    level = Level.OK if off <= _CLOCK_WARN else Level.WARN if off <= _CLOCK_FAIL else Level.FAIL
    remedy = "Set the clocks by NTP, this machine's and the validators': deadlines of orders and trades hang on them."
    return found("clock", where, level, f"its newest block was {late:+.1f} s old when it came", remedy)


def _makers(
    where: str, validators: Sequence[str], sample: Sequence[Mapping[str, Any]], expected: Description | None
) -> Finding:
    if len(sample) < 3 * len(validators):
        return found("block_makers", where, Level.UNKNOWN, "too few blocks to tell", "Ask again later.")
    makers = {str(block.get("miner")).lower() for block in sample}
    names = {node.address: node.name for node in expected.nodes} if expected else {}
    if not makers & set(validators):
        remedy = "Its blocks name somebody else as their maker (miningbeneficiary): see the validators' logs."
        return found("block_makers", where, Level.UNKNOWN, "blocks do not say which validator made them", remedy)
    idle = [names.get(validator, validator) for validator in validators if validator not in makers]
    if not idle:
        return found("block_makers", where, Level.OK, f"every validator made some of the last {len(sample)} blocks")
    spare = (len(validators) - 1) // 3
    remedy = f"Start it again: the chain goes on while {spare} of {len(validators)} are down, and stops with one more."
    what = f"{', '.join(idle)} made none of the last {len(sample)} blocks"
    return found("block_makers", where, Level.WARN if len(idle) <= spare else Level.FAIL, what, remedy)
