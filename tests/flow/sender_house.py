"""One state directory with a real Redis, an account, and senders that can be killed: for the tests of the sender. The SMTP
server is scripted_smtp.py; tests/flow/outbox.c stands in for the gateway."""
import base64
import email
import email.policy
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import msgpack
import pytest
import redis

from scripted_smtp import ScriptedSmtp

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MAILWEAVE_BUILD", ROOT / "build" / "plain"))
SLOW = 4 if os.environ.get("MAILWEAVE_SAN", "plain") != "plain" else 1
COMPANY, ACCOUNT, ADDRESS = "acme", "anna", "anna@sales.example"
TAG = "{a:%s/%s}" % (COMPANY, ACCOUNT)
GENERATION = 3


def wait(true, what, seconds=15):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"timed out: {what() if callable(what) else what}")


class House:
    """One state directory: Redis, keys, an account, senders."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mw-snd-"))
        (self.dir / "keys").mkdir(mode=0o700)
        (self.dir / "blobs").mkdir()
        (self.dir / "tls").mkdir()
        (self.dir / "bus").mkdir()
        socket = self.dir / "r.sock"
        self.redis_server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(socket), "--appendonly", "no", "--save", "", "--dir", str(self.dir)],
            stdout=subprocess.DEVNULL)
        self.redis = redis.Redis(unix_socket_path=str(socket), socket_timeout=60)
        wait(lambda: socket.exists() and self.answers(), "redis")
        self.smtp = ScriptedSmtp(self.dir / "tls")
        self.tool("keys", self.dir / "keys")
        self.cred, self.key = self.tool("seal", self.dir / "keys", COMPANY, ACCOUNT, "secret").decode().split()
        self.senders, self.count = {}, 0
        self.account()

    def answers(self):
        try:
            return self.redis.ping()
        except redis.exceptions.ConnectionError:
            return False

    def tool(self, *words, data=b""):
        return subprocess.run([BUILD / "tests/flow/outbox", *map(str, words)], input=data, capture_output=True, check=True).stdout

    def account(self, security="tls", **more):
        config = {"provider": None, "senderName": "Anna Älg", "smtp": {"host": "127.0.0.1", "port": self.smtp.port, "security": security,
                                                                       "user": ADDRESS}}
        self.redis.hset("{g}:accounts", f"{COMPANY}/{ACCOUNT}", GENERATION)
        values = {"gen": GENERATION, "company": COMPANY, "account": ACCOUNT, "user": "u1", "email": ADDRESS,
                  "own": msgpack.packb([ADDRESS.encode()], use_bin_type=False), "config": json.dumps(config), "cred": bytes.fromhex(self.cred),
                  "key": bytes.fromhex(self.key), "paused": 0, "revision": 1}
        values.update(more)
        self.redis.hset(TAG + ":acct", mapping=values)

    def start(self, *words):
        self.count += 1
        name = f"sender-{self.count}"
        log = open(self.dir / f"{name}.log", "ab")
        self.senders[name] = subprocess.Popen(
            [BUILD / "sender/sender", "--dir", self.dir, "--name", name, "--redis", f"unix:{self.dir}/r.sock", "--keys_dir", self.dir / "keys",
             "--blob_dir", self.dir / "blobs", "--ca_file", self.smtp.ca, "--sweep_ms", "100", "--drain_ms", "2s", *map(str, words)],
            stdout=log, stderr=log)
        return name

    def stop(self, name, how=signal.SIGTERM):
        process = self.senders.pop(name)
        process.send_signal(how)
        return process.wait(20 * SLOW)

    def put(self, request):
        """A request as a blob: its reference and id."""
        blob_id = os.urandom(10)
        ref = self.tool("put", self.dir, COMPANY, ACCOUNT, self.key, GENERATION, blob_id.hex(), data=json.dumps(request).encode())
        return bytes.fromhex(ref.decode().strip()), blob_id

    def submit(self, request, due=0, message_id="", submission=None, bulk=False, recipients=1, shared=(b"", b"")):
        submission = submission or base64.b32encode(os.urandom(10)).decode().lower()
        now = int(time.time() * 1000)
        entry = msgpack.packb([*self.put(request), "u1", now, due or now, "shared", message_id, GENERATION, int(bulk), recipients, *shared, 0],
                              use_bin_type=False)
        self.redis.hset(TAG + ":o", submission, entry)
        self.redis.zadd(TAG + (":odb" if bulk else ":od"), {submission: due or now})
        return submission

    def state(self, submission):
        return json.loads(self.redis.hget(TAG + ":os", submission) or b"{}")

    def until(self, submission, *statuses, seconds=15):
        return wait(lambda: self.state(submission).get("status") in statuses and self.state(submission),
                    lambda: f"{submission} {statuses}: {self.state(submission)}\n{self.logs()}", seconds)

    def journal(self, submission):
        entries = [msgpack.unpackb(e[b"e"], raw=True) for _, e in self.redis.xrange(TAG + ":j")]
        return [e[3].decode() for e in entries if e[0] == b"o" and e[2].decode() == submission]

    def logs(self):
        return "\n".join(p.read_text(errors="replace")[-1500:] for p in sorted(self.dir.glob("*.log")))

    def close(self):
        self.smtp.close()
        died = {n: p.poll() for n, p in self.senders.items() if p.poll() is not None}
        codes = {n: self.stop(n) for n in list(self.senders) if n not in died}
        self.redis_server.terminate()
        self.redis_server.wait(20)
        logs = self.logs()
        assert not died, f"ended by itself: {died}\n{logs}"
        assert not any(codes.values()), f"{codes}\n{logs}"
        assert "Sanitizer" not in logs and "runtime error" not in logs, logs
        subprocess.run(["rm", "-rf", str(self.dir)], check=True)


@pytest.fixture
def house():
    if not (BUILD / "tests/flow/outbox").exists():
        pytest.skip("tests/flow/outbox is not built: make tests-built")
    made = House()
    yield made
    made.close()


def simple(**more):
    request = {"to": [{"name": "Bo", "email": "bo@them.example"}], "subject": "Hello", "text": "Hi Bo,\n.\n..dots\nbye\n"}
    request.update(more)
    return request


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def id_key(message_id):
    return hashlib.sha256(message_id.encode()).digest()[:8]
