"""A gateway and a linker as processes over a real Redis, with mail that was committed by the linker's own function: what
the mail and event routes need, without mail servers, fetchers or parsers."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import msgpack
import redis
import requests

from linker_slot import NOW, Slot, id_of, unpack

BUILD = pathlib.Path(os.environ.get("MAILWEAVE_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build" / "plain"))
SLOW = 6 if os.environ.get("MAILWEAVE_SAN", "plain") != "plain" else 1
COMPANY = "c1"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def wait(true, seconds, what):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        value = true()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"after {seconds * SLOW} s still not: {what}")


def public(account, raw):
    """The API's form of a message's or thread's id."""
    number = int.from_bytes(raw, "big")
    return account + "~" + "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


class Api:
    """One viewer."""

    def __init__(self, box, token, user=None):
        self.box, self.headers = box, {"Authorization": f"Bearer {token}"}
        if user:
            self.headers["Acting-User"] = user
        self.session = requests.Session()

    def call(self, method, path, headers=None, **options):
        return self.session.request(method, self.box.base + path, headers={**self.headers, **(headers or {})}, timeout=60, **options)

    def ok(self, method, path, status=None, **options):
        answer = self.call(method, path, **options)
        wanted = [status] if status else [200, 201, 204]
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        return answer.json() if answer.content else None

    def get(self, path, **query):
        return self.ok("GET", path, 200, params=query)

    def every(self, path, limit=200, **query):
        out, cursor, pages = [], None, 0
        while True:
            page = self.get(path, limit=limit, **query, **({"cursor": cursor} if cursor else {}))
            assert len(page["data"]) <= limit
            out += page["data"]
            cursor = page["nextCursor"]
            pages += 1
            assert pages < 2000
            if not cursor:
                return out

    def ids(self, path, **query):
        return [t["id"] for t in self.every(path, **query)]

    def events(self, **query):
        """All that are kept, from `after` on; and where that ends."""
        out, after = [], query.pop("after", None)
        while True:
            page = self.get("/v1/events", wait=0, limit=query.get("limit", 200), **{k: v for k, v in query.items() if k != "limit"},
                            **({"after": after} if after else {}))
            after = page["nextAfter"]
            out += page["data"]
            if not page["data"]:
                return out, after


class Mailbox:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mwbox"))
        self.running, self.numbers, self.token = {}, {}, None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        socket = self.dir / "r.sock"
        (self.dir / "blobs").mkdir()
        self._spawn("redis", ["redis-server", "--port", "0", "--unixsocket", socket, "--appendonly", "no", "--save", "", "--dir", self.dir])
        self.r = redis.Redis(unix_socket_path=str(socket))
        wait(lambda: self._ping(), 10, "redis")
        self.common = ["--dir", self.dir, "--redis", f"unix:{socket}"]
        for word in ("--make-keys", "--make-root-token"):
            run = subprocess.run([BUILD / "gateway/gateway", word, *self.common], capture_output=True, text=True)
            assert run.returncode == 0, run.stderr
        self.start_gateway()
        self._spawn("linker-1", [BUILD / "linker/linker", "--name", "linker-1", "--sweep_ms", "1s", *self.common])
        self.root = Api(self, next(self.dir.glob("root*token")).read_text().strip())
        wait(lambda: self._there({"gateway", "linker"}), 20, "both processes in the registry")
        subprocess.run([BUILD / "linker/linker", "--load-functions", *self.common], check=True, capture_output=True)
        self.root.ok("PUT", f"/v1/companies/{COMPANY}", json={"name": "C"})
        self.token = self.root.ok("POST", "/v1/tokens", json={"kind": "company", "companyId": COMPANY})["token"]
        self.company = Api(self, self.token)

    def _ping(self):
        try:
            return self.r.ping()
        except redis.exceptions.RedisError:
            return False

    def _there(self, stages):
        targets = self.root.get("/v1/targets")
        return stages <= {t["labels"]["stage"] for t in targets}

    def _spawn(self, name, words):
        log = open(self.dir / f"{name}.log", "ab")
        self.running[name] = subprocess.Popen([str(w) for w in words], stdout=log, stderr=log)

    def start_gateway(self):
        port = self.dir / "run" / "gateway-1.port"
        port.parent.mkdir(exist_ok=True)
        port.unlink(missing_ok=True)
        self._spawn("gateway-1", [BUILD / "gateway/gateway", "--name", "gateway-1", "--listen", "127.0.0.1:0", *self.common])
        text = wait(lambda: port.exists() and port.read_text().strip(), 20, "the gateway's port\n" + self.log("gateway-1"))
        self.base = f"http://127.0.0.1:{text.rpartition(':')[2]}"

    def restart_gateway(self, how=signal.SIGKILL):
        process = self.running.pop("gateway-1")
        process.send_signal(how)
        process.wait(30 * SLOW)
        self.start_gateway()

    def log(self, name):
        path = self.dir / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def close(self):
        died = [n for n, p in self.running.items() if p.poll() is not None]
        words = "\n".join(f"--- {n}\n{self.log(n)}" for n in died)
        for name in sorted(self.running, key=lambda n: n == "redis"):
            process = self.running[name]
            process.terminate()
            try:
                process.wait(20 * SLOW)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                died.append(name + " did not stop")
        logs = "".join(self.log(n) for n in self.running)
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not died, f"{died}\n{words}"
        assert "AddressSanitizer" not in logs and "runtime error" not in logs, logs

    # Who there is

    def wipe(self):
        """As after the start: one company with nothing in it."""
        for key in self.r.keys("{a:*") + self.r.keys("{c:*"):
            if not key.endswith(b"}:tok"):
                self.r.delete(key)
        self.r.delete("{g}:accounts")
        self.numbers = {}
        self.root.ok("PUT", f"/v1/companies/{COMPANY}", json={"name": "C"})

    def user(self, name, role="regular", groups=()):
        self.company.ok("PUT", f"/v1/users/{name}", json={"name": name, "loginEmail": f"{name}@us.example", "emails": [], "role": role,
                                                          "groups": list(groups)})
        return Api(self, self.token, name)

    def person(self, name, visible="company", owner=None):
        body = {"name": name, "emails": [f"{name}@client.example"], "visibleTo": visible}
        self.company.ok("PUT", f"/v1/people/{name}", json={**body, **({"ownerId": owner} if owner else {})})

    def item(self, kind, name, visible="company", owner=None):
        body = {"title": name, "status": "open", "personIds": [], "visibleTo": visible}
        self.company.ok("PUT", f"/v1/{kind}s/{name}", json={**body, **({"ownerId": owner} if owner else {})})

    def account(self, name, user, members=(), sharing=""):
        self.numbers[name] = len(self.numbers) + 1
        self.r.hset(self.tag(name) + ":acct", mapping={"gen": 1, "user": user, "number": self.numbers[name], "sharing": sharing,
                                                       "company": COMPANY, "account": name, "config": "{}", "revision": 1,
                                                       "email": f"{name}@us.example"})
        self.r.hset("{g}:accounts", f"{COMPANY}/{name}", 1)
        self.r.hset("{c:%s}:acct" % COMPANY, name, msgpack.packb([self.numbers[name], user, f"{name}@us.example", list(members), 0],
                                                                 use_bin_type=False))

    # Mail

    @staticmethod
    def tag(account):
        return "{a:%s/%s}" % (COMPANY, account)

    def commit(self, account, *messages):
        """messages: (name, refs, options of Slot.message). Names are unique in an account."""
        for start in range(0, len(messages), 64):
            packed = [Slot.message(None, account + name, [account + ref for ref in refs], **{"card": self.card(name, given), **given})
                      for name, refs, given in messages[start:start + 64]]
            answer = self.r.execute_command("FCALL", "linker_1_commit", 1, self.tag(account), 1, int(time.time() * 1000), *packed)
            assert answer[0] == b"ok" and set(answer[1]) == {b"committed"}, answer

    @staticmethod
    def card(name, given):
        return msgpack.packb({"s": given.get("subject", "s " + name), "p": "preview of " + name, "f": [["Frida", "frida@client.example"]],
                              "t": [["", "anna@us.example"]], "b": [["", "secret@us.example"]], "i": name + "@x", "h": 0, "n": 1},
                             use_bin_type=False)

    def mail(self, account, name, refs=(), **given):
        """One message; its id in the API (its thread's too, if it founds one)."""
        self.commit(account, (name, refs, given))
        return public(account, id_of(account + name))

    def settle(self):
        """The linker has applied every journal."""
        def behind():
            return [a for a in self.numbers if int(self.r.hget(self.tag(a) + ":n", "j") or 0) !=
                    int(self.r.hget("{c:%s}:applied" % COMPANY, a) or 0)]
        wait(lambda: not behind(), 20, "journals applied\n" + self.log("linker-1"))


__all__ = ["Mailbox", "Api", "public", "wait", "id_of", "unpack", "NOW", "COMPANY", "SLOW"]
