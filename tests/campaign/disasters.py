"""What befalls a world: each disaster arranges itself on the clock, and ends by itself.

Decisions that govern this module:

* A disaster is something that happened on a real network, or to a real database, process or key. Each is a function of
  the world and of when it begins, and returns what it is in words.
* A thief of nonces is one of its own kind: only where one was planted may a payment end with an operator.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from chains.model import Fault, RpcError
from chains.model.chain import nonce_of

from campaign.checking import Checkers
from campaign.world import CURRENCY, World
from pyjpm.contracts.codec import codec
from pyjpm.errors.custody import DeviceUnreachable, SigningRefused

Disaster = Callable[[World, random.Random, float], str]

_PAY, _PAY_BATCH = (codec("DepositToken").selector(function) for function in ("pay", "payBatch"))


def bad_wires(world: World, chance: random.Random, at: float) -> str:
    """Requests and answers get lost, late, doubled, cut short, changed."""
    kinds = chance.sample(list(Fault), chance.randrange(1, 5))
    rates = {kind: chance.choice((0.03, 0.1, 0.2)) for kind in kinds if kind is not Fault.UNAUTHORIZED}
    lasts = chance.uniform(5.0, 40.0)
    world.clock.at(at, lambda: world.network.disturb(rates, until=at + lasts))
    return f"bad wires for {lasts:.0f} s: {', '.join(f'{kind.value} {rate:.0%}' for kind, rate in rates.items())}"


def restart(world: World, chance: random.Random, at: float) -> str:
    """A node restarts: it takes transactions and forgets them, then refuses them while it catches up."""
    node = _reachable(world, chance)
    down, behind, forgets = chance.uniform(0.5, 5.0), chance.uniform(1.0, 12.0), chance.uniform(0.0, 3.0)
    world.clock.at(at, lambda: world.network.restart(node, down=down, behind=behind, forgets=forgets))
    return f"node {node} restarts, down {down:.0f} s, behind for {behind:.0f} s, forgetting for {forgets:.0f} s"


def forgotten_pools(world: World, chance: random.Random, at: float) -> str:
    """Every node forgets what waits, at once."""

    def forget() -> None:
        for node in world.network.nodes:
            world.network.forget_pool(node.index)

    world.clock.at(at, forget)
    return "all nodes forget their pools"


def away(world: World, chance: random.Random, at: float) -> str:
    """A node goes away with what it has, and comes back with it."""
    node, lasts = _reachable(world, chance), chance.uniform(5.0, 60.0)
    world.clock.at(at, lambda: world.network.restart(node, down=lasts, saves_pool=True))
    return f"node {node} is away for {lasts:.0f} s, and keeps its pool"


def lagging(world: World, chance: random.Random, at: float) -> str:
    """A node's view stands still while it answers."""
    node, lasts = _reachable(world, chance), chance.uniform(3.0, 30.0)
    world.clock.at(at, lambda: world.network.lag(node, lasts))
    return f"node {node} lags for {lasts:.0f} s"


def alone(world: World, chance: random.Random, at: float) -> str:
    """A node hears and tells nothing of transactions, then goes away with those that only it has."""
    node, lasts, gone = _reachable(world, chance), chance.uniform(3.0, 20.0), chance.uniform(5.0, 60.0)

    def leave() -> None:
        if world.network.nodes[node].up:
            world.network.restart(node, down=gone, saves_pool=True)

    world.clock.at(at, lambda: world.network.mute(node, lasts + gone))
    world.clock.at(at + lasts, leave)
    return f"node {node} is alone for {lasts:.0f} s, then away with its pool for {gone:.0f} s"


def no_quorum(world: World, chance: random.Random, at: float) -> str:
    """Two of four validators are gone: no block for two minutes, and for what is left of the round after that."""
    lasts, saves = chance.choice((20.0, 120.0)), chance.random() < 0.5
    validators = world.network.validators
    gone = [node.index for node in validators[-2:]]

    def stop() -> None:
        for index in gone:
            if world.network.nodes[index].up:
                world.network.restart(index, down=lasts, saves_pool=saves)

    world.clock.at(at, stop)
    return f"no quorum for {lasts:.0f} s: validators {gone} are gone{', with their pools' if saves else ''}"


def denied(world: World, chance: random.Random, at: float) -> str:
    """A wallet is not on the account lists of one node, or of all."""
    company, lasts = chance.choice(world.companies), chance.uniform(5.0, 60.0)
    nodes = world.network.nodes
    chosen = nodes if chance.random() < 0.6 else [chance.choice(nodes)]

    def deny() -> None:
        for node in chosen:
            world.network.deny(node.index, company.wallet)

    def permit() -> None:
        for node in chosen:
            world.network.permit(node.index, company.wallet)

    world.clock.at(at, deny)
    world.clock.at(at + lasts, permit)
    return f"nodes {[node.index for node in chosen]} deny company {company.place} for {lasts:.0f} s"


def refused(world: World, chance: random.Random, at: float) -> str:
    """Every node says that the calls of a company are too big; some take them all the same."""
    company, lasts, takes = chance.choice(world.companies), chance.uniform(12.0, 60.0), chance.random() < 0.4

    def refuse() -> None:
        world.refusals[company.wallet.lower()] = (at + lasts, takes)

    world.clock.at(at, refuse)
    return (
        f"all nodes refuse the calls of company {company.place} for {lasts:.0f} s{', and take them' if takes else ''}"
    )


def theft(world: World, chance: random.Random, at: float) -> str:
    """Somebody else uses a nonce of a company, with its key."""
    company = chance.choice(world.companies)
    ahead, kind = chance.choice((0, 0, 0, 1, 2)), chance.choice(("pays", "calls", "calls"))
    reference = chance.randbytes(32)
    world.thieves.add(company.wallet)

    def steal() -> None:
        thief, network = world.thief(company), world.network
        nonce = nonce_of(network.chain.head.state, thief.wallet) + ahead
        for node in network.nodes:
            if not node.up:
                continue
            try:
                if kind == "pays":
                    world.thefts.add(
                        thief.pay(CURRENCY, world.payee.lower(), 13, reference, nonce=nonce, node=node.index)
                    )
                else:
                    thief.call("0x" + "77" * 20, b"theft", nonce=nonce, node=node.index)
            except RpcError:
                continue

    world.clock.at(at, steal)
    return f"a thief {kind} on nonce +{ahead} of company {company.place}"


def jam(world: World, chance: random.Random, at: float) -> str:
    """Somebody signs with a company's key and a price: never mined, never replaced, until an operator frees it."""
    company = chance.choice(world.companies)
    ahead, price = chance.choice((0, 0, 1)), chance.choice((1, 10**9))

    def sign() -> None:
        thief, network = world.thief(company), world.network
        nonce = nonce_of(network.chain.head.state, thief.wallet) + ahead
        for node in network.nodes:
            if not node.up:
                continue
            try:
                called = thief.call("0x" + "77" * 20, b"jam", nonce=nonce, node=node.index, price=price)
                world.jams[company.wallet] = called
            except RpcError:
                continue

    world.clock.at(at, sign)
    return f"nonce +{ahead} of company {company.place} is jammed at {price} wei"


def operator(world: World, chance: random.Random, at: float) -> str:
    """An operator decides something: withdraws, voids, tries again, reopens."""
    acts = [chance.choice(("cancel", "void", "void", "retry", "reopen")) for _ in range(chance.randrange(1, 5))]
    for act in acts:
        world.clock.at(at, world.wishes.append, act)
        at += chance.uniform(0.0, 10.0)
    return f"an operator decides: {', '.join(acts)}"


def four_eyes(world: World, chance: random.Random, at: float) -> str:
    """From the beginning, payments above an amount wait for the words of one or two of three checkers."""
    above, needed = chance.randrange(0, 800), chance.choice((1, 2))
    world.checkers = Checkers(chance, world.log, CURRENCY, above, needed)
    return f"payments above {above} wait for the words of {needed} of three checkers"


def restored(world: World, chance: random.Random, at: float) -> str:
    """The database is put back as it was some time ago, while what was sent since still waits, or was mined."""
    if world.markless:
        return crash(world, chance, at)
    back = at + chance.uniform(1.0, 60.0)
    copies: list[object] = []
    name = f"copy-{at:.3f}"

    def copy() -> None:
        copies.append(world.back_up(name))

    def put_back() -> None:
        made = copies[0] if copies else None
        if made is not None:
            world.restore(world.path.with_name(name))

    world.clock.at(at, copy)
    world.clock.at(back, put_back)
    return f"the database is copied, and put back at {back:.0f}"


def hoarded(world: World, chance: random.Random, at: float) -> str:
    """Only one node has what was sent since the copy, and it is down when the database is put back."""
    network = world.network
    if len(network.wires) < 2 or world.markless:
        return restored(world, chance, at)
    keeper = chance.randrange(len(network.wires))
    others = [index for index in range(len(network.wires)) if index != keeper]
    stopped = [node.index for node in network.validators if node.index not in (keeper, *others)][:2]
    lasts, gone = chance.uniform(3.0, 15.0), chance.uniform(10.0, 90.0)
    name = f"copy-{at:.3f}"

    def begin() -> None:
        world.back_up(name)
        network.mute(keeper, lasts + gone)
        for index in (*others, *stopped):  # without a quorum, so that the keeper does not mine what it has
            if network.nodes[index].up:
                network.stop(index)

    def turn() -> None:
        if network.nodes[keeper].up:
            network.restart(keeper, down=gone, saves_pool=True)
        for index in (*others, *stopped):
            if not network.nodes[index].up:
                network.start(index)
        if world.path.with_name(name).exists():
            world.restore(world.path.with_name(name))

    world.clock.at(at, begin)
    world.clock.at(at + lasts, turn)
    return (
        f"node {keeper} alone gets what is sent for {lasts:.0f} s, is away for {gone:.0f} s, the database is put back"
    )


def crash(world: World, chance: random.Random, at: float) -> str:
    """The process dies at some failpoint."""
    points = int(chance.expovariate(1 / 80)) + 1

    def light() -> None:
        world.fuse = points

    world.clock.at(at, light)
    return f"the process dies {points} points later"


def crashes(world: World, chance: random.Random, at: float) -> str:
    """It dies, and dies again while it recovers."""
    for _ in range(chance.randrange(2, 5)):
        crash(world, chance, at)
        at += chance.uniform(0.5, 8.0)
    return "the process dies several times"


def lost_mark(world: World, chance: random.Random, at: float) -> str:
    """A signer loses its mark, and the process is restarted."""
    if world.markless:
        return crash(world, chance, at)
    company = chance.choice(world.companies)

    def lose() -> None:
        world.marks.lose(company.wallet)
        world.kill(f"the signer of company {company.place} lost its mark")

    world.clock.at(at, lose)
    return f"the signer of company {company.place} loses its mark"


def lost_all(world: World, chance: random.Random, at: float) -> str:
    """The database is put back, and the marks are gone too."""
    said = restored(world, chance, at)
    if world.markless:
        return said
    for company in world.companies:
        world.clock.at(at + 0.5, world.marks.lose, company.wallet)
    return f"{said}; all marks are lost"


def silent_device(world: World, chance: random.Random, at: float) -> str:
    """The device with a company's key does not answer, or not every time; the mark may be written by then."""
    company, lasts, often = chance.choice(world.companies), chance.uniform(3.0, 40.0), chance.choice((1.0, 0.4))
    signer, drawn = world.signers[company.place], random.Random(chance.random())

    def trouble() -> None:
        if drawn.random() < often:
            raise DeviceUnreachable("The device does not answer.", device="model", reason="silent")

    world.clock.at(at, setattr, signer, "trouble", trouble)
    world.clock.at(at + lasts, signer.at_ease)
    return f"the device of company {company.place} is silent for {lasts:.0f} s, {often:.0%} of the times"


def strict_policy(world: World, chance: random.Random, at: float) -> str:
    """A signer's policy refuses for good what another day it signs: payments above an amount, and batches."""
    company, limit, lasts = chance.choice(world.companies), chance.randrange(0, 800), chance.uniform(5.0, 40.0)
    signer = world.signers[company.place]

    def policy(data: bytes) -> None:
        if data[:4] == _PAY_BATCH or (data[:4] == _PAY and int.from_bytes(data[36:68], "big") > limit):
            raise SigningRefused("The policy does not allow it.", field="data")

    world.clock.at(at, setattr, signer, "policy", policy)
    world.clock.at(at + lasts, signer.at_ease)
    return f"the signer of company {company.place} signs payments up to {limit} and no batch for {lasts:.0f} s"


def wrong_clock(world: World, chance: random.Random, at: float) -> str:
    """The machine's clock jumps, mostly back."""
    seconds = chance.choice((-7_200.0, -600.0, -30.0, 3_600.0))
    world.clock.at(at, world.clock.jump, seconds)
    return f"the clock jumps by {seconds:.0f} s"


def two_processes(world: World, chance: random.Random, at: float) -> str:
    """A second process is started on the outbox by mistake; one of them is stopped later."""
    lasts, older = chance.uniform(3.0, 25.0), chance.random() < 0.7

    def begin() -> None:
        if world.ready:
            world.launch()

    def end() -> None:
        if len(world.processes) > 1:
            world.processes[0 if older else -1].dead = True

    world.clock.at(at, begin)
    world.clock.at(at + lasts, end)
    return f"two processes for {lasts:.0f} s"


def stopped_payer(world: World, chance: random.Random, at: float) -> str:
    """The bank freezes a payer, or pauses the token, between acceptance and block."""
    company, lasts = chance.choice(world.companies), chance.uniform(2.0, 15.0)
    network = world.network
    if chance.random() < 0.7:
        world.clock.at(at, network.freeze, company.participant)
        world.clock.at(at + lasts, lambda: network.freeze(company.participant, frozen=False))
        return f"company {company.place} is frozen for {lasts:.0f} s"
    world.clock.at(at, network.pause, CURRENCY)
    world.clock.at(at + lasts, lambda: network.pause(CURRENCY, paused=False))
    return f"the token is paused for {lasts:.0f} s"


def lower_limit(world: World, chance: random.Random, at: float) -> str:
    """The bank lowers a payer's daily limit."""
    company, limit, lasts = chance.choice(world.companies), chance.randrange(0, 1_500), chance.uniform(5.0, 30.0)
    network = world.network
    world.clock.at(at, network.limit, company.participant, CURRENCY, limit)
    world.clock.at(at + lasts, network.limit, company.participant, CURRENCY, 10**12)
    return f"the limit of company {company.place} is {limit} for {lasts:.0f} s"


DISASTERS: dict[Disaster, int] = {
    bad_wires: 5,
    restart: 4,
    forgotten_pools: 2,
    away: 3,
    lagging: 4,
    alone: 4,
    no_quorum: 2,
    denied: 2,
    refused: 3,
    theft: 1,
    jam: 1,
    operator: 3,
    restored: 5,
    hoarded: 4,
    crash: 6,
    crashes: 3,
    lost_mark: 2,
    lost_all: 1,
    silent_device: 3,
    strict_policy: 2,
    wrong_clock: 2,
    two_processes: 3,
    stopped_payer: 3,
    lower_limit: 2,
}
"""With how likely each is drawn."""

RESTARTS: frozenset[Disaster] = frozenset({restored, hoarded, crash, crashes, lost_mark, lost_all, two_processes})
"""Those in which the engine starts again."""

PUTTING_BACK: frozenset[str] = frozenset({restored.__name__, hoarded.__name__, lost_all.__name__})
"""The names of those in which it finds an older database."""


def _reachable(world: World, chance: random.Random) -> int:
    return chance.randrange(len(world.network.wires))
