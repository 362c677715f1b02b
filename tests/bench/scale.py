#!/usr/bin/python3
"""scale idle [--accounts N] | messages [--messages N] | folders [--folders N]: what one fetcher holds, and how soon it wakes.

idle: so many accounts of one Dovecot, each with its real IDLE connection to one fetcher; then mail for 50 of them, one after the other, and
the time until its owner's list of threads shows it. messages: one mailbox of so many small messages, from the first sync to the last
commit. folders: one account of so many folders with a message each. Prints the fetcher's memory (now and its peak) and CPU, and fails
where the project's own bounds are broken (400 MB for 2,000 accounts, in proportion; 64 MB for the others; a second to wake)."""
import argparse
import concurrent.futures
import os
import pathlib
import random
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "flow"), str(ROOT / "tests" / "demo")]

# Many connections, small: those that idle are handed to one process, and their TLS is done by a few.
HIBERNATE = """
imap_hibernate_timeout = 2s
default_client_limit = 20000
service imap {
  process_limit = 8000
  unix_listener imap-master {
    mode = 0666
  }
}
service imap-hibernate {
  chroot =
  unix_listener imap-hibernate {
    mode = 0666
  }
}
service imap-login {
  service_count = 0
  process_min_avail = 2
  client_limit = 8000
}
service auth {
  client_limit = 20000
}
service anvil {
  client_limit = 20000
}
"""
MBOX = "mail_location = mbox:~/mail:INBOX=~/inbox:INDEX=~/index\n"


def world_of(accounts, extra, settings=()):
    import rig

    class World(rig.World):
        def _start(self, *words):
            self.server.connections, self.server.extra = 20000, extra
            super()._start(*words)

    return World(accounts=accounts, deals=0, settings=settings)


def usage(world):
    """(RSS MB, peak MB, CPU s) of the fetcher."""
    pid = world.pid("fetcher-1")
    lines = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if line.startswith(("VmRSS", "VmHWM")))
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (*(int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")), sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK"))


def report(world, what, bound_mb):
    now, peak, cpu = usage(world)
    print(f"{what}: fetcher {now:.1f} MB, peak {peak:.1f} MB (bound {bound_mb:.0f}), {cpu:.1f} CPU s", flush=True)
    return peak <= bound_mb


def small(number, folder=""):
    return (f"From: P{number % 1000} <p{number % 1000}@elsewhere.example>\nTo: me@here.example\nSubject: {folder}note {number}\n"
            f"Date: Tue, 24 Nov 2026 10:00:00 +0000\nMessage-ID: <{folder}{number}@elsewhere.example>\n\nShort text {number}.\n").encode()


def own(world):
    world.server.delivered()


def wait_for(count_of, wanted, seconds):
    """Progress, every few seconds."""
    begin, shown = time.monotonic(), 0
    while (have := count_of()) < wanted:
        if time.monotonic() - begin > seconds:
            sys.exit(f"only {have:,} of {wanted:,} after {seconds} s")
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"  {have:,} of {wanted:,} after {shown - begin:.0f} s", flush=True)
        time.sleep(0.1)
    return time.monotonic() - begin


def rest(world, accounts, seconds):
    """Nothing happens for so long: what does that cost?"""
    time.sleep(5)
    before = usage(world)[2]
    time.sleep(seconds)
    spent = usage(world)[2] - before
    print(f"idle for {seconds} s: {spent:.2f} CPU s, {100 * spent / seconds:.2f} % of a core, {1e6 * spent / seconds / accounts:.1f} µs a second and account", flush=True)


def idle(args):
    import rig
    world = world_of(args.accounts, HIBERNATE)
    try:
        reps = [r["id"] for r in world.ledger["reps"]]
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(16) as several:
            list(several.map(world.add_account, reps))
        print(f"{len(reps):,} accounts added in {time.monotonic() - begin:.1f} s", flush=True)
        store = world.redis()
        connected = lambda: sum(store.hget(f"{{a:{rig.COMPANY}/{rep}}}:st", "state") == b"connected" for rep in reps)  # noqa: E731
        took = wait_for(connected, len(reps), 1200)
        ok = report(world, f"{len(reps):,} accounts connected in {took:.0f} s", 400 * max(1, len(reps) / 2000))
        rest(world, len(reps), args.seconds)
        times = []
        for number, rep in enumerate(random.Random(args.seed).sample(reps, min(50, len(reps)))):
            begin = time.monotonic()
            world.deliver(rep, small(number, "wake "))
            rig.wait(lambda rep=rep: world.user(rep).get("/v1/threads", limit=1)["data"], 30, f"mail of {rep}", 0.005)
            times.append(time.monotonic() - begin)
        print(f"woken: median {statistics.median(times) * 1e3:.0f} ms, longest {max(times) * 1e3:.0f} ms, of {len(times)}", flush=True)
        return report(world, "after it", 400 * max(1, len(reps) / 2000)) and ok and statistics.median(times) < 1
    finally:
        world.close()


def put_mbox(world, count):
    rep = world.ledger["reps"][0]
    home = world.server.mail / rep["email"]
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "inbox", "wb") as file:
        for number in range(count):
            file.write(b"From p@elsewhere.example Tue Nov 24 10:00:00 2026\n" + small(number) + b"\n")
    own(world)
    return rep["id"]


def messages(args):
    import rig
    world = world_of(1, MBOX)
    try:
        rep = put_mbox(world, args.messages)
        world.add_account(rep)
        store = world.redis()
        took = wait_for(lambda: store.hlen(f"{{a:{rig.COMPANY}/{rep}}}:m"), args.messages, 7200)
        return report(world, f"{args.messages:,} messages in {took:.0f} s ({args.messages / took:.0f} a second)", 64)
    finally:
        world.close()


def folders(args):
    import rig
    world = world_of(1, "")
    try:
        rep = world.ledger["reps"][0]
        box = world.server.mail / rep["email"] / "Maildir"
        for number in range(args.folders):
            folder = box / f".Customers.Folder {number:04}"
            for name in ("cur", "new", "tmp"):
                (folder / name).mkdir(parents=True)
            (folder / "maildirfolder").touch()
            (folder / "cur" / f"{1764000000 + number}.{number}.here:2,S").write_bytes(small(number, f"f{number} "))
        own(world)
        world.add_account(rep["id"])
        store = world.redis()
        took = wait_for(lambda: store.hlen(f"{{a:{rig.COMPANY}/{rep['id']}}}:m"), args.folders, 3600)
        return report(world, f"{args.folders:,} folders in {took:.0f} s", 64)
    finally:
        world.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("idle", "messages", "folders"))
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=1000000)
    parser.add_argument("--folders", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.environ["MAILWEAVE_BUILD"] = str(args.build.resolve())
    sys.exit(0 if {"idle": idle, "messages": messages, "folders": folders}[args.what](args) else 1)


if __name__ == "__main__":
    main()
