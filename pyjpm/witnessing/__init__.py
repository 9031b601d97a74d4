"""What the contracts say became of an operation: the witness that sending asks."""

from pyjpm.witnessing.witness import ContractWitness

__all__ = ["ContractWitness"]
