"""What happens when the add-on goes. Nothing is ever sent here."""


def uninstall_hook(env):
    """Take back what waits, and leave no level that would reach nobody."""
    # sudo: where a letter stands is written by its own methods only.
    letters = (
        env["credit.dunning.letter"].sudo().search([("sms_state", "=", "waiting")])
    )
    letters._recall()
    letters._cancel_sms(env._("The SMS channel was uninstalled"))
    call = env.ref("credit_management.mail_activity_type_call")
    levels = env["credit.dunning.level"].search([("send_sms", "=", True)])
    levels.filtered(
        lambda level: not (level._has_text() or level.activity_type_id)
    ).activity_type_id = call
