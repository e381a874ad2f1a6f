"""What it means that the SMS service did not take, or did not deliver, an SMS."""

SOFT = "soft"  # passes by itself: try again, a few times
CREDIT = "credit"  # passes when somebody pays the service: wait for that
HARD = "hard"  # the number or the text is wrong: a person must look

# Kinds of failure by the name the host gives them. The service says of each that
# nothing was sent.
_KINDS = {"sms_server": SOFT, "sms_credit": CREDIT, "sms_acc": CREDIT}


def classify(failure_type: str | None) -> str:
    """Say whether a failure passes, waits for money, or lasts.

    >>> classify("sms_server"), classify("sms_credit"), classify("sms_acc")
    ('soft', 'credit', 'credit')
    >>> classify("sms_number_format"), classify("unknown"), classify(None)
    ('hard', 'hard', 'hard')
    """
    return _KINDS.get(failure_type, HARD)
