"""mailweave status: one table over all stages, from the registry, the processes' metrics and /proc."""
import re
import socket
import time

from . import resp
from .state import STAGES, Stop, stage_of
from .supervise import Tree

LINE = re.compile(r"^mailweave_([a-z0-9_]+)(?:\{([^}]*)\})? ([-0-9.eE+]+)", re.M)


def scrape(port, timeout=1.0):
    """(name, lane) → value, summed over other labels."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
    found = {}
    for name, labels, value in LINE.findall(data.decode(errors="replace")):
        lane = re.search(r'lane="(\w+)"', labels)
        key = (name, lane.group(1) if lane else "")
        found[key] = found.get(key, 0.0) + float(value)
    return found


def memory_bytes(pid):
    """Resident memory of a process and its children that are part of it (the parser's sandbox)."""
    total = 0
    for one in [pid] + children(pid):
        try:
            with open(f"/proc/{one}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
        except OSError:
            try:
                with open(f"/proc/{one}/status") as file:
                    total += sum(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS:"))
            except OSError:
                pass
    return total


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(x) for x in file.read().split()]
    except OSError:
        return []


def cpu_s(pid):
    """CPU seconds of a process and its living and reaped children."""
    import os
    total = 0
    for one in [pid] + children(pid):
        try:
            with open(f"/proc/{one}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            total += sum(int(x) for x in fields[11:15 if one == pid else 13])
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


def snapshot(state):
    """instance → {"entry", "metrics", "pid"}; what does not answer has no metrics."""
    with resp.connect(state) as redis:
        entries = resp.registry(redis)
    found = {}
    for name, entry in entries.items():
        try:
            metrics = scrape(entry["metrics"])
        except (OSError, KeyError):
            metrics = None
        found[name] = {"entry": entry, "metrics": metrics, "pid": entry.get("pid")}
    return found


def total(snaps, name, lane=None):
    return sum(v for s in snaps if s["metrics"] for (n, label), v in s["metrics"].items() if n == name and lane in (None, label))


def largest(snaps, name):
    return max([v for s in snaps if s["metrics"] for (n, _), v in s["metrics"].items() if n == name], default=0.0)


def short_bytes(n):
    return f"{n / (1 << 20):.0f} MB" if n < 10 << 30 else f"{n / (1 << 30):.1f} GB"


def short_seconds(s):
    return "–" if s <= 0 else f"{s:.1f} s" if s < 60 else f"{s / 60:.0f} min" if s < 7200 else f"{s / 3600:.0f} h"


def rows(state, interval):
    tree = Tree(state)
    first, at = snapshot(state), time.monotonic()
    time.sleep(interval)
    now, passed = snapshot(state), 0
    passed = time.monotonic() - at
    services = tree.state.instances()
    out = []
    for stage in STAGES:
        mine = [s for n, s in now.items() if s["entry"].get("stage") == stage]
        before = {n: s for n, s in first.items() if s["entry"].get("stage") == stage}
        rate = sum(max(0.0, total([s], "messages_out_total") - total([before[n]], "messages_out_total"))
                   for n, s in now.items() if n in before) / passed
        wanted = len([n for n in services if stage_of(n) == stage])
        out.append({"stage": stage, "live": len(mine), "wanted": wanted, "rate": rate, "queue": total(mine, "queue_depth"),
                    "oldest": largest(mine, "oldest_seconds"), "failed": total(mine, "messages_failed_total"),
                    "memory": sum(memory_bytes(s["pid"]) for s in mine if s["pid"]),
                    "cpu": sum(cpu_s(s["pid"]) for s in mine if s["pid"])})
    if "redis" in services:
        pid = tree.pid("redis")
        out.append({"stage": "redis", "live": int(bool(pid)), "wanted": 1, "rate": None, "queue": None, "oldest": None, "failed": None,
                    "memory": memory_bytes(pid) if pid else 0, "cpu": cpu_s(pid) if pid else 0})
    return out


def table(state, interval=1.0):
    if not state.instances():
        raise Stop(f"nothing runs in {state.dir}", "start it: scripts/mailweave up")
    lines = [f"{'stage':<9}{'instances':>10}{'rate':>10}{'queue':>8}{'oldest':>9}{'failed':>8}{'memory':>9}{'CPU':>9}"]
    for row in rows(state, interval):
        live = f"{row['live']} of {row['wanted']}" if row["live"] != row["wanted"] else str(row["live"])
        if row["rate"] is None:
            rate, queue, oldest, failed = "", "", "", ""
        else:
            rate, queue, oldest, failed = (f"{row['rate']:,.0f}/s", f"{row['queue']:,.0f}", short_seconds(row["oldest"]), f"{row['failed']:,.0f}")
        lines.append(f"{row['stage']:<9}{live:>10}{rate:>10}{queue:>8}{oldest:>9}{failed:>8}{short_bytes(row['memory']):>9}{row['cpu']:>7.1f} s")
    return "\n".join(lines)
