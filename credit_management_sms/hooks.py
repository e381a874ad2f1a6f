"""What happens when the add-on comes and goes. Nothing is ever sent here."""

# Which ready-made text a ready-made level is offered; it is not ticked.
TEXTS = {
    "level_business_notice": "sms_template_notice",
    "level_business_1": "sms_template_business",
    "level_business_2": "sms_template_business",
    "level_business_3": "sms_template_business",
    "level_business_4": "sms_template_business",
    "level_consumer_notice": "sms_template_notice",
    "level_consumer_1": "sms_template_consumer",
    "level_consumer_2": "sms_template_consumer",
    "level_consumer_3": "sms_template_consumer",
}


def post_init_hook(env):
    """Offer a text to each ready-made level that is still there."""
    for level_name, text_name in TEXTS.items():
        level = env.ref(f"credit_management.{level_name}", raise_if_not_found=False)
        if level and not level.sms_template_id:
            level.sms_template_id = env.ref(f"credit_management_sms.{text_name}")


def uninstall_hook(env):
    """Take back what waits, and leave no level that would reach nobody."""
    letters = env["credit.dunning.letter"].search([("sms_state", "=", "waiting")])
    letters._recall()
    letters._cancel_sms(env._("The SMS channel was uninstalled"))
    call = env.ref("credit_management.mail_activity_type_call")
    env["credit.dunning.level"].search([("send_sms", "=", True)]).filtered(
        lambda level: not (level._has_text() or level.activity_type_id)
    ).write({"activity_type_id": call.id})
