"""What it costs to open a list of 80 rows or a form, against plain ones of the host."""

import functools
import statistics
import time

from lxml import etree

from odoo.tools.safe_eval import safe_eval

ROWS = 80
COUNT_LIMIT = 10001  # as the web client asks
# name -> (action, whether it is one of ours)
LISTS = {
    "letters": ("credit_management.credit_dunning_letter_action", True),
    "work list": ("credit_management.credit_work_action", True),
    "customers": ("credit_management.credit_profile_action", True),
    "why not chased": ("credit_management.credit_dunning_outcome_action", True),
    "invoices of the host": ("account.action_move_out_invoice_type", False),
    "contacts of the host": ("account.res_partner_action_customer", False),
}
# name -> (model, order in which the first record is the one to open)
FORMS = {
    "credit file, form": ("credit.profile", "overdue_amount desc"),
    "invoice of the host, form": ("account.move", "id"),
    "contact of the host, form": ("res.partner", "id desc"),
}

# What the host reads for the cards of its own accounting dashboard.
DASHBOARD = ("name", "type", "kanban_dashboard", "kanban_dashboard_graph")


def measure(env, repeat=7):
    """Open each list several times, from a cold cache, by the web client's own call."""
    user = env.ref("base.user_admin")
    result = {}
    for name, (action, _own) in LISTS.items():
        model, view, domain = describe(env, action)
        records = env[model].with_user(user).with_context(lang="en_US")
        specification = read_specification(records, view)
        read_list = functools.partial(
            records.web_search_read,
            *(domain, specification),
            limit=ROWS,
            count_limit=COUNT_LIMIT,
        )
        figures, found = time_turns(env, read_list, repeat)
        result[name] = figures | {
            "rows": len(found["records"]),
            "of": found["length"],
        }
    for name, (model, order) in FORMS.items():
        records = env[model].with_user(user).with_context(lang="en_US")
        record = records.search([], order=order, limit=1)
        read_form = functools.partial(record.web_read, read_form_specification(records))
        result[name], _found = time_turns(env, read_form, repeat)
    overview = env["credit.overview"].with_user(user)
    result["overview"], _found = time_turns(env, overview.action_open, repeat)
    journals = env["account.journal"].with_user(user)
    read_dashboard = functools.partial(
        journals.web_search_read,
        *([("show_on_dashboard", "=", True)], dict.fromkeys(DASHBOARD, {})),
    )
    result["dashboard of the host"], _found = time_turns(env, read_dashboard, repeat)
    return result


def time_turns(env, call, repeat):
    """Return what a call costs from a cold cache, and what it returned."""
    timings = []
    for _turn in range(repeat):
        env.invalidate_all()
        queries, start = env.cr.sql_log_count, time.perf_counter()
        found = call()
        timings.append(time.perf_counter() - start)
        queries = env.cr.sql_log_count - queries
    return {"seconds": statistics.median(timings), "queries": queries}, found


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


def read_form_specification(records):
    """Return what the web client would ask for: the fields of the form."""
    views = records.get_views([(False, "form")])
    arch = etree.fromstring(views["views"]["form"]["arch"])
    return read_nodes(arch, views["models"], records._name)


def read_nodes(root, models, model):
    """Return the specification of the fields below a node, subviews included."""
    specification = {}
    for node in root.iter("field"):
        outer = next((up for up in node.iterancestors() if up.tag == "field"), None)
        if node is root or outer not in (None, root):
            continue
        name = node.get("name")
        field = models[model]["fields"][name]
        if field["type"] in ("one2many", "many2many"):
            inner = read_nodes(node, models, field["relation"]) if len(node) else {}
            specification[name] = {"fields": inner, "limit": 40}
        elif field["type"] in ("many2one", "reference"):
            specification[name] = {"fields": {"display_name": {}}}
        else:
            specification[name] = {}
    return specification
