"""Small pieces of SQL for fields that are asked, not stored."""

from odoo.tools import SQL

COMPARISONS = ("<", "<=", ">", ">=")


def say_comparison(expression, operator, value):
    """Return the condition of a search on an expression, as the domain has it.

    :param operator: as a search method gets it: ``in`` or a comparison
    :return: the condition, or NotImplemented for an operator the ORM must turn round
    """
    if operator in COMPARISONS:
        return SQL("%s %s %s", expression, SQL(operator), value)
    if operator != "in":
        return NotImplemented
    wanted = tuple(each for each in value if each)
    parts = [SQL("%s IN %s", expression, wanted)] if wanted else []
    if len(wanted) < len(value):
        parts.append(SQL("%s IS NULL", expression))
    return SQL("(%s)", SQL(" OR ").join(parts)) if parts else SQL("FALSE")


def say_age(day, today, ages, starts):
    """Return the expression for the place of a due date in an ageing.

    :param ages: names of the places; the first one holds what is not late
    :param starts: from how many days late on each place begins
    """
    cases = [
        SQL("WHEN %s <= %s - %s THEN %s", day, today, start, age)
        for age, start in zip(ages, starts, strict=True)
        if start
    ]
    return SQL("(CASE %s ELSE %s END)", SQL(" ").join(reversed(cases)), ages[0])


def take_turn(records):
    """Let those who do something about records at once do it one after the other.

    Who waited begins anew, as the host has it, and sees what the first one did. A lock
    alone would let it go on with what it saw before: hence something is written.
    """
    records.flush_recordset()
    records.env.execute_query(
        SQL(
            "UPDATE %s SET write_date = write_date WHERE id = ANY(%s) RETURNING id",
            SQL.identifier(records._table),
            records.ids,
        )
    )


def ask_together(env, queries):
    """Ask several questions by one query: what waits for the answers waits once.

    Each is planned by itself (``MATERIALIZED``): planning them as one takes longer.
    Values come as JSON has them: days are texts, and amounts should be.

    :param dict queries: name -> SQL
    :return: dict name -> list of dicts
    """
    env.flush_all()
    tables = {
        name: SQL.identifier(f"asked_{index}") for index, name in enumerate(queries)
    }
    query = SQL(
        "WITH %s %s",
        SQL(", ").join(
            SQL("%s AS MATERIALIZED (%s)", tables[name], query)
            for name, query in queries.items()
        ),
        SQL(" UNION ALL ").join(
            SQL("SELECT %s AS name, to_jsonb(row) AS answer FROM %s row", name, table)
            for name, table in tables.items()
        ),
    )
    answers = {name: [] for name in queries}
    for name, answer in env.execute_query(query):
        answers[name].append(answer)
    return answers
