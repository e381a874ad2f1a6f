"""The rules of credit management, in plain Python.

Nothing in this folder imports Odoo, reads a database or asks what day it is: facts
come in as small frozen values, a decision with its reason comes out. The linter keeps
it so (see ``ruff.toml``).
"""
