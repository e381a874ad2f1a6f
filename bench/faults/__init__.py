"""Fault trials: real server processes, a real PostgreSQL, a real SMTP server.

`python -m bench.faults`, see `__main__.py`.
"""
