"""Trials that end processes: kill -9, SIGTERM, the watchdog, PostgreSQL."""

import contextlib
import signal
import time


def kill_storm(stage, kills, workers, number=signal.SIGKILL):
    """End workers, or the whole threaded server, at random moments of a run.

    Half of the blows fall within 50 ms after a message arrived, where the window for
    a copy is; the others at any moment.
    """
    server = stage.server(workers=workers)
    stage.wake()
    stage.wait(lambda: stage.left(("queued",)) < stage.letters, 90)
    for blow in range(kills):
        if not stage.left():
            break
        await_moment(stage, kills - blow)
        before, since = stage.progress(), time.monotonic()
        if strike(stage, server, workers, number):
            stage.kills += 1
            stage.note_resume(since, before)
    stage.settle()
    return stage.figures()


def await_moment(stage, blows_left):
    """Wait for the moment of the next blow, so that all fall while letters move."""
    dice = stage.dice
    room = stage.left() / (blows_left + 1)
    if dice.random() < 0.5:
        aim = stage.sink.count() + max(1, int(dice.uniform(0, 2 * room)))
        stage.wait(lambda: stage.sink.count() >= aim or not stage.left(), 10, 0.004)
        time.sleep(dice.uniform(0, 0.05))
    else:
        time.sleep(dice.uniform(0, min(2.0, room / 10)))


def strike(stage, server, workers, number):
    """End one worker, or all of them, or the server; tell whether any was there."""
    if not workers:
        process = server.process
        struck = server.kill(process.pid, number)
        with contextlib.suppress(Exception):
            process.wait(60)
        return struck
    children = server.children()
    if not children:
        stage.wait(server.children, 10)
        children = server.children()
    if stage.dice.random() < 0.5:
        children = stage.dice.sample(children, min(1, len(children)))
    return any([server.kill(pid, number) for pid in children])
