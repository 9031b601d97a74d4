# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts again what was not taken."""

from trytond.pool import PoolMeta


class Cron(metaclass=PoolMeta):
    __name__ = "ir.cron"

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.method.selection.append(("pyjpm.notice|post_pending", "Post Notices to pyjpm"))
