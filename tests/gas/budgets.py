"""What an operation may cost at most, behind proxies and with all checks on."""

BUDGETS = {
    "transfer_existing": 63_000,
    "transfer_new": 63_000,
    "pay_new_word": 88_000,
    "pay_same_word": 71_000,
    "pay_batch_200_each": 17_000,
    "escrow_open_fund": 125_000,
    "escrow_attest_release_2of3": 115_000,
    "escrow_life_pay_first": 240_000,
    "dvp_two_legs": 165_000,
}

# Rows that may pass their budget, with the reason, what it would take, and how far they may: (at most, why).
PASSED: dict[str, tuple[int, str]] = {}

LARGEST_CONTRACT = 24_576  # bytes of code: EIP-170


def verdict(row: str, gas: int) -> str:
    """``within``, ``over by …``, or nothing for a row without a budget."""
    budget = BUDGETS.get(row)
    if budget is None:
        return ""
    return "within" if gas <= budget else f"over by {gas - budget:,}"


def violations(rows: dict[str, int], sizes: dict[str, int]) -> list[str]:
    """Budgets that do not hold and have no reason, reasons that nothing needs, and contracts that are too large."""
    found = []
    for row, budget in BUDGETS.items():
        most, _ = PASSED.get(row, (budget, ""))
        if rows[row] > most:
            found.append(f"{row} costs {rows[row]:,}, {rows[row] - most:,} more than it may")
        if row in PASSED and rows[row] <= budget:
            found.append(f"{row} is within its budget: take it out of PASSED")
    found += [
        f"{name} has {size:,} bytes of code, {size - LARGEST_CONTRACT:,} more than EIP-170 allows"
        for name, size in sizes.items()
        if size > LARGEST_CONTRACT
    ]
    return found
