"""What a failed delivery means, and when to try again.

Reply codes are those of RFC 5321 §4.2.1: 4yz is a passing failure, 5yz a lasting one.
"""

import re
from datetime import timedelta

SOFT = "soft"  # refused for now: try again
HARD = "hard"  # the address or the message is wrong: a person must look
UNKNOWN = "unknown"  # cut after the message was handed over: it may have arrived

# Said before any message is handed over, whatever the host calls it.
_NEVER_CONNECTED = re.compile(
    r"connection refused|network is unreachable|could not connect"
    r"|name or service not known|name resolution|please run connect\(\) first",
    re.I,
)
_REPLY_CODE = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
# A reply as Python writes it: the code and the bytes of the text.
_REPLY = re.compile(
    r"\((?P<code>[45]\d\d), b?(?P<quote>['\"])(?P<text>.*?)(?P=quote)\)", re.S
)
_ERROR_NAME = re.compile(r"^[A-Z]\w*: ")
_HARD_TYPES = {
    "mail_email_invalid",
    "mail_email_missing",
    "mail_from_invalid",
    "mail_from_missing",
    "mail_bl",
    "mail_optout",
    "mail_spam",
    "mail_bounce",
}

MAX_ATTEMPTS = 6
_FIRST_WAIT = timedelta(minutes=5)


def classify_failure(reason: str | None, failure_type: str | None) -> str:
    """Say whether a failed delivery passes, lasts, or is not known to have failed.

    :param reason: text of the error, as the mail server or the host wrote it
    :param failure_type: code of the host (``mail_smtp``, ``mail_email_invalid`` …)

    >>> classify_failure("(451, b'4.7.1 Greylisted, try again')", "unknown")
    'soft'
    >>> classify_failure("{'a@b.example': (550, b'5.1.1 User unknown')}", "unknown")
    'hard'
    >>> classify_failure("[Errno 111] Connection refused", "mail_smtp")
    'soft'
    >>> classify_failure("{'a@b.example': (554, b'5.7.1 Relaying refused')}", "unknown")
    'hard'
    >>> classify_failure("Connection unexpectedly closed: timed out", "unknown")
    'unknown'
    >>> classify_failure("timed out", "mail_smtp")  # while connecting
    'soft'
    >>> classify_failure(None, "mail_email_missing")
    'hard'
    >>> classify_failure("something else", "unknown")
    'unknown'
    """
    text = reason or ""
    if failure_type in _HARD_TYPES:
        return HARD
    if failure_type == "mail_smtp":
        return SOFT
    if code := _REPLY_CODE.search(text):
        return SOFT if code[1] == "4" else HARD
    if _NEVER_CONNECTED.search(text):
        return SOFT
    return UNKNOWN


def find_server_words(reason: str | None) -> str:
    """Return what the mail server itself said, in one line; empty: nothing is known.

    The host wraps it in words of its own, and Python in its notation.

    >>> find_server_words("Mail Delivery Failed\\nMail delivery failed via SMTP server"
    ...     " 'mx'.\\nSMTPRecipientsRefused: {'a@b.example': (550, b'no such user')}")
    '550 no such user'
    >>> find_server_words("SMTPDataError: (451, b'4.7.1 Greylisted\\\\nTry again')")
    '451 4.7.1 Greylisted Try again'
    >>> find_server_words("Mail Delivery Failed\\nvia 'mx'.\\nTimeoutError: timed out")
    'timed out'
    >>> find_server_words("No valid recipient"), find_server_words(None)
    ('No valid recipient', '')
    """
    text = (reason or "").strip()
    if reply := _REPLY.search(text):
        words = reply["text"].replace(r"\r", " ").replace(r"\n", " ")
        return " ".join(f"{reply['code']} {words}".split())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    if len(lines) == 1:
        return lines[0]
    # The host: a title, the server, and the name and words of the error.
    named = next((line for line in reversed(lines) if _ERROR_NAME.match(line)), "")
    return _ERROR_NAME.sub("", named) or lines[0]


def wait_before_attempt(attempts: int) -> timedelta | None:
    """Return how long to wait before the next attempt, or ``None`` to give up.

    The wait doubles: 5, 10, 20, 40, 80 minutes.

    >>> wait_before_attempt(1), wait_before_attempt(3)
    (datetime.timedelta(seconds=300), datetime.timedelta(seconds=1200))
    >>> wait_before_attempt(6) is None
    True
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    return _FIRST_WAIT * 2 ** (max(attempts, 1) - 1)
