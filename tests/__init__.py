"""What is always so in the rules: plain pytest and hypothesis, no Odoo, no database."""
