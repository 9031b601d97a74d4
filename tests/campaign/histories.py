"""Random histories: companies pay while everything goes wrong, then the world heals, then the judge reads the chain.

``run(seed)`` is one history; the same seed is the same history, of the same engine.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from campaign.clients import Request
from campaign.disasters import DISASTERS, PUTTING_BACK, RESTARTS, Disaster, crash, four_eyes
from campaign.judge import judge
from campaign.world import CURRENCY, Serving, World, drawn_from

PAYMENTS = 20
SPAN = 60.0
"""Virtual seconds over which companies ask and disasters begin."""
CARELESS = 0.03
"""Of requests whose client asks for something else under the same key, later."""
PATIENCE = 1_800.0
"""Virtual seconds after the healing until everything must have an end."""
SETTLING = 30.0
MOMENTS = 2
"""At which a company's threads ask, where they meet."""
STEP = 0.25
BUSY, IDLE = 1.0, 5.0
"""Virtual seconds between the steps of a process, where something waits for an end and where nothing does."""
_ROOT = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


Script = Callable[[World], float]
"""Arranges what befalls a world, and says when it is healed, in virtual seconds."""


def run(
    seed: int,
    say: Callable[[str], None] | None = None,
    *,
    mutant: str | None = None,
    planted: bool = True,
    script: Script | None = None,
) -> dict[str, Any]:
    """One history.

    Args:
        say: told every event, for people.
        mutant: the engine's mistake, if it is to make one; see ``mutants``.
        planted: False: the disasters that the mutant needs, but no mistake.
        script: what befalls a calm world (see ``World``) instead of what would be drawn.

    Returns:
        ``findings`` of the judge by kind, its counts, ``disasters``, and ``seconds`` of the processor that it took.
    """
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="pyjpm-history-", dir=_ROOT) as folder, ExitStack() as things:
        things.enter_context(drawn_from(seed))
        needs: Sequence[Disaster] = ()
        if mutant is not None:
            from campaign.mutants import applied  # pieces of the engine that may have moved are no matter otherwise

            needs = things.enter_context(applied(mutant, planted=planted))
        history = _History(seed, Path(folder), say or (lambda what: None), needs, script)
        things.enter_context(history.world.clock.driving())
        try:
            return {**history.live(), "seconds": time.process_time() - started}
        finally:
            for process in history.world.processes:
                process.die()


class _History:
    def __init__(
        self, seed: int, folder: Path, say: Callable[[str], None], needs: Sequence[Disaster], script: Script | None
    ) -> None:
        self.seed = seed
        self.world = World(seed, folder, say, calm=script is not None)
        self._chance = random.Random(f"{seed}/history")
        self._carry_on_at = self._operator_at = self._checkers_at = 0.0
        self._requests(careful=script is not None)
        if script is None:
            self._draw(needs)
        else:
            self.disasters = []
            self._heals_at = script(self.world)

    def live(self) -> dict[str, Any]:
        world, clock = self.world, self.world.clock
        while clock.monotonic() < self._heals_at:
            self._turn()
        world.heal()
        deadline, settled_at = clock.monotonic() + PATIENCE, None
        while clock.monotonic() < deadline:
            self._turn()
            if world.clients.open or not world.ready:
                settled_at = None
            elif settled_at is None:
                settled_at = clock.monotonic()
            elif clock.monotonic() - settled_at > SETTLING:
                break
        return self._judged()

    # --- drawing ---------------------------------------------------------------------------------------------------

    def _requests(self, *, careful: bool) -> None:
        world, chance = self.world, self._chance
        number = payments = 0
        while payments < PAYMENTS:
            company = world.companies[number % len(world.companies)]
            size = chance.choice((1, 1, 1, 2, 3))
            amounts = tuple(chance.randrange(1, 1_000) for _ in range(size))
            request = Request(
                company,
                f"{company.place}-{number}",
                CURRENCY,
                world.payee,
                amounts,
                next_at=chance.uniform(0.5, SPAN),
                asks_after_final=int(chance.random() < 0.2),
            )
            world.clients.requests.append(request)
            payments += size
            number += 1
        for request in [] if careful else list(world.clients.requests):
            if chance.random() < CARELESS:
                amounts = tuple(amount + 1 for amount in request.amounts)
                later = request.next_at + chance.uniform(0.0, SPAN / 2)
                world.clients.requests.append(replace(request, amounts=amounts, next_at=later, variant=1))
        if not careful:
            self._let_meet(random.Random(f"{self.seed}/meeting"))

    def _let_meet(self, chance: random.Random) -> None:
        """In half of all histories companies ask for many single payments at the same moments, by a thread each."""
        if chance.random() < 0.5:
            return
        moments = {company: chance.sample(range(1, int(SPAN)), MOMENTS) for company in self.world.companies}
        for request in self.world.clients.requests:
            if len(request.amounts) == 1:
                request.meets = True
                request.next_at = float(chance.choice(moments[request.company]))

    def _date(self, chance: random.Random) -> None:
        """In a third of all histories single payments have a value date, and some a last second: of those in which no
        database is put back, as a copy that looks like the newest sends what was refused since (docs/safety.md)."""
        if chance.random() > 1 / 3 or PUTTING_BACK.intersection(self.disasters):
            return
        for request in self.world.clients.requests:
            if len(request.amounts) == 1 and chance.random() < 0.5:
                asked = int(self.world.clock.time() + request.next_at)
                request.not_before = asked + chance.randrange(-5, int(SPAN / 2))
                if chance.random() < 0.5:
                    request.not_after = request.not_before + chance.randrange(int(SPAN / 2))

    def _check(self, chance: random.Random, *, wanted: bool) -> None:
        """In a third of the histories that put no database back, for the same reason, payments wait for words."""
        if (wanted or chance.random() < 1 / 3) and not PUTTING_BACK.intersection(self.disasters):
            self.world.log(four_eyes(self.world, chance, 0.0))
            self.disasters.append(four_eyes.__name__)

    def _draw(self, needs: Sequence[Disaster]) -> None:
        world, chance = self.world, self._chance
        kinds = list(DISASTERS)
        drawn = chance.choices(kinds, [DISASTERS[kind] for kind in kinds], k=chance.randrange(3, 7))
        drawn += [kind for kind in needs if kind is not four_eyes]
        if four_eyes in needs:
            drawn = [kind for kind in drawn if kind.__name__ not in PUTTING_BACK]
        if not RESTARTS.intersection(drawn):
            drawn.append(crash)
        self.disasters = [kind.__name__ for kind in drawn]
        self._date(random.Random(f"{self.seed}/dates"))
        self._check(random.Random(f"{self.seed}/checkers"), wanted=four_eyes in needs)
        for kind in drawn:
            at = chance.uniform(1.0, SPAN)
            world.log(f"will be at {at:.1f}: {kind(world, chance, at)}")
        self._heals_at = SPAN + chance.choice((5.0, 40.0, 130.0))

    # --- living ----------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        world, clock = self.world, self.world.clock
        self._raise_processes()
        now = clock.monotonic()
        if world.ready:
            process = self._chance.choice(world.ready)
            if now >= self._carry_on_at:
                waits = any(request.accepted for request in world.clients.open)
                self._carry_on_at = now + (BUSY if waits else IDLE)
                world.run(process, process.carry_on)
            if process.ready and not process.dead:
                world.run(process, lambda: world.clients.step(Serving(world, process)))
            if process.ready and not process.dead and now >= self._operator_at:
                self._operator_at = now + 5.0
                world.operate(process)
            if process.ready and not process.dead and now >= self._checkers_at:
                self._checkers_at = now + 3.0
                world.check(process)
            if process.dead:
                world.clients.unheard()
        clock.sleep(STEP)

    def _raise_processes(self) -> None:
        world, now = self.world, self.world.clock.monotonic()
        if any(process.dead for process in world.processes):
            world.bury()
            if not world.processes:
                world.restart_at = now + self._chance.uniform(0.2, 5.0)
        if not world.processes and now >= world.restart_at:
            world.log("a process is started")
            world.launch()
        for process in world.processes:
            if not process.ready and not process.dead and now >= world.restart_at:
                world.run(process, process.start)
                world.restart_at = now + (0.0 if process.ready else 1.0)

    def _judged(self) -> dict[str, Any]:
        judgement = judge(self.world.evidence())
        return {
            "seed": self.seed,
            "findings": judgement.findings,
            "payments": judgement.payments,
            "final": judgement.final,
            "reverted": judgement.reverted,
            "planted": judgement.planted,
            "disasters": self.disasters,
        }
