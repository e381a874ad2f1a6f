"""Host kit: gets Odoo 19 and PostgreSQL, makes databases, runs demo and tests.

Standard library only. Start it with ``make help`` or ``python3 -m dev help``.
"""
