#!/usr/bin/python3
"""scale idle [--accounts N] [--seconds N] | messages [--messages N] [--backfill N] [--server vast] | folders [--folders N]: what one fetcher holds.

idle: so many accounts of one Dovecot, each with its real IDLE connection to one fetcher; mail for 50 of them, one after the other, and the
time until its owner's list of threads shows it; what all cost while nothing happens for so many seconds; then the fetcher is stopped hard
and comes back: how long until all are connected again. messages: one mailbox of so many small messages of five years: first sync of ten
days, backfill of the newest N, proof of the whole folder (vast: from tests/flow/vast.py, without Dovecot's share of the work). folders: one
account of so many folders with a message each. Prints the fetcher's memory (now and its peak) and CPU, and fails where the project's own
bounds are broken (400 MB for 2,000 accounts, in proportion; 64 MB for the others; a second to wake)."""
import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import threading
import time

import msgpack

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "flow"), str(ROOT / "tests" / "demo"), str(ROOT / "tests")]

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


def metric(world, name, label=""):
    """Of the fetcher; 0 while it is not there."""
    import requests
    for group in world.root.call("GET", "/v1/targets").json():
        for target in group["targets"]:
            try:
                lines = requests.get(f"http://{target}/metrics", timeout=10).text.splitlines()
            except requests.ConnectionError:
                continue
            for line in lines:
                if f"_{name}{{" in line and label in line:
                    return int(float(line.split()[-1]))
    return 0


def rest(world, reps, seconds):
    """Nothing happens for so long, after the first proof of every folder: what does that cost?"""
    import rig
    store, begin = world.redis(), time.monotonic()
    proved = lambda: sum(store.exists(f"{{a:{rig.COMPANY}/{rep}}}:cov") for rep in reps)  # noqa: E731
    wait_for(proved, len(reps), 1200)
    while metric(world, "fetcher_connections") != len(reps):
        time.sleep(0.5)
    time.sleep(3)
    print(f"{len(reps):,} accounts proved in {time.monotonic() - begin:.0f} s", flush=True)
    before, turns = usage(world)[2], metric(world, "fetcher_turns_total")
    time.sleep(seconds)
    spent, turns = usage(world)[2] - before, metric(world, "fetcher_turns_total") - turns
    print(f"idle for {seconds} s: {spent:.2f} CPU s, {100 * spent / seconds:.2f} % of a core, {1e6 * spent / seconds / len(reps):.1f} µs a second and account, "
          f"{turns / seconds / len(reps):.2f} turns", flush=True)


def connections(world):
    """Accounts that came to rest in this life of the fetcher."""
    return metric(world, "fetcher_accounts", '"connected"')


def restart(world, accounts):
    old = world.kill("fetcher-1")
    begin = time.monotonic()
    while world._quiet(lambda: world.pid("fetcher-1")) in (None, old):
        time.sleep(0.05)
    wait_for(lambda: connections(world), accounts, 1200)
    return time.monotonic() - begin


def sealed(key, context, clear):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, clear, context)


def sealed_to(recipient, context, clear):
    """common/secret/secret.h: to the public half of credentials."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    own = X25519PrivateKey.generate()
    ephemeral = own.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    shared = own.exchange(X25519PublicKey.from_public_bytes(recipient))
    key = HKDF(hashes.SHA256(), 32, ephemeral + recipient, b"mailweave sealed to credentials 1").derive(shared)
    return b"\x01" + ephemeral + sealed(key, context, clear)


def add_accounts(world, reps):
    """The first as everybody does. The others are written as the gateway writes them: it would try each of them with the mail server, both
    ways, which takes longer than all that is measured here."""
    import rig
    first = reps[0]
    world.add_account(first)
    store, keys = world.redis(), world.var / "keys"
    public, mail = (keys / "credentials.pub").read_bytes(), (keys / "mail.key").read_bytes()
    record = store.hgetall(f"{{a:{rig.COMPANY}/{first}}}:acct")
    entry = msgpack.unpackb(store.hget(f"{{c:{rig.COMPANY}}}:acct", first))
    clear = json.dumps({"imapPassword": rig.PASSWORD, "smtpPassword": rig.PASSWORD}).encode()
    emails = {r["id"]: r["email"] for r in world.ledger["reps"]}
    for number, rep in enumerate(reps[1:], 2):
        context = f"{rig.COMPANY}/{rep}".encode()
        mine = lambda data, rep=rep: data.replace(emails[first].encode(), emails[rep].encode())  # noqa: E731
        fields = {**record, b"number": number, b"account": rep, b"user": rep, b"email": emails[rep], b"config": mine(record[b"config"]),
                  b"own": msgpack.packb([emails[rep]]), b"cred": sealed_to(public, context, clear)}
        for name in (b"gen", b"key", b"revision"):
            fields.pop(name)
        store.fcall("gateway_1_account_put", 1, f"{{a:{rig.COMPANY}/{rep}}}", int(time.time() * 1000), "",
                    sealed(mail, b"mailweave data key 1\0" + context, os.urandom(32)), *[part for pair in fields.items() for part in pair])
        store.hset(f"{{c:{rig.COMPANY}}}:acct", rep, msgpack.packb([number, rep, emails[rep], *entry[3:]]))
        store.hset("{g}:accounts", context, 1)


INSTANCES = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")


def idle(args):
    import rig
    if int(INSTANCES.read_text()) < 2 * args.accounts:  # else Dovecot looks for new mail every 30 s only
        sys.exit(f"Dovecot waits for mail by inotify, an instance a connection: {INSTANCES} has to be {2 * args.accounts} at least")
    world = world_of(args.accounts, HIBERNATE)
    try:
        reps = [r["id"] for r in world.ledger["reps"]]
        begin = time.monotonic()
        add_accounts(world, reps)
        print(f"{len(reps):,} accounts added in {time.monotonic() - begin:.1f} s", flush=True)
        store = world.redis()
        connected = lambda: sum(store.hget(f"{{a:{rig.COMPANY}/{rep}}}:st", "state") == b"connected" for rep in reps)  # noqa: E731
        took = wait_for(connected, len(reps), 1200)
        ok = report(world, f"{len(reps):,} accounts connected in {took:.0f} s", 400 * max(1, len(reps) / 2000))
        times = []
        for number, rep in enumerate(random.Random(args.seed).sample(reps, min(50, len(reps)))):
            begin = time.monotonic()
            world.deliver(rep, small(number, "wake "))
            rig.wait(lambda rep=rep: world.user(rep).get("/v1/threads", limit=1)["data"], 30, f"mail of {rep}", 0.005)
            times.append(time.monotonic() - begin)
        print(f"woken: median {statistics.median(times) * 1e3:.0f} ms, longest {max(times) * 1e3:.0f} ms, of {len(times)}", flush=True)
        ok = report(world, "after it", 400 * max(1, len(reps) / 2000)) and ok
        rest(world, reps, args.seconds)
        took = restart(world, len(reps))
        ok = report(world, f"stopped hard, all {len(reps):,} connected again in {took:.0f} s", 400 * max(1, len(reps) / 2000)) and ok
        return ok and statistics.median(times) < 1
    finally:
        world.close()


class Watch:
    """The fetcher's memory every second, printed now and then and at its highest."""

    def __init__(self, world, every=15):
        self.world, self.every, self.over = world, every, threading.Event()
        self.samples = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        begin = shown = time.monotonic()
        while not self.over.wait(1):
            now = time.monotonic()
            self.samples.append(usage(self.world)[0])
            if now - shown >= self.every:
                shown = now
                print(f"    {now - begin:.0f} s: {self.samples[-1]:.1f} MB", flush=True)

    def end(self):
        self.over.set()
        print(f"    memory over time: median {statistics.median(self.samples):.1f} MB, most {max(self.samples):.1f} MB, last {self.samples[-1]:.1f} MB", flush=True)


YEARS = 5
MBOX_DATE = "%a %b %d %H:%M:%S %Y"


def put_mbox(world, count):
    """So many messages over five years, evenly, the last of them of now; with the lines that Dovecot would spend minutes to write into it."""
    rep = world.ledger["reps"][0]
    home = world.server.mail / rep["email"]
    home.mkdir(parents=True, exist_ok=True)
    step = YEARS * 365 * 86400 / count
    now = time.time()
    with open(home / "inbox", "wb") as file:
        for number in range(count):
            when = time.strftime(MBOX_DATE, time.gmtime(now - (count - 1 - number) * step))
            uids = (b"X-IMAPbase: 1764000000 %010d\n" % count if number == 0 else b"") + b"Status: O\nX-UID: %d\n" % (number + 1)
            file.write(b"From p@elsewhere.example " + when.encode() + b"\n" + uids + small(number) + b"\n")
    own(world)
    world.server.doveadm("index", "-u", rep["email"], "INBOX")  # else the first who opens it waits for minutes
    return rep["id"]


def first_sync(world, rep):
    """The newest ten days."""
    view = lambda: world.user(rep).get(f"/v1/accounts/{rep}")  # noqa: E731
    begin = time.monotonic()
    world.user(rep).call("POST", "/v1/accounts", 201, json=world.account_body(rep, since="10d"))
    while view()["state"] != "connected" or world.waiting(rep):
        time.sleep(0.2)
    return time.monotonic() - begin


def older(world, rep, share):
    """Backfill of the newest share of the five years."""
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - share * YEARS * 365 * 86400))
    api, begin = world.user(rep), time.monotonic()
    api.call("POST", f"/v1/accounts/{rep}/backfill", 202, json={"since": since})
    shown = begin
    while (view := api.get(f"/v1/accounts/{rep}/backfill"))["state"] != "completed" or world.waiting(rep):
        time.sleep(0.5)
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            print(f"  {view['done']:,} of {view['total']:,} after {shown - begin:.0f} s", flush=True)
    return time.monotonic() - begin, view


def proof(world, rep):
    """The whole folder compared with the server."""
    api, begin = world.user(rep), time.monotonic()
    folder = next(f["id"] for f in api.get(f"/v1/accounts/{rep}/folders")["data"] if f["path"] == "INBOX")
    where = f"/v1/accounts/{rep}/folders/{folder}/coverage"
    before = api.get(where)["verifiedAt"]
    api.get(where, fresh=1)
    while (view := api.get(where))["verifiedAt"] == before:
        time.sleep(0.5)
    return time.monotonic() - begin, view


def vast(world, count):
    """The same from a server that keeps nothing."""
    from dialog.server import tls
    from vast import Vast
    keys = world.server.dir / "tls"
    world.server.ports["imaps"] = Vast(tls(keys / "cert.pem", keys / "key.pem"), count, YEARS * 365 * 86400 / count).port
    return world.ledger["reps"][0]["id"]


def messages(args):
    import rig
    begin = time.monotonic()
    world = world_of(1, "" if args.server == "vast" else MBOX)
    try:
        rep = (vast if args.server == "vast" else put_mbox)(world, args.messages)
        print(f"{args.messages:,} messages of {YEARS} years there in {time.monotonic() - begin:.0f} s ({args.server})", flush=True)
        stored = lambda: world.redis().hlen(f"{{a:{rig.COMPANY}/{rep}}}:m")  # noqa: E731
        watch = Watch(world)
        took = first_sync(world, rep)
        ok = report(world, f"first sync of ten days, {stored():,} messages, in {took:.0f} s", 64)
        before = stored()
        took, view = older(world, rep, min(1, args.backfill / args.messages))
        ok = report(world, f"backfill of {view['done']:,} messages in {took:.0f} s ({(stored() - before) / took:.0f} a second)", 64) and ok
        took, view = proof(world, rep)
        watch.end()
        ok = report(world, f"proof in {took:.0f} s: {view['state']}, {view['remote']:,} on the server, {view['stored']:,} stored, "
                           f"{view['skipped']['outsideWindow']:,} too old, {view['missingCount']:,} missing", 64) and ok
        return ok and view["remote"] == args.messages and view["missingCount"] == 0
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
    parser.add_argument("--backfill", type=int, default=1000000)
    parser.add_argument("--server", choices=("dovecot", "vast"), default="dovecot")
    parser.add_argument("--folders", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    os.environ["MAILWEAVE_BUILD"] = str(args.build.resolve())
    sys.exit(0 if {"idle": idle, "messages": messages, "folders": folders}[args.what](args) else 1)


if __name__ == "__main__":
    main()
