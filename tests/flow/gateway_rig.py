"""What the gateway's tests share: the gateway alone with a real Redis, a client, and a real Dovecot for accounts."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import msgpack
import pytest
import redis
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "demo"))
from mailserver import MailServer  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MAILWEAVE_BUILD", ROOT / "build" / "plain"))
PROGRAM = BUILD / "gateway" / "gateway"
PASSWORD = "pässword-1"
ANNA = "anna@sales.example"


class Api:
    def __init__(self, base, token=None, user=None):
        self.base, self.token, self.user = base, token, user

    def __call__(self, method, path, expect=None, code=None, headers=None, **options):
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.user:
            sent["Acting-User"] = self.user
        answer = requests.request(method, self.base + path, headers=sent, timeout=60, **options)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        if code:
            body = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert set(body) >= {"type", "title", "status", "code", "detail", "remedy", "retryAfter"}
            assert (body["code"], body["status"]) == (code, answer.status_code), body
        return answer

    def as_user(self, user):
        return Api(self.base, self.token, user)


class Gateway:
    def __init__(self, *settings):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
        self.dir.chmod(0o755)
        for name in ("redis", "bus", "blobs"):
            (self.dir / name).mkdir(mode=0o750)
        self.settings = settings
        self.log = open(self.dir / "gateway.log", "wb")
        self.redis_process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.dir / "redis/redis.sock"), "--appendonly", "no", "--save", "",
             "--dir", str(self.dir)], stdout=subprocess.DEVNULL)
        self.redis = redis.Redis(unix_socket_path=str(self.dir / "redis/redis.sock"))
        self.wait(lambda: self.ping(), 10)
        self.run("--make-keys")
        self.run("--load-functions")
        printed = self.run("--make-root-token").stdout.strip()
        assert printed == (self.dir / "root.token").read_text().strip()
        assert (self.dir / "root.token").stat().st_mode & 0o777 == 0o600
        self.process = None
        self.start()
        self.root = Api(self.base, printed)

    def ping(self):
        try:
            return self.redis.ping()
        except redis.ConnectionError:
            return False

    @staticmethod
    def wait(true, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = true()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError("waited in vain")

    def run(self, *words):
        return subprocess.run([PROGRAM, "--dir", self.dir, *words], capture_output=True, text=True, check=True, timeout=60)

    def start(self):
        port_file = self.dir / "run/gateway-1.port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen([PROGRAM, "--dir", self.dir, "--name", "gateway-1", "--listen", "127.0.0.1:0", *self.settings],
                                        stdout=self.log, stderr=self.log)
        port = self.wait(lambda: port_file.exists() and port_file.read_text().strip(), 20)
        self.base = f"http://127.0.0.1:{port}"

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self):
        try:
            if self.process.poll() is None:
                assert self.stop() == 0
            text = (self.dir / "gateway.log").read_text(errors="replace")
            for complaint in ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "LeakSanitizer"):
                assert complaint not in text, text[-6000:]
            for secret in (PASSWORD, "mw1."):
                assert secret not in text, "a secret is in the log"
        finally:
            self.redis_process.terminate()
            self.redis_process.wait()
            self.log.close()
            shutil.rmtree(self.dir, ignore_errors=True)


def make_company(gateway, name):
    gateway.root("PUT", f"/v1/companies/{name}", 200, json={"name": name.title()})
    token = gateway.root("POST", "/v1/tokens", 201, json={"kind": "company", "companyId": name}).json()["token"]
    company = Api(gateway.base, token)
    for user, role in (("boss", "admin"), ("anna", "regular"), ("ben", "regular")):
        company("PUT", f"/v1/users/{user}", 200, json={"name": user.title(), "loginEmail": f"{user}@{name}.example", "emails": [],
                                                     "role": role, "groups": ["sales"] if user == "anna" else []})
    return company


def servers(mail, password=PASSWORD, **more):
    login = {"host": "127.0.0.1", "user": ANNA, "password": password, "security": "tls"}
    return {"imap": dict(login, port=mail.ports["imaps"]), "smtp": dict(login, port=mail.ports["submissions"]), **more}


def packed(value):
    return msgpack.unpackb(value, raw=False, strict_map_key=False)


@pytest.fixture(scope="module")
def gateway():
    made = Gateway("--allow_private_hosts", "yes", "--egress_addresses", "192.0.2.1, 192.0.2.2")
    yield made
    made.close()


@pytest.fixture(scope="module")
def company(gateway):
    return make_company(gateway, "acme")


@pytest.fixture(scope="module")
def mail():
    top = pathlib.Path(tempfile.mkdtemp(prefix="gwm-", dir="/tmp"))
    top.chmod(0o755)
    made = MailServer(top / "server", connections=100)
    made.dir.mkdir()
    made.users[ANNA] = PASSWORD
    made.up()
    yield made
    made.down()
    shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="module")
def mailed(mail):
    """A gateway that trusts the mail server's CA, with a company."""
    made = Gateway("--allow_private_hosts", "yes", "--ca_file", str(mail.ca))
    made.company = make_company(made, "acme")
    yield made
    made.close()
