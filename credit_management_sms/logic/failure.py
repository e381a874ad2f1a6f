"""What it means that the SMS service did not take, or did not deliver, an SMS."""

SOFT = "soft"  # passes by itself, or with a payment to the service: try again
HARD = "hard"  # the number or the text is wrong: a person must look

# Kinds of failure by the name the host gives them. The service says of each that
# nothing was sent.
_SOFT_TYPES = {"sms_server", "sms_credit", "sms_acc"}


def classify(failure_type: str | None) -> str:
    """Say whether a failure passes or lasts.

    >>> classify("sms_server"), classify("sms_credit")
    ('soft', 'soft')
    >>> classify("sms_number_format"), classify("unknown"), classify(None)
    ('hard', 'hard', 'hard')
    """
    return SOFT if failure_type in _SOFT_TYPES else HARD
