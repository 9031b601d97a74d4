"""What the contracts say became of an operation, and what payers have free: what sending asks of a platform."""

from pyjpm.witnessing.debits import Available, ContractFunds, Debit
from pyjpm.witnessing.witness import ContractWitness

__all__ = ["Available", "ContractFunds", "ContractWitness", "Debit"]
