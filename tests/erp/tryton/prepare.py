"""Makes a company's Tryton database; run by the Python of .venv-tryton, in process, which takes seconds.

    prepare.py CONFIG DATABASE

The company sells and buys one product, priced 10.00 USD, has a stock of it that does not run out, and takes what is
paid on the chain into a cash account by the payment method «Deposit tokens». ``pyjpm`` is the user of the connector: it
may read sales and stock and book payments, and is no administrator; ``stranger`` may do nothing.
"""

from __future__ import annotations

import sys
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company
from trytond.modules.currency.tests.tools import get_currency

PASSWORD = "the connector's own, for tests"
USERS: dict[str, tuple[str, ...]] = {"pyjpm": ("pyjpm", "Accounting", "Sales", "Stock"), "stranger": ()}


def main(configuration: str, database: str) -> None:
    config.set_trytond(database, config_file=configuration)
    party = Model.get("party.party")(name="Northwind Traders")
    party.save()
    create_company(party, get_currency("USD"))
    create_chart()
    year = set_fiscalyear_invoice_sequences(create_fiscalyear())
    year.save()
    year.click("create_period")
    accounts = get_accounts()
    method = Model.get("account.invoice.payment.method")(name="Deposit tokens")
    (method.journal,) = Model.get("account.journal").find([("type", "=", "cash")])
    method.credit_account = method.debit_account = accounts["cash"]
    method.save()
    category = Model.get("product.category")(name="Goods", accounting=True)
    category.account_revenue, category.account_expense = accounts["revenue"], accounts["expense"]
    category.save()
    template = Model.get("product.template")(name="Chai", type="goods", salable=True, list_price=Decimal("10.00"))
    (template.default_uom,) = Model.get("product.uom").find([("name", "=", "Unit")])
    template.purchasable, template.cost_price_method = True, "fixed"
    template.account_category = category
    template.save()
    (product,) = template.products
    create_payment_term().save()
    for name in ("Save-a-lot Markets", "Exotic Liquids"):
        Model.get("party.party")(name=name).save()
    inventory = Model.get("stock.inventory")()
    (inventory.location,) = Model.get("stock.location").find([("code", "=", "STO")])
    line = inventory.lines.new(product=product)
    line.quantity, line.expected_quantity = 1_000_000.0, 0.0
    inventory.click("confirm")
    for login, groups in USERS.items():
        (company,) = Model.get("company.company").find()
        user = Model.get("res.user")(name=login, login=login, password=PASSWORD)
        user.groups.extend(Model.get("res.group").find([("name", "in", list(groups))]))
        user.companies.append(company)
        user.company = company
        user.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
