"""Odoo as a script: a prefork server starts its web socket process by this file."""

from odoo.cli.command import main

main()
