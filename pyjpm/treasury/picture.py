"""A report as one HTML page to look at, mail and print: no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Final

from pyjpm.money import Money
from pyjpm.treasury.report import TreasuryReport

_WIDTH: Final = 420
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0} h2{font-size:1.1rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%} td,th{padding:.25rem .6rem;border-bottom:1px solid #dfe5ec;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums} .a{background:#fff6e0} .m{color:#5b6b7c}
rect.c{fill:#1f6f8b} rect.s{fill:#e0a030} text{font:12px system-ui,sans-serif;fill:#1c2733}
"""


def picture(report: TreasuryReport) -> str:
    """The report as an HTML document. Assumed figures stand on a coloured ground."""
    title = f"{report.group.name}: treasury report"
    told = report.to_dict()
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="m">{escape(told["since"])} to {escape(told["until"])}, block {report.accounts.block}.'
        ' <span class="a">Coloured figures rest on the assumptions below.</span></p>',
        "<h2>Accounts</h2>",
        _accounts(report),
        "<h2>Against correspondent banks</h2>",
        _saved(report),
        "<h2>Working capital: amounts times days</h2>",
        _bars(report),
        _orders(report),
        "<h2>Assumptions</h2>",
        _assumed(report),
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _accounts(report: TreasuryReport) -> str:
    rows = [
        (each.member, each.balance.currency, *(_shown(money) for money in (each.balance, each.available, each.held)))
        for each in report.accounts.positions
    ]
    rows += [("all", money.currency, _shown(money), "", "") for money in report.accounts.totals]
    table = _table(("member", "currency", "balance", "available", "held"), rows, numbers=(2, 3, 4))
    base = report.accounts.in_base
    return table if base is None else f'{table}<p>In all <span class="a">{base.currency} {_shown(base)}</span>.</p>'


def _saved(report: TreasuryReport) -> str:
    saved = report.saved
    counted = [
        ("bank transfers that the flows would have been", f"{saved.transfers:,}"),
        ("movements on chain", f"{saved.movements:,}"),
        ("transfers avoided by netting", f"{saved.legs_netted - saved.left_of_nets:,}"),
        ("exchanges, both sides or none", f"{saved.exchanges:,}"),
    ]
    assumed = [
        ("fees", str(saved.fees)),
        ("money in transit", str(saved.funding)),
        ("spread of exchanges", str(saved.spread)),
        ("all of it", str(saved.total)),
        ("longest on its way", f"{saved.longest_days} days"),
    ]
    return _table((), counted, numbers=(1,)) + _table((), assumed, numbers=(1,), kind="a")


def _bars(report: TreasuryReport) -> str:
    """Standing and idle money on chain, and at each T+n: a group of bars by currency."""
    standing = [(each.released.currency, each.amount_days, each.at_settle) for each in report.orders]
    idle = [(each.currency, each.amount_days, each.at_settle) for each in report.idle]
    drawn = []
    for what, found in (("standing for orders", standing), ("idle", idle)):
        for currency in sorted({each[0] for each in found}):
            of = [each for each in found if each[0] == currency]
            bars = [("on chain", sum((days for _, days, _ in of), start=Decimal(0)), "c")]
            for n in report.assumptions.settle:
                bars.append((f"T+{n}", sum((settle[n] for *_, settle in of), start=Decimal(0)), "s"))
            drawn.append(_svg(f"{currency}-days, {what}", bars))
    return "".join(drawn)


def _svg(title: str, bars: Sequence[tuple[str, Decimal, str]]) -> str:
    most = max((value for _, value, _ in bars), default=Decimal(0)) or Decimal(1)
    height = 26 * len(bars) + 24
    lines = [f'<text x="0" y="14">{escape(title)}</text>']
    for place, (name, value, kind) in enumerate(bars):
        y, width = 24 + 26 * place, int(value / most * _WIDTH)
        lines.append(
            f'<text x="0" y="{y + 14}">{escape(name)}</text><rect class="{kind}" x="70" y="{y}" width="{width}"'
            f' height="18"/><text x="{width + 76}" y="{y + 14}">{value:,}</text>'
        )
    return f'<svg role="img" width="{_WIDTH + 240}" height="{height}">{"".join(lines)}</svg>'


def _orders(report: TreasuryReport) -> str:
    settle = report.assumptions.settle
    rows = [
        (
            each.reference[:10],
            _shown(each.released),
            _shown(each.standing),
            "" if each.days is None else f"{each.days}",
            f"{each.amount_days:,}",
            *(f"{each.at_settle[n]:,}" for n in settle),
        )
        for each in report.orders
    ]
    heads = ("order", "released", "standing", "days", "amount-days", *(f"at T+{n}" for n in settle))
    return _table(heads, rows, numbers=range(1, len(heads))) if rows else '<p class="m">No orders.</p>'


def _assumed(report: TreasuryReport) -> str:
    told = report.assumptions.to_dict()
    rows = [
        ("everything in", told["base"]),
        ("days of", told["zone"] + (f", without {', '.join(told['holidays'])}" if told["holidays"] else "")),
        ("money costs", f"{told['funding_rate_percent']} % a year of {told['day_count']} days"),
        *((f"{currency} is", f"{told['base']} {rate}") for currency, rate in told["rates"].items()),
        *(
            (f"a transfer in {name}", f"{told['base']} {of['fee']}, {of['days']} business days, {of['spread_bps']} bps")
            for name, of in told["correspondent"].items()
        ),
    ]
    return _table((), rows, kind="a")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = (), kind: str = "") -> str:
    right = set(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        classes = (("n" if place in right else "") for place in range(len(row)))
        return "".join(f'<{tag} class="{name}">{escape(text)}</{tag}>' for name, text in zip(classes, row, strict=True))

    head = f"<tr>{cells('th', heads)}</tr>" if heads else ""
    return f'<table class="{kind}">{head}' + "".join(f"<tr>{cells('td', row)}</tr>" for row in rows) + "</table>"


def _shown(money: Money) -> str:
    return f"{money.amount:,}"
