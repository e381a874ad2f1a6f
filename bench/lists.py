"""What it costs to open a list of 80 rows, against a plain list of the host."""

import statistics
import time

from lxml import etree

from odoo.tools.safe_eval import safe_eval

ROWS = 80
COUNT_LIMIT = 10001  # as the web client asks
# name -> (action, whether it is one of ours)
LISTS = {
    "letters": ("credit_management.credit_dunning_letter_action", True),
    "customers": ("credit_management.credit_profile_action", True),
    "why not chased": ("credit_management.credit_dunning_outcome_action", True),
    "invoices of the host": ("account.action_move_out_invoice_type", False),
    "contacts of the host": ("account.res_partner_action_customer", False),
}


def measure(env, repeat=7):
    """Open each list several times, from a cold cache, by the web client's own call."""
    user = env.ref("base.user_admin")
    result = {}
    for name, (action, _own) in LISTS.items():
        model, view, domain = describe(env, action)
        records = env[model].with_user(user).with_context(lang="en_US")
        specification = read_specification(records, view)
        timings = []
        for _turn in range(repeat):
            env.invalidate_all()
            queries, start = env.cr.sql_log_count, time.perf_counter()
            found = records.web_search_read(
                domain, specification, limit=ROWS, count_limit=COUNT_LIMIT
            )
            timings.append(time.perf_counter() - start)
            queries = env.cr.sql_log_count - queries
        result[name] = {
            "seconds": statistics.median(timings),
            "queries": queries,
            "rows": len(found["records"]),
            "of": found["length"],
        }
    return result


def describe(env, action):
    """Return model, list view and domain of an action."""
    record = env.ref(action)
    view = next((v.view_id.id for v in record.view_ids if v.view_mode == "list"), False)
    return record.res_model, view, safe_eval(record.domain or "[]", {"uid": env.uid})


def read_specification(records, view):
    """Return what the web client would ask for: the fields of the list."""
    views = records.get_views([(view, "list")])
    arch = etree.fromstring(views["views"]["list"]["arch"])
    fields = views["models"][records._name]["fields"]
    specification = {}
    for node in arch.xpath("//field[not(ancestor::field)]"):
        name = node.get("name")
        kind = fields[name]["type"]
        if node.get("column_invisible") in ("1", "True"):
            specification[name] = {}
        elif kind in ("many2one", "many2many", "one2many", "reference"):
            specification[name] = {"fields": {"display_name": {}}}
        else:
            specification[name] = {}
    return specification
