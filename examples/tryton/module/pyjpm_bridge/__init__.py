# SPDX-License-Identifier: GPL-3.0-or-later
"""The Tryton side of pyjpm: posts what was shipped, and books what was paid on the chain.

``[pyjpm_bridge]`` in trytond.conf::

    url = https://orders.example/webhooks/tryton    # where notices go; without it none is posted
    secret_file = /etc/tryton/pyjpm.secret          # what they are signed with, at least 32 bytes
    source = tryton                                 # the name under which pyjpm knows this Tryton
"""
