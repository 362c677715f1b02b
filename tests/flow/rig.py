"""The flow tests' world: a state directory with the real programs under the real supervisor, a real Redis, a real Dovecot over TLS, and
people who use the API. Nothing here shares code with what is tested, except the command line it starts."""
import contextlib
import imaplib
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time

import msgpack
import redis
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "demo"))

import generate  # noqa: E402
from mailserver import MailServer, alive, free_ports  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MAILWEAVE_BUILD", ROOT / "build" / "plain"))
SLOW = 6 if os.environ.get("MAILWEAVE_SAN", "plain") != "plain" else 1
COMPANY, PASSWORD = "acme", "pässword-1"
BLOCKED = ["@bulk.example"]
COMPLAINTS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|assert", re.I)


def wait(true, seconds, what, step=0.02):
    """The first true value; fails with what was waited for, and what was there instead."""
    end = time.monotonic() + seconds * SLOW
    value = None
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(step)
    raise AssertionError(f"after {seconds * SLOW} s still not: {what}; last {value!r}")


class Client:
    """One token's view of the API."""

    def __init__(self, base, token, user=None):
        self.base, self.session = base, requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        if user:
            self.session.headers["Acting-User"] = user

    def call(self, method, path, expect=None, **options):
        answer = self.session.request(method, self.base + path, timeout=60, **options)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        else:
            assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def get(self, path, **query):
        return self.call("GET", path, params=query).json()

    def every(self, path, **query):
        out, cursor = [], None
        limit = {} if path.endswith("/messages") else {"limit": 200}  # a thread's messages come whole
        while True:
            page = self.get(path, **limit, **query, **({"cursor": cursor} if cursor else {}))
            out += page["data"]
            cursor = page["nextCursor"]
            if not cursor:
                return out


class World:
    def __init__(self, messages=0, accounts=2, seed=1, deals=40, cluster=False, bus=None, scale=(), settings=(), mail_conf=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mw-", dir=os.environ.get("MAILWEAVE_TMP", "/tmp")))
        self.dir.chmod(0o755)
        self.var = self.dir / "var"
        self.failed = False
        self.server = MailServer(self.dir / "server", connections=100, extra=mail_conf)
        self.ledger = {"messages": [], "reps": [], "people": [], "items": []}
        try:
            self._start(messages, accounts, seed, deals, cluster, bus, scale, settings)
        except BaseException:
            self.close()
            raise

    def _start(self, messages, accounts, seed, deals, cluster, bus, scale, settings):
        self.server.dir.mkdir()
        self.ledger = generate.generate(self.dir / "made", messages, accounts, seed, deals=deals)
        (self.dir / "made" / "mail").rename(self.server.mail)
        for rep in self.ledger["reps"]:
            self.server.users[rep["email"]] = PASSWORD
        self.server.up()
        words = ["up", "--quiet", "--listen", "127.0.0.1:0"]
        for stage in ("gateway", "fetcher", "sender"):
            words += ["--set", f"{stage}:ca_file={self.server.ca}"]
        words += ["--set", "gateway:allow_private_hosts=yes"]
        for text in settings:
            words += ["--set", text]
        for text in scale:
            words += ["--scale", text]
        if bus:
            words += ["--bus", bus]
        if cluster:
            ports = free_ports(16)
            words += ["--redis-cluster", str(next(a for a, b in zip(ports, ports[1:]) if b == a + 1))]
        self.mailweave(*words)
        self.connect()
        self.root.call("PUT", f"/v1/companies/{COMPANY}", json={"name": "Acme"})
        token = self.root.call("POST", "/v1/tokens", json={"kind": "company", "companyId": COMPANY}).json()["token"]
        self.token = token
        self.company = Client(self.base, token)
        for rep in self.ledger["reps"]:
            self.company.call("PUT", f"/v1/users/{rep['id']}", json={"name": rep["name"], "loginEmail": rep["email"], "emails": [rep["email"]],
                                                                     "role": "regular", "groups": []})
        self.company.call("PATCH", "/v1/settings", json={"blocked": BLOCKED, "undoSeconds": 0})
        lines = (self.dir / "made" / "mirror.ndjson").read_bytes()
        if lines:
            self.imported = self.company.call("POST", "/v1/import", data=lines, headers={"Content-Type": "application/x-ndjson"}).json()

    def connect(self):
        """Clients of the gateway that runs now (its port is new after a restart)."""
        port = wait(lambda: self._quiet(lambda: (self.var / "run" / "gateway-1.port").read_text().strip()), 10, "the gateway's port")
        self.base = f"http://127.0.0.1:{port.rpartition(':')[2]}"
        self.root = Client(self.base, (self.var / "root.token").read_text().strip())
        if hasattr(self, "token"):
            self.company = Client(self.base, self.token)

    def user(self, rep):
        return Client(self.base, self.token, rep)

    # The command line

    def mailweave(self, *words, check=True, timeout=180):
        run = subprocess.run([ROOT / "scripts" / "mailweave", "--dir", self.var, "--build", BUILD, *map(str, words)], capture_output=True,
                             text=True, timeout=timeout * SLOW)
        if check and run.returncode:
            raise AssertionError(f"mailweave {' '.join(map(str, words))}: {run.returncode}\n{run.stdout}{run.stderr}\n{self.last_words()}")
        return run

    def pid(self, instance):
        return int((self.var / "run" / f"{instance}.pid").read_text())

    def pids(self):
        return {p.stem: int(p.read_text()) for p in (self.var / "run").glob("*.pid") if p.stem != "supervisor"}

    def kill(self, instance, number=signal.SIGKILL):
        pid = self.pid(instance)
        os.kill(pid, number)
        return pid

    @contextlib.contextmanager
    def standing(self, instance):
        """The instance stands still meanwhile: what is before it stays there, whatever this machine's speed."""
        pid = self.kill(instance, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def last_words(self, lines=12):
        out = []
        for path in sorted((self.var / "log").glob("*/current")):
            text = path.read_text(errors="replace").splitlines()
            out.append(f"--- {path.parent.name}\n" + "\n".join(text[-lines:]))
        return "\n".join(out)[-8000:]

    def logs(self, stage):
        return "\n".join(p.read_text(errors="replace") for p in (self.var / "log").glob(f"{stage}*/*") if p.name == "current" or p.name.startswith("@"))

    def close(self):
        complaint = None
        try:
            if self.var.exists():
                self.mailweave("down", "--quiet", check=False)
                for path in (self.var / "log").glob("*/*"):
                    if path.parent.name != "redis" and path.is_file():
                        found = COMPLAINTS.search(path.read_text(errors="replace"))
                        if found:
                            text = path.read_text(errors="replace")
                            complaint = f"{path.parent.name} complains:\n{text[max(0, found.start() - 500):found.start() + 4000]}"
        finally:
            self.server.down()
            if os.environ.get("MAILWEAVE_KEEP") or complaint:
                print(f"kept: {self.dir}")
            else:
                shutil.rmtree(self.dir, ignore_errors=True)
        assert not complaint, complaint

    # Redis, as it lies there

    def redis(self):
        return redis.Redis(unix_socket_path=str(self.var / "redis" / "redis.sock"))

    def waiting(self, rep):
        """Messages that are in the account's ledger: entered, not committed."""
        return self.redis().hlen(f"{{a:{COMPANY}/{rep}}}:l")

    # Accounts and mail

    def account_body(self, rep, since="all"):
        email = next(r["email"] for r in self.ledger["reps"] if r["id"] == rep)
        login = {"host": "127.0.0.1", "user": email, "password": PASSWORD, "security": "tls"}
        return {"id": rep, "userId": rep, "email": email, "since": since, "imap": dict(login, port=self.server.ports["imaps"]),
                "smtp": dict(login, port=self.server.ports["submissions"])}

    def add_account(self, rep, since="all"):
        return self.user(rep).call("POST", "/v1/accounts", 201, json=self.account_body(rep, since)).json()

    def add_accounts(self):
        for rep in self.ledger["reps"]:
            self.add_account(rep["id"])

    def synced(self, rep):
        view = self.user(rep).get(f"/v1/accounts/{rep}")
        return view if view["state"] == "connected" and not self.waiting(rep) else None

    def wait_synced(self, seconds=60, reps=None):
        for rep in reps or [r["id"] for r in self.ledger["reps"]]:
            # A gateway that was killed, or that ended with Redis, listens elsewhere once it is back.
            wait(lambda rep=rep: self._quiet(lambda: self.connect() or self.synced(rep)), seconds, f"{rep} synced; {self.progress(rep)}\n{self.last_words()}", 0.1)
        self.wait_applied(seconds)

    @staticmethod
    def _quiet(call):
        """None while a process that was killed is not back."""
        try:
            return call()
        except (requests.ConnectionError, redis.exceptions.RedisError, AssertionError, FileNotFoundError):
            return None

    def progress(self, rep):
        return self._quiet(lambda: self.user(rep).get(f"/v1/accounts/{rep}"))

    def wait_applied(self, seconds=30):
        """Every account's journal has reached the company slot."""
        def behind():
            store = self.redis()
            out = {}
            for rep in self.ledger["reps"]:
                last = int(store.hget(f"{{a:{COMPANY}/{rep['id']}}}:n", "j") or 0)
                done = int(store.hget(f"{{c:{COMPANY}}}:applied", rep["id"]) or 0)
                if last != done:
                    out[rep["id"]] = (done, last)
            return out
        wait(lambda: self._quiet(lambda: not behind()), seconds, f"journals applied: {self._quiet(behind)}", 0.05)

    def imap(self, rep):
        email = next(r["email"] for r in self.ledger["reps"] if r["id"] == rep)
        context = ssl.create_default_context(cafile=str(self.server.ca))
        connection = imaplib.IMAP4_SSL("localhost", self.server.ports["imaps"], ssl_context=context)
        connection.authenticate("PLAIN", lambda _: f"\0{email}\0{PASSWORD}".encode())
        return connection

    def append(self, rep, folder, raw, flags=""):
        connection = self.imap(rep)
        answer = connection.append(folder, flags, None, raw)
        connection.logout()
        assert answer[0] == "OK", answer

    def deliver(self, rep, raw, sender="someone@elsewhere.example"):
        """As the mail server gets it from outside: LMTP."""
        email = next(r["email"] for r in self.ledger["reps"] if r["id"] == rep)
        with smtplib.LMTP("127.0.0.1", self.server.ports["lmtp"]) as lmtp:
            lmtp.sendmail(sender, [email], raw)

    # What came out

    def threads(self, rep):
        return self.user(rep).every("/v1/threads")

    def messages_by_thread(self, rep):
        """thread id → its messages."""
        api = self.user(rep)
        return {t["id"]: api.every(f"/v1/threads/{t['id']}/messages") for t in self.threads(rep)}

    def record_bytes(self):
        """Redis' bytes a message of everything it holds."""
        store = self.redis()
        info = store.info("memory")
        committed = sum(store.hlen(f"{{a:{COMPANY}/{r['id']}}}:m") for r in self.ledger["reps"])
        return (info["used_memory"] - info["used_memory_startup"]) / max(1, committed)


def unpack(data):
    return msgpack.unpackb(data, raw=True, strict_map_key=False)


__all__ = ["World", "Client", "wait", "alive", "unpack", "json", "BUILD", "ROOT", "COMPANY", "PASSWORD", "BLOCKED", "SLOW"]
