"""Devices, for every test that asks for one."""

from custody.softhsm import softhsm

__all__ = ["softhsm"]
