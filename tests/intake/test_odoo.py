"""Odoo, by a double written from its documentation: what it tells becomes events, once, also when it is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from intake_support import World
from odoo_double import DATABASE, PASSWORD, USER, OdooDouble

from pyjpm.errors import SourceRefused, SourceUnavailable
from pyjpm.orders.connectors.connector import StatusEvent
from pyjpm.orders.connectors.odoo import OVERLAP, OdooConnector, OdooJsonRpc, OdooXmlRpc
from pyjpm.orders.intake import EventState, IntakeMapping
from pyjpm.orders.intake.watch import Watch

MAPPING = IntakeMapping.model_validate({"statuses": {"SHIPPED": 1}, "rule": [{"status": "done", "means": "SHIPPED"}]})
Api = Callable[..., OdooJsonRpc | OdooXmlRpc]


@pytest.fixture
def odoo() -> Iterator[OdooDouble]:
    with OdooDouble() as double:
        yield double


@pytest.fixture(params=[OdooJsonRpc, OdooXmlRpc], ids=["json-rpc", "xml-rpc"])
def api(request: pytest.FixtureRequest) -> Api:
    return request.param  # type: ignore[no-any-return]


def connector(
    odoo: OdooDouble, api: Api, *, source: str = "odoo", password: str = PASSWORD, timeout: float = 10
) -> OdooConnector:
    return OdooConnector(
        api(odoo.url, timeout=timeout, source=source),
        DATABASE,
        user=USER,
        password=lambda: password,
        source=source,
    )


def drained(connected: OdooConnector, cursor: str | None = None) -> tuple[list[StatusEvent], str | None]:
    """Everything until there is no more, and the cursor that it left."""
    found: list[StatusEvent] = []
    while True:
        batch = connected.poll(cursor)
        assert batch.problems == ()
        found += batch.events
        cursor = batch.cursor
        if not batch.more:
            return found, cursor


def test_a_delivery_in_two_parts_is_told_with_what_was_delivered_so_far(odoo: OdooDouble, api: Api) -> None:
    sale = odoo.sale("S00001", (10, 70.00), (3, 30.00))
    first, rest = odoo.picking(sale), odoo.picking(sale)
    connected = connector(odoo, api)
    events, cursor = drained(connected)
    assert events == []

    odoo.now += 10
    odoo.deliver(first, 4, 1)
    (told,), cursor = drained(connected, cursor)
    assert (told.order, told.milestone, told.status) == ("S00001", "goods", "done")
    assert (told.accepted, told.complete) == (28_00 + 10_00, False)
    assert told.seq == told.at == 1_790_000_010
    assert drained(connected, cursor)[0] == [], "what lies in the overlap was told"

    odoo.now += 60
    odoo.deliver(rest, 10, 3)
    (told,), cursor = drained(connected, cursor)
    assert (told.accepted, told.complete) == (100_00, True)


def test_an_amount_that_is_no_whole_cent_is_rounded_down_once(odoo: OdooDouble, api: Api) -> None:
    sale = odoo.sale("S1", (3, 10.00), (3, 10.00), (7, 0.07), currency="USD")
    odoo.deliver(odoo.picking(sale), 1, 1, 1)
    (told,), _ = drained(connector(odoo, api))
    assert told.accepted == 667  # 3.333… + 3.333… + 0.01 = 6.676…


def test_only_deliveries_to_customers_that_are_done_are_told(odoo: OdooDouble, api: Api) -> None:
    sale = odoo.sale("S1", (1, 1.00))
    odoo.picking(sale)
    odoo.deliver(odoo.picking(sale, kind="incoming"), 1)
    odoo.cancel(odoo.picking(sale))
    assert drained(connector(odoo, api))[0] == []


def test_many_deliveries_of_one_second_are_all_told_once(odoo: OdooDouble, api: Api) -> None:
    for number in range(230):
        odoo.deliver(odoo.picking(odoo.sale(f"S{number:03}", (1, 1.00))), 1)
    connected = connector(odoo, api)
    events, cursor = drained(connected)
    assert sorted(event.order for event in events) == [f"S{number:03}" for number in range(230)]
    assert drained(connected, cursor)[0] == []


def test_many_deliveries_over_time_are_all_told_once(odoo: OdooDouble, api: Api) -> None:
    for number in range(230):
        odoo.now += 7.3
        odoo.deliver(odoo.picking(odoo.sale(f"S{number:03}", (1, 1.00))), 1)
    connected = connector(odoo, api)
    events, cursor = drained(connected)
    assert [event.order for event in events] == [f"S{number:03}" for number in range(230)]
    assert drained(connected, cursor)[0] == []


def test_what_a_long_transaction_wrote_earlier_is_not_missed(odoo: OdooDouble, api: Api) -> None:
    connected = connector(odoo, api)
    odoo.deliver(odoo.picking(odoo.sale("S1", (1, 1.00))), 1)
    _, cursor = drained(connected)
    late = odoo.picking(odoo.sale("S2", (1, 1.00)))
    odoo.deliver(late, 1, at=odoo.now - OVERLAP + 1)
    events, _ = drained(connected, cursor)
    assert [event.order for event in events] == ["S2"]


def test_a_sale_that_cannot_be_read_or_priced_is_a_problem_with_its_place(odoo: OdooDouble, api: Api) -> None:
    odoo.deliver(odoo.picking(odoo.sale("S1", (1, 1.00), currency="QQQ")), 1)
    odoo.deliver(odoo.picking(9_999), 1)
    odoo.deliver(odoo.picking(odoo.sale("S3", (1, 1.00))), 1)
    batch = connector(odoo, api).poll(None)
    assert [event.order for event in batch.events] == ["S3"]
    assert len(batch.problems) == 2
    assert all("WH/OUT" in problem.place for problem in batch.problems)


@pytest.mark.parametrize("mode", ["down", "garbled", "cut", "deep", "busy", "slow"])
def test_an_odoo_that_is_down_or_slow_is_a_typed_error_and_nothing_is_lost(
    odoo: OdooDouble, api: Api, mode: str
) -> None:
    connected = connector(odoo, api, timeout=0.5)
    odoo.deliver(odoo.picking(odoo.sale("S1", (1, 1.00))), 1)
    odoo.mode = mode
    started = time.monotonic()
    with pytest.raises(SourceUnavailable) as raised:
        connected.poll(None)
    assert time.monotonic() - started < 3
    assert PASSWORD not in str(raised.value.to_dict())
    odoo.mode = "up"
    assert [event.order for event in drained(connected)[0]] == ["S1"]


def test_an_odoo_that_refuses_us_says_why_without_our_password(odoo: OdooDouble, api: Api) -> None:
    with pytest.raises(SourceRefused, match="AccessDenied") as raised:
        connector(odoo, api, password="wrong-secret").poll(None)
    assert "wrong-secret" not in str(raised.value.to_dict())
    odoo.mode = "forbidden"
    with pytest.raises(SourceRefused, match="not allowed to access"):
        connector(odoo, api).poll(None)
    with pytest.raises(SourceUnavailable):
        OdooConnector(api("http://127.0.0.1:9"), DATABASE, user=USER, password=lambda: PASSWORD).poll(None)


def test_a_sale_that_arrives_short_settles_for_what_arrived_though_odoo_goes_down(
    world: World, odoo: OdooDouble, api: Api
) -> None:
    intake, document = world.intake(mapping=MAPPING), world.funded(partial=True)
    order = world.bound(intake, document, parts={"goods": 0})
    odoo.now = world.bank.session.now() + 0.5
    sale = odoo.sale(order, (100, 100.00))
    first, rest, backorder = (odoo.picking(sale) for _ in range(3))
    connected = connector(odoo, api, source=world.source)

    odoo.deliver(first, 40)
    Watch(intake, connected).run(once=True)
    assert world.paid() == 40_00

    odoo.now += 5
    odoo.deliver(rest, 95)
    odoo.cancel(backorder)
    odoo.mode = "down"
    with pytest.raises(SourceUnavailable):
        Watch(intake, connected).run(once=True)
    odoo.mode = "up"
    Watch(world.intake(mapping=MAPPING), connector(odoo, api, source=world.source)).run(once=True)
    assert {each.state for each in intake.events()} == {EventState.DONE}
    seen = world.milestone(document)
    assert (world.paid(), seen.released.minor, seen.refunded.minor) == (95_00, 95_00, 5_00)
