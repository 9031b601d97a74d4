"""Chains that answer as a bank's own network does: recorded answers, a proxy before Anvil, a model on virtual time."""
