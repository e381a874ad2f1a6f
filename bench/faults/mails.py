"""Trials of the mail server: it refuses, cuts, hangs, or knows half of the people."""

import time

HALF = r"[02468]@"  # recipients with an even number

# What letters become when the mail server is well again. `copies`: a message that was
# kept without an answer may come again, except where it goes at most once.
EXPECTED = {
    "refused": "sent",
    "421": "sent",
    "451": "sent",
    "451-data": "sent",
    "550": "failed",
    "550-data": "failed",
    f"bad:{HALF}": "half",
    "cut": "unsure",
    "lost": "unsure",
    "hang": "unsure",
    "stall": "unsure",
}


def mail_fault(stage, mode, letters=40, workers=1, rounds=2):
    """Let the mail server misbehave for a while, then be well again.

    :param rounds: how often every letter is tried before it is well
    """
    stage.take(letters)
    begin(stage, mode)
    stage.server(workers=workers)
    stage.wake()
    endure(stage, mode, rounds)
    return recover(stage, mode)


def begin(stage, mode):
    """Make the mail server misbehave."""
    if mode == "refused":
        stage.sink.stop()
    else:
        stage.sink.answer(mode)


def endure(stage, mode, rounds):
    """Let letters be tried while the mail server misbehaves."""
    if EXPECTED[mode] == "unsure":
        endure_cuts(stage, mode)
        return
    for number in range(rounds):
        if number:
            stage.hasten()
        stage.rest(number + 1)


def endure_cuts(stage, mode):
    """Let a few messages be cut off, or one wait until the host's patience ends."""
    if mode in ("hang", "stall"):
        time.sleep(75)  # the host gives up after 60 s
    else:
        stage.wait(lambda: stage.attempted() >= 5 or not stage.left(), 40, 0.2)


def recover(stage, mode):
    """Make the mail server well, wait for the letters, and judge them."""
    uncertain = stage.arrived()
    if EXPECTED[mode] == "unsure":
        stage.kills = uncertain  # each of these may come again
    if mode == "refused":
        stage.sink.start()
    else:
        stage.sink.answer("ok")
    well = time.monotonic()
    stage.settle(patience=150)
    figures = stage.figures()
    figures.resume = f"{time.monotonic() - well:.1f} s"
    judge(figures, EXPECTED[mode])
    return figures


def judge(figures, expected):
    """Compare the end with what the mode should lead to."""
    bad = {"sent": 0, "failed": figures.letters, "half": figures.letters // 2}
    if expected in bad:
        figures.must(
            figures.failed == bad[expected],
            f"{figures.failed} failed instead of {bad[expected]}",
        )
        figures.must(not figures.unknown, f"{figures.unknown} unknown without reason")
        figures.must(not figures.copies, f"{figures.copies} copies")
    else:
        figures.must(not figures.failed, f"{figures.failed} failed without reason")
    figures.must(figures.minutes <= 180, f"{figures.minutes:.0f} minutes of waiting")
