"""One worker against two: tasks that wait for a common start and tell when they ended.

A proposal is one company's: two companies are proposed by two workers at once. Letters
are handed over by whoever locks them first: two workers share one queue.
"""

import time

from . import proposal, queuing


def prepare(env, letters):
    """Propose for the first company and queue so many of its letters."""
    env["res.company"].search([]).write(
        {"credit_mode": "live", "email": "money@example.com"}
    )
    queuing.queue_of(env).unlink()
    proposal.clear(env)
    proposal.propose(env, env.company)
    chosen = queuing.choose(env, letters)
    chosen.run_id.sudo().write({"state": "approved"})
    chosen.sudo().write({"state": "queued", "queued_until": False})
    env.cr.commit()


def clear(env):
    """Take everything proposed away."""
    queuing.clean(env)


def propose(env, numbers, at):
    """Propose for the companies with these numbers, one after the other."""
    companies = env["res.company"].search([], order="id")
    wait(at)
    start = time.time()
    for number in numbers:
        company = companies[number]
        context = dict(env.context, allowed_company_ids=company.ids)
        proposal.propose(env(context=context), company)
    return {"from": start, "to": time.time()}


def send(env, at):
    """Hand letters over until none is left."""
    letters = env["credit.dunning.letter"]
    wait(at)
    start = time.time()
    domain = letters._get_sendable_domain()
    while letters.search_count(domain, limit=1):
        letters._cron_send_letters(batch_size=50)
    return {"from": start, "to": time.time()}


def wait(at):
    """Wait for the common start, so that loading Odoo is not measured."""
    time.sleep(max(0.0, at - time.time()))
