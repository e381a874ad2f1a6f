"""Trials that end processes: kill -9, SIGTERM, the watchdog, PostgreSQL."""

import contextlib
import signal
import time

from dev.postgres import as_account, server_account
from dev.steps import Failure, run

from .stage import PATIENCE


def kill_storm(stage, kills, workers, number=signal.SIGKILL, server=None):
    """End workers, or the whole threaded server, at random moments of a run.

    Half of the blows fall within 50 ms after a message arrived, where the window for
    a copy is; the others at any moment.
    """
    if not server:
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
    struck = [server.kill(pid, number) for pid in children]
    return any(struck)


def watchdog(stage, letters, seconds=15, slow=1.0):
    """Send through a slow mail server while the host kills jobs that take long."""
    stage.take(letters)
    stage.sink.answer(f"slow:{slow}")
    server = stage.server(workers=1, options=("--limit-time-real-cron", seconds))
    stage.wake()
    took = stage.settle(most=60 + 4 * slow * letters)
    stage.kills = server.log.read_text(errors="replace").count(" timeout after ")
    failed_jobs = stage.database.value(
        "SELECT count(*) FROM ir_cron WHERE active AND (failure_count > 0"
        " OR nextcall > now() AT TIME ZONE 'UTC' + interval '61 minutes')"
    )
    figures = stage.figures()
    figures.must(not failed_jobs, f"{failed_jobs} jobs failed or put off")
    figures.notes.append(
        f"{took:.0f} s for {letters} letters at {slow:g} s each;"
        f" the host's watchdog ended {stage.kills} jobs"
    )
    return figures


def postgres_faults(stage, restarts, terminations, workers=1):
    """Cut connections to PostgreSQL, and restart it at once, in the middle of a run."""
    cluster = stage.host.cluster
    if cluster.given:
        raise Failure("PostgreSQL is restarted in this trial.", "Unset PGHOST.")
    stage.server(workers=workers)
    stage.wake()
    stage.wait(lambda: stage.left(("queued",)) < stage.letters, 90)
    blows = ["terminate"] * terminations + ["restart"] * restarts
    stage.dice.shuffle(blows)
    for number, blow in enumerate(blows):
        if not stage.left():
            break
        await_moment(stage, len(blows) - number)
        before = stage.progress()
        if blow == "restart":
            crash(cluster)
            cluster.start()
        elif not cut_one(stage):
            continue
        stage.kills += 1
        stage.note_resume(time.monotonic(), before)
    stage.settle()
    figures = stage.figures()
    slowest = max(stage.resumes, default=0)
    figures.must(slowest <= PATIENCE, f"resumed only after {slowest:.0f} s")
    return figures


def flood(stage, minutes):
    """Send many letters with the settings a server has by default, nobody helping.

    The jobs wake each other as they do at night: no alarm clock, no moved moments.
    """
    stage.server(workers=0)
    took = stage.settle(most=60 * minutes + 300, patience=300, hasten=False)
    figures = stage.figures()
    figures.must(took <= 60 * minutes, f"it took {took / 60:.1f} minutes")
    figures.must(not figures.copies, f"{figures.copies} copies")
    figures.notes.append(
        f"{took / 60:.1f} minutes for {stage.letters} letters, default settings"
    )
    return figures


def cut_one(stage):
    """End one connection of the servers to PostgreSQL; tell whether there was one."""
    rows = stage.database.run(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'odoo-%%'"
        " AND datname IN (%s, 'postgres') ORDER BY pid",
        [stage.name],
    )
    if not rows:
        return False
    (pid,) = stage.dice.choice(rows)
    return stage.database.value("SELECT pg_terminate_backend(%s)", [pid])


def crash(cluster):
    """Stop PostgreSQL as a crash would: it recovers from its log when it starts."""
    command = as_account(server_account(), cluster.tool("pg_ctl"), cluster.data)
    command += ["-D", cluster.data, "-m", "immediate", "-w", "stop"]
    run(command, "PostgreSQL could not be stopped.", log="postgres-crash", cwd="/")
