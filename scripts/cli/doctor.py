"""mailweave doctor: looks at everything that commonly goes wrong, and says what to do about each."""
import os
import shutil
import subprocess
import time

from . import resp
from .state import ROOT, STAGES, Stop, stage_of
from .status import snapshot, scrape  # noqa: F401
from .supervise import Tree

FSYNC_WANTED = 500


def fsync_rate(folder, seconds=0.5):
    """Appends of 512 bytes with fdatasync, a second: what `appendfsync always` and group commit stand on."""
    path = folder / f".fsync-{os.getpid()}"
    count, end = 0, time.monotonic() + seconds
    with open(path, "wb", buffering=0) as file:
        try:
            while time.monotonic() < end:
                file.write(b"x" * 512)
                os.fdatasync(file.fileno())
                count += 1
        finally:
            path.unlink()
    return count / seconds


def check_packages(_state):
    run = subprocess.run([ROOT / "scripts" / "bootstrap", "--check"], capture_output=True, text=True)
    return run.returncode == 0, run.stdout.strip() or "all packages are installed", "scripts/bootstrap"


def check_disk(state):
    usage = shutil.disk_usage(state.dir)
    text = f"{usage.free >> 30} GB of {usage.total >> 30} GB free"
    return usage.free > usage.total // 20 and usage.free > 2 << 30, text, "free some space, or set blob_dir to a larger disk"


def check_fsync(state):
    rate = fsync_rate(state.dir)
    return rate >= FSYNC_WANTED, f"{rate:,.0f} durable writes a second", f"below {FSYNC_WANTED} the disk limits the sync: use a local SSD"


def check_keys(state):
    bad = [p.name for p in state.keys.iterdir() if p.suffix == ".key" and p.stat().st_mode & 0o077]
    missing = [n for n in ("credentials.key", "credentials.pub", "mail.key", "token.key") if not (state.keys / n).exists()]
    if missing:
        return False, f"missing in {state.keys}: {', '.join(missing)}", "restore them from your copy: sealed mail cannot be read without"
    return not bad, f"others may read {', '.join(bad)}" if bad else "keys are there, readable by the owner alone", f"chmod 600 {state.keys}/*.key"


def check_redis(state):
    wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
    with resp.connect(state) as redis:
        found = {name: redis.call("CONFIG", "GET", name)[1].decode() for name in wanted}
        info = redis.call("INFO").decode()
    wrong = [f"{n} is {found[n]}, not {v}" for n, v in wanted.items() if found[n] != v]
    used = next(x.split(":")[1].strip() for x in info.splitlines() if x.startswith("used_memory_human"))
    version = next(x.split(":")[1].strip() for x in info.splitlines() if x.startswith("redis_version"))
    return not wrong, "; ".join(wrong) or f"Redis {version} holds {used}, each write durable, nothing evicted", "set it so in Redis' configuration"


def check_instances(state):
    tree, names = Tree(state), state.instances()
    dead = [n for n in names if not tree.pid(n)]
    none = [s for s in STAGES if not any(stage_of(n) == s for n in names)]
    if not tree.supervisor():
        return False, "nobody watches the programs (s6-svscan does not run)", "scripts/mailweave up"
    text = "; ".join(filter(None, (f"not running: {', '.join(dead)}" if dead else "", f"no instance of {', '.join(none)}" if none else "")))
    return not text, text or f"{len(names)} instances run", "scripts/mailweave logs STAGE, scripts/mailweave scale STAGE=1"


def check_ports(state):
    silent = [n for n, s in snapshot(state).items() if s["metrics"] is None]
    host, port = state.api_address()
    return not silent, f"no metrics from {', '.join(silent)}" if silent else f"API at http://{host}:{port}, metrics of every instance answer", \
        "scripts/mailweave restart STAGE"


def check_ledger(state):
    oldest = 0.0
    for snap in snapshot(state).values():
        if snap["entry"].get("stage") == "fetcher" and snap["metrics"]:
            oldest = max([oldest] + [v for (n, _), v in snap["metrics"].items() if n == "oldest_seconds"])
    return oldest < 600, f"the oldest message on its way is {oldest:.0f} s old", "scripts/mailweave status; scripts/mailweave logs"


def check_clock(state):
    with resp.connect(state) as redis:
        seconds, micro = redis.call("TIME")
    apart = abs(time.time() - int(seconds) - int(micro) / 1e6)
    return apart < 1 and time.time() > 1.7e9, f"Redis' clock and ours are {apart * 1000:.0f} ms apart", "run a time service on both machines"


CHECKS = (("packages", check_packages), ("disk", check_disk), ("fsync", check_fsync), ("keys", check_keys), ("redis", check_redis),
          ("instances", check_instances), ("ports", check_ports), ("ledger", check_ledger), ("clock", check_clock))


def run(state):
    """Prints one line a check; the number that failed."""
    failed = 0
    for name, check in CHECKS:
        try:
            good, text, remedy = check(state)
        except Stop as stop:
            good, text, remedy = False, stop.what, stop.remedy
        except (OSError, resp.RedisError) as error:
            good, text, remedy = False, str(error), f"is mailweave up? state directory: {state.dir}"
        failed += not good
        print(f"{'ok  ' if good else 'BAD '} {name:<10} {text}" + ("" if good else f"\n     → {remedy}"))
    return failed
