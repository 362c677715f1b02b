"""One account and its company in a real Redis with the functions of linker, threader and gateway, called as they call them."""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

import msgpack
import pytest
import redis

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "demo"))

from mailserver import free_ports  # noqa: E402

FRAGMENTS = [f"common/store/{name}.lua" for name in ("hash", "journal", "thread_state")]
LIBRARIES = [
    ["linker/linker.lua", *FRAGMENTS, "linker/facts.lua", "linker/back.lua", "linker/commit.lua",
     "linker/suppress.lua", "linker/apply.lua", "linker/rebuild.lua"],
    ["threader/threader.lua", *FRAGMENTS, "threader/rehome.lua"],
    ["#!lua name=gateway_1\n", *FRAGMENTS, "gateway/thread_actions.lua"],
]
TAG, COMPANY = "{a:c1/anna}", "{c:c1}"
NOW = 1_790_000_000_000


def source(parts):
    text = b""
    for part in parts:
        text += part.encode() if part.startswith("#!") else open(os.path.join(ROOT, part), "rb").read()
    return text


def until_it_answers(client, process, log):
    while True:
        try:
            client.ping()
            return
        except redis.exceptions.RedisError:
            if process.poll() is not None:
                with open(log, encoding="utf-8") as said:
                    raise RuntimeError("redis-server ended at once: " + said.read()) from None
            time.sleep(0.02)


def redis_server(*options):
    """A Redis of one's own with all the functions, then its end."""
    folder = tempfile.mkdtemp(prefix="mwlua")
    path = os.path.join(folder, "r.sock")
    log = os.path.join(folder, "redis.log")
    process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--appendonly", "no", "--save", "",
                                "--dir", folder, "--logfile", log, *options])
    try:
        client = redis.Redis(unix_socket_path=path)
        until_it_answers(client, process, log)
        if options:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                time.sleep(0.05)
        for parts in LIBRARIES:
            client.execute_command("FUNCTION", "LOAD", source(parts))
        yield client
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["one server", "cluster of one"])
def any_server(request):
    """On a cluster a call that touches two hash slots is refused."""
    port, bus = free_ports(2)
    cluster = ["--port", str(port), "--cluster-port", str(bus), "--cluster-enabled", "yes"]
    yield from redis_server(*(cluster if "cluster" in request.param else []))


@pytest.fixture(scope="module")
def server():
    yield from redis_server()


@pytest.fixture
def slot(any_server):
    any_server.flushdb()
    return Slot(any_server)


def key_of(text):
    return hashlib.sha256(text.encode()).digest()[:8]


def id_of(text):
    return hashlib.sha256(b"id " + text.encode()).digest()[:10]


def pack(value):
    return msgpack.packb(value, use_bin_type=False)


def unpack(data):
    return msgpack.unpackb(data, raw=True, strict_map_key=False)


class Slot:
    """One account and its company, called as the programs call it."""

    def __init__(self, client, sharing=""):
        self.r = client
        self.user_of = {}
        client.hset(TAG + ":acct", mapping={"gen": 3, "user": "u1", "number": 7, "sharing": sharing})

    def message(self, name, refs=(), **given):
        m = {"mode": 0, "screened": 0, "received": NOW, "sent": NOW, "bits": 0, "thread_bits": 1, "people": [],
             "person": "", "kind": "", "item": "", "reason": "no_person", "open": [], "sharing": "s",
             "subject": "s " + name, "card": b"\x81\xa1s\xa1x", "submission": "", "back": [], "bounced": "", "writer": ""}
        m.update(given)
        if m["kind"]:
            m["reason"] = ""
        keys = list(dict.fromkeys([key_of(name)] + [key_of(ref) for ref in refs]))
        head = [m["received"], m["sent"], 1000, b"blobref", m["bits"], m["people"]]
        decision = [m["kind"], m["item"]] if m["kind"] else [m["reason"], *m["open"]]
        return pack([id_of(name), m["mode"], m["screened"], m["received"], m["bits"], m["thread_bits"], m["people"],
                     m["person"], m["kind"], m["item"], m["reason"], m["sharing"], m["subject"], keys, m["submission"],
                     b"".join(map(pack, head)), pack(decision), pack(m["card"]),
                     0, 0, 0, 0, m["back"], m["bounced"], m["writer"]])

    def call(self, function, key, *args):
        return self.r.execute_command("FCALL", function, 1, key, *args)

    def commit(self, *messages, gen=3, now=NOW):
        return self.call("linker_1_commit", TAG, gen, now, *messages)

    def one(self, name, refs=(), **given):
        answer = self.commit(self.message(name, refs, **given))
        return answer[1][0].decode()

    def act(self, verb, *args, gen=3, user="u1"):
        return self.call("gateway_1_" + verb, TAG, gen, NOW + 1, user, *args)

    def rehome(self):
        while self.call("threader_1_rehome", TAG, NOW, 16)[1]:
            pass

    def resolve(self, thread):
        while True:
            survivor = self.r.hget(TAG + ":al", thread)
            if not survivor:
                return thread
            thread = survivor

    def thread(self, name):
        """The record of the thread that a message is in, as a dict; None if it is not there."""
        record = self.r.hget(TAG + ":m", id_of(name))
        if not record:
            return None
        root = self.resolve(unpack(record)[1])
        packed = self.r.hget(TAG + ":t", root)
        names = ["v", "first_n", "last_ms", "count", "bits", "subject", "sharing", "sharing_n", "link", "skipped",
                 "person", "people", "last_id", "inbox_n", "sent_ms"]
        return packed and dict(zip(names, unpack(packed)), id=root)

    def members(self, thread):
        return set(self.r.zrange((TAG + ":tm:").encode() + thread, 0, -1))

    def view(self, name):
        return set(self.r.zrange(TAG + ":v:" + name, 0, -1))

    def journal(self):
        return [unpack(fields[b"e"]) for _, fields in self.r.xrange(TAG + ":j")]

    def apply(self):
        last = int(self.r.hget(COMPANY + ":applied", "anna") or 0)
        entries = [fields[b"e"] for _, fields in self.r.xrange(TAG + ":j", min=f"{last + 1}-0")]
        for start in range(0, len(entries), 64):
            answer = self.call("linker_1_apply", COMPANY, "anna", 7, last + 1 + start, 0, *entries[start:start + 64])
            assert answer[0] == b"ok"

    def timeline(self, suffix):
        return {member[4:] for member in self.r.zrange(f"{COMPANY}:tl:{suffix}", 0, -1)}

    def counts(self, field):
        return int(self.r.hget(TAG + ":n", field) or 0)

    def check(self):
        """Whatever happened: views, members, counts and journal numbers agree."""
        threads = {i: unpack(v) for i, v in self.r.hgetall(TAG + ":t").items()}
        assert dict(self.r.zrange(TAG + ":v:all", 0, -1, withscores=True)) == {i: t[2] for i, t in threads.items()}
        for view in ("inbox", "sent", "archive"):
            for thread, score in self.r.zrange(TAG + ":v:" + view, 0, -1, withscores=True):
                assert score == threads[thread][2]
        homes = {}
        for message, record in self.r.hgetall(TAG + ":m").items():
            homes.setdefault(self.resolve(unpack(record)[1]), set()).add(message)
        assert set(homes) == set(threads)
        for thread, t in threads.items():
            assert t[3] == len(homes[thread])
            members = self.r.zrange((TAG + ":tm:").encode() + thread, 0, -1)
            assert set(members) == (homes[thread] if t[3] > 1 else set())
            assert t[12] in homes[thread]
            assert unpack(self.r.hget(TAG + ":m", t[12]))[3] == t[2]
        ids = [i for i, _ in self.r.xrange(TAG + ":j")]
        assert ids == [b"%d-0" % (k + 1) for k in range(len(ids))]


def partition(messages):
    """The oracle: union-find over ids."""
    parent = {}

    def find(x):
        parent.setdefault(x, x)
        while parent[x] != x:
            x = parent[x]
        return x

    for name, refs in messages:
        for ref in refs:
            parent[find(ref)] = find(name)
    groups = {}
    for name, _ in messages:
        groups.setdefault(find(name), set()).add(id_of(name))
    return sorted(map(sorted, groups.values()))
