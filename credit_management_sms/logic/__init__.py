"""What is so of every SMS: when it may go, what it costs, what a refusal means.

Plain Python, as the rules of ``credit_management``: no Odoo, no clock.
"""
