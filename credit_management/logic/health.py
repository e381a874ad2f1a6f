"""Whether the sending of letters is alive, and what is wrong when it is not.

A job that has died cannot tell; so this is asked by whoever looks, from the facts that
the jobs leave behind. Moments are in UTC, without a zone, as the host keeps them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

# What a person must know, the gravest first.
JOBS_STAND_STILL = "jobs_stand_still"
JOB_SWITCHED_OFF = "job_switched_off"
RUN_MISSED = "run_missed"
LETTERS_STUCK = "letters_stuck"
MAILS_STUCK = "mails_stuck"
UNKNOWN = "unknown"
JOB_FAILS = "job_fails"
MAIL_REFUSED = "mail_refused"
FAILED = "failed"
MONTHLY_FAILED = "monthly_failed"
STOPPED = "stopped"
STATEMENTS_STUCK = "statements_stuck"
STATEMENTS_FAILED = "statements_failed"

GRAVE = {
    JOBS_STAND_STILL,
    JOB_SWITCHED_OFF,
    RUN_MISSED,
    LETTERS_STUCK,
    STATEMENTS_STUCK,
    MAILS_STUCK,
}

# Jobs are looked at every minute, letters and mails are under way in seconds: after
# half an hour something is wrong, even on a server that is busy.
PATIENCE = timedelta(minutes=30)
# The nightly run is one hourly job among others.
RUN_PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class Job:
    """A scheduled job: when it was due, and how often in a row it failed."""

    name: str
    due: datetime
    active: bool = True
    failures: int = 0


@dataclass(frozen=True)
class Health:
    """What the jobs and letters of a company show.

    :param run_due: since when the nightly run is missing, if it is
    :param run_error: what went wrong when it was tried
    :param statement_error: what went wrong when the monthly statements were made
    :param oldest_queued: since when the oldest letter waits that could go now
    :param oldest_mail: since when the oldest mail waits in the queue of the host
    :param refused: letters that wait for another attempt, and why
    :param oldest_statement: since when the oldest statement of account waits
    :param failed_statements: statements that did not go, without a newer one
    :param held: letters that wait while the company is stopped
    """

    jobs: tuple[Job, ...] = ()
    run_due: datetime | None = None
    run_error: str = ""
    statement_error: str = ""
    oldest_queued: datetime | None = None
    oldest_mail: datetime | None = None
    refused: int = 0
    refusal: str = ""
    unknown: int = 0
    failed: int = 0
    is_stopped: bool = False
    held: int = 0
    oldest_statement: datetime | None = None
    failed_statements: int = 0


@dataclass(frozen=True)
class Alarm:
    """Something that a person must know: how many, since when, and the cause."""

    code: str
    count: int = 0
    since: datetime | None = None
    cause: str = ""

    @property
    def is_grave(self) -> bool:
        """Whether letters do not go that should."""
        return self.code in GRAVE


def find_alarms(health: Health, now: datetime) -> tuple[Alarm, ...]:
    """Return what is wrong now, the gravest first; nothing when all is well.

    >>> now = datetime(2026, 5, 13, 9, 0)
    >>> find_alarms(Health(), now)
    ()
    >>> find_alarms(Health(jobs=(Job("send", now - timedelta(hours=5)),)), now)[0].since
    datetime.datetime(2026, 5, 13, 4, 0)
    >>> late = Health(oldest_queued=now - PATIENCE, oldest_mail=now - PATIENCE)
    >>> [alarm.code for alarm in find_alarms(late, now)]
    ['letters_stuck', 'mails_stuck']
    >>> find_alarms(Health(oldest_mail=now - timedelta(minutes=29)), now)
    ()
    >>> missed = Health(run_due=now - RUN_PATIENCE, run_error="no rate", unknown=2)
    >>> [(alarm.code, alarm.cause) for alarm in find_alarms(missed, now)]
    [('run_missed', 'no rate'), ('unknown', '')]
    >>> [alarm.is_grave for alarm in find_alarms(missed, now)]
    [True, False]
    >>> statements = Health(oldest_statement=now - PATIENCE, failed_statements=1)
    >>> [(alarm.code, alarm.is_grave) for alarm in find_alarms(statements, now)]
    [('statements_stuck', True), ('statements_failed', False)]
    """
    alarms = []
    working = [job for job in health.jobs if job.active]
    late = [job for job in working if now - job.due >= PATIENCE]
    # One that hangs is one thing; none of them being called at all is another.
    if late:
        alarms.append(
            Alarm(
                JOBS_STAND_STILL,
                count=len(late),
                since=min(job.due for job in late),
                cause=", ".join(job.name for job in late),
            )
        )
    alarms += [
        Alarm(JOB_SWITCHED_OFF, cause=job.name) for job in health.jobs if not job.active
    ]
    if health.run_due and now - health.run_due >= RUN_PATIENCE:
        alarms.append(Alarm(RUN_MISSED, since=health.run_due, cause=health.run_error))
    for code, since in (
        (LETTERS_STUCK, health.oldest_queued),
        (STATEMENTS_STUCK, health.oldest_statement),
        (MAILS_STUCK, health.oldest_mail),
    ):
        if since and now - since >= PATIENCE:
            alarms.append(Alarm(code, since=since))
    if health.unknown:
        alarms.append(Alarm(UNKNOWN, count=health.unknown))
    alarms += [
        Alarm(JOB_FAILS, count=job.failures, cause=job.name)
        for job in working
        if job.failures
    ]
    if health.refused:
        alarms.append(Alarm(MAIL_REFUSED, count=health.refused, cause=health.refusal))
    if health.failed:
        alarms.append(Alarm(FAILED, count=health.failed))
    if health.statement_error:
        alarms.append(Alarm(MONTHLY_FAILED, cause=health.statement_error))
    if health.failed_statements:
        alarms.append(Alarm(STATEMENTS_FAILED, count=health.failed_statements))
    if health.is_stopped:
        alarms.append(Alarm(STOPPED, count=health.held))
    return tuple(alarms)
