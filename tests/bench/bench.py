#!/usr/bin/python3
"""bench [--messages N] [--rounds N] [--skip-peers] [--fetch-only]: from Dovecot to committed and readable, beside the raw limit and mbsync.

One mailbox of generated mail (median 12 KB, mean about 67 KB). Each round runs, one after the other: raw_fetch (asks for everything and
throws it away), mailweave (a new state directory; ends when the last message is committed and the API shows it), mbsync with its
defaults. --fetch-only: the fetcher alone; what follows it is a sink that commits unread; beside it also raw_fetch that keeps what it
reads (digest, seal, write: no program that stores mail needs less) and ImapFlow, which counts what it reads (npm; left out without it).
--rtt-ms, --rate: the same over a far way (delay_link.c), beside raw_fetch that asks for as much at once as the fetcher does.
Medians, ratios within the round, CPU seconds of every process, memory, Redis' bytes a message."""
import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "flow"), str(ROOT / "tests" / "demo"), str(ROOT / "scripts")]

import generate  # noqa: E402
from mailserver import MailServer  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
REP, PASSWORD = "anna", "bench"
BATCH = 512  # messages a FETCH, as fetcher/mailbox_sync.c asks
IMAPFLOW = "imapflow@1.7.2"
IMAPFLOW_RUN = """
const { ImapFlow } = require('imapflow');
(async () => {
    const [host, port, user, pass] = process.argv.slice(2);
    const client = new ImapFlow({ host, port: Number(port), secure: true, auth: { user, pass }, logger: false });
    await client.connect();
    await client.mailboxOpen('INBOX', { readOnly: true });
    let count = 0;
    for await (const m of client.fetch('1:*', { uid: true, flags: true, internalDate: true, size: true, source: true }))
        count += m.source.length > 0 ? 1 : 0;
    await client.logout();
    console.log(count);
})();
"""


def tree_of(root):
    """A process and all that descend from it."""
    children = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = open(f"/proc/{entry.name}/stat").read().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
            except OSError:
                pass
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def usage(pid):
    """(name, CPU seconds with reaped children, RSS bytes, peak RSS bytes) of one process."""
    try:
        head, _, tail = open(f"/proc/{pid}/stat").read().rpartition(")")
        status = open(f"/proc/{pid}/status").read()
    except OSError:
        return None
    fields = tail.split()
    sizes = {line.split(":")[0]: int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM"))}
    return head.partition("(")[2], sum(map(int, fields[11:15])) / TICK, sizes.get("VmRSS", 0), sizes.get("VmHWM", 0)


def dovecot_cpu(server):
    return sum(u[1] for p in tree_of(server.pids()[0]) if (u := usage(p)))


class Bench:
    def __init__(self, args):
        self.args = args
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mwb-", dir=args.tmp))
        self.dir.chmod(0o755)
        offered = "protocol imap {\n  mail_plugins = $mail_plugins imap_zlib\n}\n" if args.compress else ""
        self.server = MailServer(self.dir / "server", extra=offered)
        self.rounds = []
        self.sink = self.link = self.imapflow_dir = None

    def prepare(self):
        start = time.monotonic()
        self.server.dir.mkdir()
        ledger = generate.generate(self.dir / "made", self.args.messages, 1, self.args.seed, "bench")
        (self.dir / "made" / "mail").rename(self.server.mail)
        self.email = ledger["reps"][0]["email"]
        # One folder: the comparison is of the fetch, not of folder lists.
        box = self.server.mail / self.email / "Maildir"
        names = set()
        for path in list(box.glob(".*/cur/*")):
            if path.name in names:
                path.unlink()
                continue
            names.add(path.name)
            path.rename(box / "cur" / path.name)
        for folder in list(box.glob(".*")):
            if folder.is_dir():
                shutil.rmtree(folder)
        (box / "subscriptions").unlink()
        sizes = sorted(m["size"] for m in ledger["messages"])
        self.server.users[self.email] = PASSWORD
        self.server.up()
        self.count = len(list((box / "cur").iterdir()))
        print(f"{self.count:,} messages, {sum(sizes) / 1e6:.0f} MB, median {sizes[len(sizes) // 2] / 1e3:.1f} KB, "
              f"mean {sum(sizes) / len(sizes) / 1e3:.1f} KB; made in {time.monotonic() - start:.1f} s", flush=True)
        self.raw()  # Dovecot's indexes and the page cache are warm for everybody
        if self.args.rtt_ms or self.args.rate:
            self.go_far()
        if self.args.fetch_only and not self.args.skip_peers:
            self.install_imapflow()

    def go_far(self):
        """All that follows talks to the server by way of delay_link."""
        args = self.args
        self.link = subprocess.Popen([args.build / "tests" / "bench" / "delay_link", str(self.server.ports["imaps"]), str(args.rtt_ms),
                                      str(args.tcp_window), str(args.rate)], stdout=subprocess.PIPE, text=True)
        self.server.ports = dict(self.server.ports, imaps=int(self.link.stdout.readline()))
        print(f"far: {args.rtt_ms} ms round trip, {args.tcp_window / 2**20:.0f} MB of window, "
              f"{f'{args.rate / 1e6:.1f} MB/s' if args.rate else 'any rate'}", flush=True)

    def install_imapflow(self):
        if not (shutil.which("npm") and shutil.which("node")):
            print("ImapFlow is left out: no npm and node here", flush=True)
            return
        there = self.dir / "imapflow"
        there.mkdir()
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", there, IMAPFLOW],
                              capture_output=True, text=True)
        if done.returncode:
            print(f"ImapFlow is left out: npm install failed: {done.stderr.strip()[-200:]}", flush=True)
            return
        (there / "run.js").write_text(IMAPFLOW_RUN)
        self.imapflow_dir = there

    def timed(self, command, **more):
        """What a client of one process took, and what it printed."""
        before, server = resource.getrusage(resource.RUSAGE_CHILDREN), dovecot_cpu(self.server)
        start = time.monotonic()
        run = subprocess.run(command, capture_output=True, text=True, check=True, **more)
        took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        return run.stdout, {"s": took, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                            "server_cpu": dovecot_cpu(self.server) - server}

    def counted(self, command, **more):
        text, figures = self.timed(command, **more)
        assert int(text.split()[0]) == self.count, f"{command[0]} saw {text.split()[0]} of {self.count}"
        return figures

    def raw(self, batch=0, keep=None):
        return self.counted([self.args.build / "tests" / "bench" / "raw_fetch", "localhost", str(self.server.ports["imaps"]), self.email, PASSWORD,
                             self.server.ca, str(batch), *([keep] if keep else [])])

    def raw_kept(self):
        kept = self.dir / "kept"
        try:
            return self.raw(keep=kept)
        finally:
            kept.unlink(missing_ok=True)

    def imapflow(self):
        return self.counted(["node", self.imapflow_dir / "run.js", "localhost", str(self.server.ports["imaps"]), self.email, PASSWORD],
                            env=dict(os.environ, NODE_EXTRA_CA_CERTS=str(self.server.ca)))

    def mbsync(self):
        out = self.dir / "mbsync"
        shutil.rmtree(out, ignore_errors=True)
        (out / "mail").mkdir(parents=True)
        (out / "rc").write_text(f"""IMAPAccount a
Host localhost
Port {self.server.ports['imaps']}
User {self.email}
Pass {PASSWORD}
SSLType IMAPS
SystemCertificates no
CertificateFile {self.server.ca}

IMAPStore far
Account a

MaildirStore near
Path {out}/mail/
Inbox {out}/mail/INBOX

Channel c
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
SyncState *
""")
        _, figures = self.timed(["mbsync", "-q", "-c", out / "rc", "c"])
        count = len(list(out.glob("mail/INBOX/*/*")))
        assert count >= self.count, f"mbsync has {count} of {self.count}"
        return figures

    def mailweave(self):
        os.environ["MAILWEAVE_BUILD"] = str(self.args.build)
        import rig
        world = object.__new__(rig.World)
        world.dir = pathlib.Path(tempfile.mkdtemp(prefix="mwb-", dir=self.args.tmp))
        world.dir.chmod(0o755)
        world.var, world.server = world.dir / "var", self.server
        world.ledger = {"messages": [], "reps": [{"id": REP, "name": "Anna", "email": self.email}], "people": [], "items": []}
        try:
            return self._mailweave(world, rig)
        except AssertionError:
            print(world.last_words(40), file=sys.stderr)
            raise
        finally:
            if self.sink:
                self.sink.terminate()
                self.sink.wait()
                self.sink = None
            world.mailweave("down", "--quiet", check=False)
            shutil.rmtree(world.dir, ignore_errors=True)

    def start_sink(self, world):
        self.sink = subprocess.Popen([self.args.build / "tests" / "bench" / "sink", "--name", "parser-90", "--dir", world.var,
                                      "--redis", f"unix:{world.var}/redis/redis.sock"], stderr=subprocess.DEVNULL)
        while not world.redis().exists("{g}:reg:parser-90"):
            assert self.sink.poll() is None, "the sink ended"
            time.sleep(0.05)

    def _mailweave(self, world, rig):
        words = [w for stage in ("gateway", "fetcher", "sender") for w in ("--set", f"{stage}:ca_file={self.server.ca}")]
        if self.args.compress is not None:
            words += ["--set", f"fetcher:compress={self.args.compress}", "--set", "fetcher:compress.round_trip_ms=0"]
        if self.args.fetch_only:
            words += [w for stage in ("parser", "threader", "linker") for w in ("--scale", f"{stage}=0")]
        world.mailweave("up", "--quiet", "--listen", "127.0.0.1:0", "--set", "gateway:allow_private_hosts=yes", *words)
        world.connect()
        if self.args.fetch_only:
            self.start_sink(world)
        world.root.call("PUT", f"/v1/companies/{rig.COMPANY}", json={"name": "Bench"})
        world.token = world.root.call("POST", "/v1/tokens", json={"kind": "company", "companyId": rig.COMPANY}).json()["token"]
        world.company = rig.Client(world.base, world.token)
        world.company.call("PUT", f"/v1/users/{REP}", json={"name": "Anna", "loginEmail": self.email, "emails": [self.email], "role": "regular",
                                                            "groups": []})
        people = (self.dir / "made" / "mirror.ndjson").read_bytes()
        world.company.call("POST", "/v1/import", data=people, headers={"Content-Type": "application/x-ndjson"})
        rig.PASSWORD = PASSWORD
        pids = world.pids()
        before = {n: sum(u[1] for p in tree_of(pid) if (u := usage(p))) for n, pid in pids.items()}
        server = dovecot_cpu(self.server)
        store, api = world.redis(), world.user(REP)
        start = time.monotonic()
        world.add_account(REP)
        added = time.monotonic()
        tag = f"{{a:{rig.COMPANY}/{REP}}}"
        while store.hlen(f"{tag}:m") < self.count:
            if time.monotonic() - start > 600:
                raise AssertionError(f"only {store.hlen(f'{tag}:m')} of {self.count} committed")
            time.sleep(0.02)
        took = time.monotonic() - start
        if not self.args.fetch_only:
            assert len(api.get("/v1/threads", limit=50)["data"]) == 50
            world.wait_applied(60)
        cpu, memory = {}, {}
        for name, pid in pids.items():
            uses = [u for p in tree_of(pid) if (u := usage(p))]
            cpu[name] = sum(u[1] for u in uses) - before[name]
            memory[name] = max((u[3] for u in uses), default=0)
        blobs = sum(f.stat().st_blocks * 512 for f in (world.var / "blobs").rglob("*") if f.is_file())
        return {"s": took, "verify": added - start, "cpu": sum(cpu.values()), "cpu_of": cpu, "memory_of": memory,
                "redis_bytes": world.record_bytes(), "blob_bytes": blobs, "server_cpu": dovecot_cpu(self.server) - server}

    def run(self):
        self.prepare()
        for number in range(self.args.rounds):
            this = {"raw": self.raw(), "mailweave": self.mailweave()}
            if self.link:
                this["raw window"] = self.raw(BATCH)
            if self.args.fetch_only:
                this["raw kept"] = self.raw_kept()
            if not self.args.skip_peers:
                this["mbsync"] = self.mbsync()
            if self.imapflow_dir:
                this["imapflow"] = self.imapflow()
            self.rounds.append(this)
            print(f"round {number + 1}: " + ", ".join(f"{n} {v['s']:.2f} s" for n, v in this.items()), flush=True)
        self.report()

    def median(self, name, field):
        return statistics.median(r[name][field] for r in self.rounds)

    def report(self):
        print(f"\n{'':<12}{'median s':>9}{'× raw':>8}{'msgs/s':>9}{'CPU s':>8}{'server CPU s':>14}")
        for name in self.rounds[0]:
            ratio = statistics.median(r[name]["s"] / r["raw"]["s"] for r in self.rounds)
            print(f"{name:<12}{self.median(name, 's'):>9.2f}{ratio:>8.2f}{self.count / self.median(name, 's'):>9,.0f}{self.median(name, 'cpu'):>8.2f}"
                  f"{self.median(name, 'server_cpu'):>14.2f}")
        last = self.rounds[-1]["mailweave"]
        rate = statistics.median(r["raw"]["s"] / r["mailweave"]["s"] for r in self.rounds)
        print(f"\nmailweave reaches {rate * 100:.0f} % of the raw limit's rate (account verification of {self.median('mailweave', 'verify'):.2f} s included)")
        if self.args.fetch_only:
            fetcher = [r["mailweave"]["cpu_of"]["fetcher-1"] for r in self.rounds]
            over = statistics.median(f / r["raw kept"]["cpu"] for f, r in zip(fetcher, self.rounds))
            print(f"the fetcher itself: {statistics.median(fetcher):.2f} CPU s, {over:.2f} × raw kept")
        if self.link:
            ratio = statistics.median(r["mailweave"]["s"] / r["raw window"]["s"] for r in self.rounds)
            print(f"mailweave takes {ratio:.2f} × as long as raw_fetch with the same window of requests")
        print(f"{'process':<12}{'CPU s':>8}{'peak MB':>9}")
        for name in sorted(last["cpu_of"]):
            cpu = statistics.median(r["mailweave"]["cpu_of"].get(name, 0) for r in self.rounds)
            print(f"{name:<12}{cpu:>8.2f}{last['memory_of'][name] / 2**20:>9.1f}")
        print(f"Redis: {self.median('mailweave', 'redis_bytes'):,.0f} bytes a message; blobs on disk {last['blob_bytes'] / 1e6:,.0f} MB")
        if self.args.json:
            pathlib.Path(self.args.json).write_text(json.dumps(self.rounds, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "plain")
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--skip-peers", "--skip-mbsync", action="store_true", help="neither mbsync nor ImapFlow")
    parser.add_argument("--rtt-ms", type=int, default=0, help="so long a round trip to the server")
    parser.add_argument("--rate", type=int, default=0, help="octets a second from the server at the most")
    parser.add_argument("--tcp-window", type=int, default=6 << 20, help="octets under way to the client at the most")
    parser.add_argument("--compress", choices=["yes", "no"], help="COMPRESS=DEFLATE, whatever the round trip (default: the fetcher's own)")
    parser.add_argument("--fetch-only", action="store_true", help="the fetcher alone, before a sink")
    parser.add_argument("--tmp", default="/var/tmp")
    parser.add_argument("--json", help="write all figures there")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is stopped
    bench = Bench(parser.parse_args())
    try:
        bench.run()
    finally:
        if bench.link:
            bench.link.terminate()
            bench.link.wait()
        bench.server.down()
        shutil.rmtree(bench.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
