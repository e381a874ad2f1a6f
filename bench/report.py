"""What was measured, kept as JSON and written as `bench/RESULTS.md`, ratios first."""

import datetime
import hashlib
import json
import math
import os
import platform
import re
from pathlib import Path

from dev import settings
from dev.steps import ask

PAGE = Path(__file__).parent / "RESULTS.md"
NOTES = Path(__file__).parent / "NOTES.md"
INSTALL_TABLES = ("account_move", "account_move_line", "res_partner", "sale_order")


# === KEEPING === #


def load(folder):
    """Return all figures that are known."""
    path = folder / "results.json"
    return json.loads(path.read_text()) if path.exists() else {}


def save(folder, results):
    """Keep the figures and write the page."""
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    PAGE.write_text(page(results))


def circumstances():
    """Return when something was measured, and how busy the machine then was."""
    return {
        "day": datetime.date.today().isoformat(),
        "load": round(os.getloadavg()[0], 1),
    }


def fingerprint():
    """Return what tells one state of the models and of the generator from another."""
    digest = hashlib.sha256()
    folders = (settings.ROOT / settings.PRODUCT, Path(__file__).parent)
    for folder, names in zip(folders, ("*.py", "generate.py"), strict=True):
        for path in sorted(folder.rglob(names)):
            if "tests" not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def machine(host):
    """Describe the machine the figures are of."""
    try:
        cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    except OSError:
        cpu = memory = None
    show = host.cluster.query
    return {
        "cpu": cpu[1].strip() if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory[1]) / 2**20) if memory else None,
        "system": platform.system(),
        "python": ask(
            [host.python, "-c", "import platform as p;print(p.python_version())"]
        ),
        "postgres": show("SHOW server_version"),
        "fsync": show("SHOW fsync"),
        "shared_buffers": show("SHOW shared_buffers"),
        "work_mem": show("SHOW work_mem"),
    }


# === READING === #

LIST_AIM = "≤ 1.3 at 100 000"


def sizes(results):
    """Return the sizes that have figures, small first."""
    return sorted(int(key) for key in results if key.isdigit())


def get(results, size, part):
    """Return the figures of a part at a size, or None."""
    return results.get(str(size), {}).get(part)


def exponent(results, measure):
    """Return by how much time grows per size between the smallest and the largest."""
    points = [
        (size, figures[measure])
        for size in sizes(results)
        if (figures := get(results, size, "proposal"))
    ]
    if len(points) < 2:
        return None
    (small, low), (large, high) = points[0], points[-1]
    return math.log(high / low) / math.log(large / small)


# === THE PAGE === #


def ratios(results):
    """Return the table of ratios, with the aims."""
    rows = []

    def add(words, aim, *values):
        rows.append((words, *values, aim))

    known = sizes(results)

    def each(part, form):
        return [
            form(figures) if (figures := get(results, size, part)) else "–"
            for size in known
        ]

    add(
        "proposal ÷ floor, by the clock",
        "≤ 4 at 100 000",
        *each("proposal", lambda f: ratio(f["proposal_seconds"], f["floor_seconds"])),
    )
    add(
        "proposal ÷ floor, by CPU time",
        "",
        *each("proposal", lambda f: ratio(f["proposal_cpu"], f["floor_cpu"])),
    )
    add(
        "queuing a letter ÷ the host's own, one by one",
        "≤ 1.5",
        *each("queuing", lambda f: ratio(f["own_seconds"], f["host_single_seconds"])),
    )
    add(
        "queuing a letter ÷ the host's own, in batches",
        "",
        *each("queuing", lambda f: ratio(f["own_seconds"], f["host_seconds"])),
    )
    add(
        "peak memory of a proposal, MiB (process without it)",
        "< 1 024 at 1 000 000",
        *each("memory", lambda f: f"{f['peak_mb']:.0f} ({f['start_mb']:.0f})"),
    )
    add(
        "queries of a proposal",
        "",
        *each("proposal", lambda f: f"{f['queries']:.0f}"),
    )
    add(
        "figures of 1 000 customers, s (queries of a batch of 500)",
        "the same at each size",
        *each(
            "figures",
            lambda f: f"{1000 * f['seconds'] / f['customers']:.2f} ({f['queries']})",
        ),
    )
    add(
        "list of letters ÷ the host's invoices",
        LIST_AIM,
        *each("lists", lambda f: over_list(f, "letters", "invoices of the host")),
    )
    add(
        "work list ÷ the host's invoices",
        LIST_AIM,
        *each("lists", lambda f: over_list(f, "work list", "invoices of the host")),
    )
    add(
        "list of customers ÷ the host's contacts",
        LIST_AIM,
        *each("lists", lambda f: over_list(f, "customers", "contacts of the host")),
    )
    add(
        "list of why not chased ÷ the host's invoices",
        LIST_AIM,
        *each(
            "lists", lambda f: over_list(f, "why not chased", "invoices of the host")
        ),
    )
    add(
        "overview ÷ the host's dashboard",
        LIST_AIM,
        *each("lists", lambda f: over_list(f, "overview", "dashboard of the host")),
    )
    add(
        "credit file ÷ the host's invoice, as forms",
        "",
        *each(
            "lists",
            lambda f: over_list(f, "credit file, form", "invoice of the host, form"),
        ),
    )
    head = ("", *(f"{size:,}".replace(",", " ") for size in known), "aim")
    lines = [table(head, rows), ""]
    clock, work = (exponent(results, f"proposal_{kind}") for kind in ("seconds", "cpu"))
    if clock is not None:
        lines.append(
            f"- growth exponent of the proposal: {clock:.2f} by the clock,"
            f" {work:.2f} by CPU time (aim ≤ 1.05)"
        )
    shown = get(results, "portal", "portal")
    if shown:
        for suffix, what in (
            ("_read", f"who read for {shown['reading']:.0f} s"),
            ("", "who ask on and on"),
        ):
            ours, host = (shown[f"{key}{suffix}"]["p95"] for key in ("ours", "host"))
            lines.append(
                f"- customer's page, {whole(shown['invoices'])} open invoices,"
                f" {shown['clients']} clients {what}: p95 {ours:.2f} s (aim ≤ 1),"
                f" {ratio(ours, host)} × the host's list of invoices (aim ≤ 1.3)"
            )
    workers = get(results, "workers", "workers")
    if workers:
        proposing = workers["propose_one"] / workers["propose_two"]
        sending = workers["send_one"] / workers["send_two"]
        lines.append(
            f"- two workers against one: {proposing:.2f} × proposing two companies,"
            f" {sending:.2f} × handing letters over (aim ≥ 1.7)"
        )
    return "\n".join(lines)


def page(results):
    """Return the whole page."""
    parts = [
        "# Results of `make bench`",
        "Written by `make bench`; what stands under *Reading the figures* is kept in"
        " `NOTES.md`.",
        ratios(results),
        "## Machine",
        describe(results["machine"]),
        "## Figures",
        figures_table(results),
        lists_table(results),
        index_table(results),
        portal_table(results),
        orders_table(results),
        plans_table(results),
        install_table(results),
    ]
    if NOTES.exists():
        parts.append(NOTES.read_text().strip())
    return "\n\n".join(part for part in parts if part) + "\n"


def describe(facts):
    """Return the machine in words."""
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB,"
        f" {facts['system']}; Python {facts['python']}; PostgreSQL"
        f" {facts['postgres']} on the same machine, fsync {facts['fsync']},"
        f" shared_buffers {facts['shared_buffers']}, work_mem {facts['work_mem']}."
    )


def figures_table(results):
    """Return times, counts and memory, size by size."""
    rows = []
    for size in sizes(results):
        ledger = get(results, size, "ledger") or {}
        proposal = get(results, size, "proposal")
        queuing = get(results, size, "queuing")
        night = get(results, size, "night")
        first = (
            f"{size:,}".replace(",", " "),
            whole(ledger.get("customers")),
            whole(ledger.get("overdue")),
        )
        rows.append(
            (
                *first,
                *(
                    (
                        whole(proposal["letters"]),
                        whole(proposal["lines"]),
                        f"{proposal['floor_seconds']:.2f}",
                        f"{proposal['proposal_seconds']:.2f}",
                        f"{proposal['first_seconds']:.2f}",
                        f"{proposal['floor_cpu']:.2f}",
                        f"{proposal['proposal_cpu']:.2f}",
                        f"{proposal['measured']['load']}",
                    )
                    if proposal
                    else ("–",) * 8
                ),
                f"{night['seconds']:.2f} / {night['longest_batch']:.2f}"
                if night
                else "–",
                " / ".join(
                    f"{1000 * queuing[f'{way}_seconds']:.1f}"
                    f" ({queuing[f'{way}_queries']:.0f})"
                    for way in ("host_single", "host", "own")
                )
                if queuing
                else "–",
            )
        )
    head = (
        "open items",
        "customers",
        "overdue",
        "letters",
        "lines",
        "floor s",
        "proposal s",
        "first one s",
        "floor CPU s",
        "proposal CPU s",
        "load",
        "night s / longest batch",
        "queuing, ms (queries) a letter: host one by one / in batches / ours",
    )
    return table(head, rows)


def lists_table(results):
    """Return the lists of the largest size."""
    known = [size for size in sizes(results) if get(results, size, "lists")]
    if not known:
        return ""
    figures = get(results, known[-1], "lists")
    rows = [
        (name, f"{1000 * row['seconds']:.0f}", row["queries"], whole(row.get("of")))
        for name, row in figures.items()
        if isinstance(row, dict) and "queries" in row
    ]
    title = f"Lists of 80 rows, and forms, {whole(known[-1])} open items:\n\n"
    return title + table(("list or form", "ms", "queries", "rows in all"), rows)


def index_table(results):
    """Return what the covering index gives and costs."""
    rows = []
    for size in sizes(results):
        figures = get(results, size, "index")
        if not figures:
            continue
        names = ("plain_read", "customers_read", "batch_read", "posting", "reconciling")
        rows.append(
            (
                whole(figures["lines"]),
                f"{figures['build_seconds']:.1f}",
                f"{figures['index_mb']:.0f} of {figures['table_mb']:.0f}",
                *(
                    f"{1000 * figures['without'][name][0]:.0f} →"
                    f" {1000 * figures['with'][name][0]:.0f}"
                    for name in names
                ),
            )
        )
    if not rows:
        return ""
    head = (
        "ledger lines",
        "build s",
        "MiB of the table's",
        "overdue items ms",
        "all customers ms",
        "a batch ms",
        "posting 1 000 items ms",
        "settling 1 000 items ms",
    )
    return "A partial covering index, without → with:\n\n" + table(head, rows)


def portal_table(results):
    """Return how fast the customer's page is among many visitors."""
    figures = get(results, "portal", "portal")
    if not figures:
        return ""
    rows = [
        (
            words_,
            whole(figures[key]["pages"]),
            *(f"{1000 * figures[key][name]:.0f}" for name in ("p50", "p95", "longest")),
            f"{1000 * figures[key]['cpu']:.0f}",
            f"{figures[key]['bytes'] / 1024:.0f}",
        )
        for key, words_ in (
            ("ours_read", "customer's page, by its link, read"),
            ("host_read", "the host's list of invoices, by login, read"),
            ("ours", "customer's page, on and on"),
            ("host", "the host's list of invoices, on and on"),
        )
    ]
    title = (
        f"A customer of {whole(figures['invoices'])} open invoices,"
        f" {figures['clients']} clients, {figures['workers']} workers, load"
        f" {figures['measured']['load']}:\n\n"
    )
    head = ("page", "fetched", "p50 ms", "p95 ms", "longest ms", "CPU ms a page", "KiB")
    return title + table(head, rows)


def orders_table(results):
    """Return what the credit check adds to confirming an order."""
    figures = get(results, "orders", "orders")
    if not figures:
        return ""
    rows = [
        (
            whole(one["invoices"]),
            f"{one['off_ms']:.1f}",
            f"{one['hold_ms']:.1f}",
            f"{one['hold_ms'] - one['off_ms']:.1f}",
            f"{one['hold_queries'] - one['off_queries']:.0f}",
        )
        for one in figures["customers"]
    ]
    title = (
        "Confirming an order, without and with the credit check, load"
        f" {figures['measured']['load']}:\n\n"
    )
    head = ("open invoices", "without, ms", "with, ms", "more, ms", "more queries")
    return title + table(head, rows)


def plans_table(results):
    """Return what a night costs that looks at all plans."""
    figures = get(results, "plans", "plans")
    if not figures:
        return ""
    rows = [
        (
            whole(one["plans"]),
            f"{one['seconds']:.2f}",
            f"{one['floor']:.2f}",
            ratio(one["seconds"], one["floor"]),
            one["queries"],
            f"{one['queries'] / one['batches']:.0f}",
        )
        for one in figures["nights"]
    ]
    title = (
        "A night that looks at all payment plans that run, in batches of 1 000, load"
        f" {figures['measured']['load']}:\n\n"
    )
    head = ("plans", "night s", "floor s", "night ÷ floor", "queries", "of a batch")
    ours, host = (figures["lists"][name] for name in ("plans", "invoices of the host"))
    return "\n\n".join(
        (
            title + table(head, rows),
            f"The list of {whole(ours['of'])} plans, 80 rows:"
            f" {1000 * ours['seconds']:.0f} ms ({ours['queries']} queries),"
            f" {ratio(ours['seconds'], host['seconds'])} × the host's list of invoices"
            " on the same ledger.",
        )
    )


def install_table(results):
    """Return what coming and going does to a large ledger."""
    figures = get(results, "install", "install")
    if not figures:
        return ""
    left = {kind: len(names) for kind, names in figures["left"].items()}
    missing = {kind: len(names) for kind, names in figures["missing"].items()}
    rows = []
    for what in ("install", "update", "uninstall"):
        rewritten = figures["rewritten"][what]
        rows.append(
            (
                what,
                f"{figures[f'{what}_seconds']:.1f}",
                *(whole(rewritten[name]) for name in INSTALL_TABLES),
            )
        )
    return "\n\n".join(
        (
            f"Installed on {whole(figures['invoices'])} invoices, used, updated and"
            " uninstalled; rows that were written again:",
            table(("", "s", *(f"`{name}`" for name in INSTALL_TABLES)), rows),
            f"The update {'kept' if figures['update_keeps'] else '**lost**'} what was"
            f" there. What uninstalling left behind, by kind: {words(left)};"
            f" what it took along that was there before: {words(missing)}. The invoice"
            f" of an order from before was then {figures['paid']}, another order sold.",
        )
    )


def words(counts):
    """Return counts in words.

    >>> words({"jobs": 2, "tables": 1}), words({})
    ('2 jobs, 1 tables', 'nothing')
    """
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"


def table(head, rows):
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)


def ratio(ours, other):
    return f"{ours / other:.2f}"


def over_list(figures, ours, other):
    if ours not in figures or other not in figures:
        return "–"  # measured before there was such a list
    return ratio(figures[ours]["seconds"], figures[other]["seconds"])


def whole(number):
    return "–" if number is None else f"{number:,}".replace(",", " ")
