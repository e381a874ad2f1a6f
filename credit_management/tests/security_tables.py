"""What the add-on opens to the outside, and to whom: the committed tables.

The tests compare them with the running system. Whoever adds a route, a public method,
a model or a field finds a test red until it stands here, with the right it needs.
"""

# Public methods that our classes add or override: the least right that may call them.
METHODS = {
    # A list of words, the same for everybody.
    "credit.dunning.letter.mail_allowed_qweb_expressions": "public",
    "credit.outgoing.mixin.mail_allowed_qweb_expressions": "public",
    "credit.statement.mail_allowed_qweb_expressions": "public",
    # Whose bank entries these are is the host's to say: its accountants, not ours.
    "account.bank.statement.line.action_open_credit_entry": "biller",
    "account.bank.statement.line.create": "system",
    "account.bank.statement.line.unlink": "system",
    "account.bank.statement.line.write": "system",
    "account.move.action_credit_exclude": "collector",
    "account.move.action_view_credit_letters": "collector",
    "account.move.line.action_open_credit_invoice": "biller",
    "credit.call.create": "collector",
    "credit.call.log.action_log": "collector",
    "credit.dunning.letter.action_close_failure": "collector",
    "credit.dunning.letter.action_confirm_sent": "collector",
    "credit.dunning.letter.action_mark_printed": "collector",
    "credit.dunning.letter.action_open_profile": "collector",
    "credit.dunning.letter.action_preview": "collector",
    "credit.dunning.letter.action_print_post": "collector",
    "credit.dunning.letter.action_view_paper": "collector",
    "credit.dunning.letter.action_retry": "collector",
    "credit.dunning.letter.action_reverse": "collector",
    "credit.dunning.letter.action_send_now": "collector",
    "credit.dunning.letter.action_view_receipts": "collector",
    "credit.dunning.letter.action_skip": "collector",
    "credit.dunning.letter.action_unqueue": "collector",
    "credit.dunning.letter.action_unskip": "collector",
    "credit.dunning.letter.line.action_open_invoice": "collector",
    "credit.dunning.letter.line.action_toggle_excluded": "collector",
    "credit.dunning.letter.line.write": "collector",
    "credit.dunning.letter.skip.action_skip": "collector",
    "credit.dunning.letter.write": "collector",
    "credit.dunning.level.write": "manager",
    "account.journal.action_view_credit_letters": "collector",
    "credit.letter.report.action_open_letter": "collector",
    "credit.dunning.outcome.action_evaluate": "collector",
    "credit.dunning.outcome.action_open_invoice": "collector",
    "credit.dunning.outcome.action_open_profile": "collector",
    "credit.dunning.policy.action_view_profiles": "collector",
    "credit.dunning.policy.write": "manager",
    "credit.dunning.run.action_approve": "collector",
    "credit.dunning.run.action_approve_and_send": "collector",
    "credit.dunning.run.action_cancel": "collector",
    "credit.dunning.run.action_mark_printed": "collector",
    "credit.dunning.run.action_print_post": "collector",
    "credit.dunning.run.action_propose": "collector",
    "credit.dunning.run.action_reverse": "collector",
    "credit.dunning.run.action_send": "collector",
    "credit.dunning.run.action_view_letters": "collector",
    "credit.dunning.run.action_view_outcomes": "collector",
    "credit.dunning.run.action_view_post": "collector",
    "credit.dunning.run.action_view_trouble": "collector",
    "credit.dunning.run.create": "collector",
    "credit.dunning.run.summary.action_open": "collector",
    "credit.dunning.run.write": "collector",
    "credit.exclusion.action_end": "collector",
    "credit.exclusion.create": "collector",
    "credit.exclusion.write": "collector",
    "credit.overview.action_open": "collector",
    "credit.overview.action_refresh": "collector",
    "credit.overview.action_view_print": "collector",
    "credit.overview.action_view_review": "collector",
    "credit.overview.action_view_sent": "collector",
    "credit.overview.action_view_trouble": "collector",
    "credit.overview.action_view_waiting": "collector",
    "credit.overview.action_view_work": "collector",
    "credit.overview.age.action_open": "collector",
    "credit.overview.alarm.action_open": "collector",
    "credit.next.letter.action_next": "collector",
    "credit.exclude.action_exclude": "collector",
    "credit.pause.action_pause": "collector",
    "credit.profile.action_log_call": "collector",
    "credit.profile.action_open_work": "collector",
    "credit.profile.action_preview_next": "collector",
    "credit.profile.action_propose_letter": "collector",
    "credit.profile.action_send_now": "collector",
    "credit.profile.action_view_customer_page": "collector",
    "credit.profile.action_view_letters": "collector",
    "credit.profile.action_view_open_items": "collector",
    "credit.profile.action_view_overdue_items": "collector",
    "credit.profile.action_view_receipts": "collector",
    "credit.profile.action_work_done": "collector",
    "credit.profile.web_read": "collector",
    "credit.profile.web_read_group": "collector",
    "credit.profile.create": "collector",
    "credit.profile.write": "collector",
    "credit.start.action_back": "manager",
    "credit.start.action_next": "manager",
    "credit.start.action_open": "manager",
    "credit.start.action_propose": "manager",
    "credit.start.action_send_test": "manager",
    "credit.start.action_skip": "manager",
    "credit.statement.action_print": "collector",
    "credit.statement.action_send": "collector",
    "credit.statement.create": "collector",
    "credit.statement.write": "collector",
    "credit.statement.make.action_export": "collector",
    "credit.statement.make.action_print": "collector",
    "credit.statement.make.action_send": "collector",
    "ir.attachment.write": "collector",
    "mail.mail.process_email_queue": "system",
    "mail.mail.send": "system",
    "res.company.create": "system",
    "res.company.write": "system",
    "res.partner.action_open_credit_profile": "collector",
}
# What somebody of another company may do: it makes or opens what is theirs.
MAKES_OWN = {
    "credit.profile.web_read_group",
    "credit.call.create",
    "credit.dunning.outcome.action_evaluate",
    "credit.dunning.run.create",
    "credit.exclusion.create",
    "credit.overview.action_open",
    "credit.profile.create",
    "credit.start.action_open",
    "credit.statement.create",
    "res.partner.action_open_credit_profile",
}
# Models that nobody but the program itself may reach: abstract ones have no rows.
MODELS_OF_NOBODY = {
    "credit.bulk.mixin",
    "credit.call.mixin",
    "credit.demo",
    "credit.demo.history",
    "credit.dunning.facts",
    "credit.outgoing.mixin",
    "credit.statement.builder",
    "report.credit_management.report_credit_statement",
    "report.credit_management.report_credit_dunning_letter",
}
# Models kept apart by something else than the company.
MODELS_WITH_OWN_RULE = {
    # Windows: only who opened one may see it.
    "credit.call.log": "user.id",
    "credit.dunning.letter.preview": "user.id",
    "credit.dunning.letter.skip": "user.id",
    "credit.next.letter": "user.id",
    "credit.overview": "user.id",
    "credit.overview.age": "user.id",
    "credit.overview.alarm": "user.id",
    "credit.start": "user.id",
    "credit.exclude": "user.id",
    "credit.pause": "user.id",
    "credit.statement.make": "user.id",
}
# Windows that a collector cannot open.
WINDOWS_OF_MANAGERS = {"credit.start"}
# Fields on models of the host that are no secret of the credit groups: who may read.
FIELDS_TOLD = {
    # How a company sends its letters is no matter of customers; employees may know.
    "res.company": "base.group_user",
    "res.config.settings": "base.group_user",
    # That a customer is being chased, and whom to ask: no amount.
    "account.move.credit_notice": "base.group_user",
    # Which figures a digest has is shown to its readers; their values are not.
    "digest.digest.kpi_credit_collected": "base.group_user",
    "digest.digest.kpi_credit_letters": "base.group_user",
    "digest.digest.kpi_credit_overdue": "base.group_user",
    "res.partner.credit_notice": "base.group_user",
    # What went wrong at night may name customers.
    "res.company.credit_run_error": "credit_management.group_credit_user",
    "res.company.credit_statement_error": "credit_management.group_credit_user",
    # One more kind of contact in a list that the host shows.
    "res.partner.type": "",
}
# Fields that take the id of a record of another company, and why that does no harm.
IDS_TAKEN = {}
# Texts that people of the credit groups may write; the test fills them with code.
TEXTS_RENDERED = {
    "credit.dunning.letter.custom_text",
    "credit.dunning.level.activity_note",
    "credit.dunning.level.name",
    "credit.dunning.policy.name",
    "credit.exclusion.reason",
    "credit.profile.pause_reason",
    "credit.statement.note",
}
# Routes that our controllers add or override: type, who, methods, read-only.
ROUTES = {
    "/my/credit": ("http", "user", ("GET",), True),
    "/my/credit/<int:profile_id>": ("http", "public", ("GET",), True),
    "/my/credit/<int:profile_id>/pay": ("http", "public", ("GET",), True),
    "/my/credit/<int:profile_id>/transaction/<string:currency>/<string:items>": (
        "jsonrpc",
        "public",
        (),
        False,
    ),
    "/my/credit/<int:profile_id>/statement.<string:extension>": (
        "http",
        "public",
        ("GET",),
        True,
    ),
    "/my/credit/<int:profile_id>/letter/<int:letter_id>": (
        "http",
        "public",
        ("GET",),
        True,
    ),
    "/my/credit/<int:profile_id>/statement/<int:statement_id>": (
        "http",
        "public",
        ("GET",),
        True,
    ),
    "/my/credit/<int:profile_id>/opened": ("jsonrpc", "public", (), False),
    "/my/credit/<int:profile_id>/address": ("http", "public", ("POST",), False),
    "/my/credit/address": ("http", "public", ("GET",), True),
    "/my/credit/address/confirm": ("http", "public", ("POST",), False),
    # The host's page; we only send some of its visitors elsewhere.
    "/my/invoices/overdue": ("http", "public", ("GET",), False),
}
# Doors of the host that lead to any record: none of them may tell of ours.
ROUTES_OF_HOST = (
    "/mail/view?model={model}&res_id={id}",
    "/mail/view?model={model}&res_id={id}&access_token={token}",
    "/web/image/{model}/{id}/display_name",
    "/web/content?model={model}&id={id}&field=display_name",
    "/web/content?model={model}&id={id}&field=body&access_token={token}",
    "/odoo/{model}/{id}",
)
