"""Proves SYN-10 for the linker's half, on the real programs: threaders and linkers that are killed at random while facts
come, again and again, leave every message committed once, threads as THR-01 says (members re-homed), the company slot
equal to the journal, and a rebuild that changes nothing. tests/flow/feed.c stands for the stages before."""
import os
import random
import signal
import struct
import subprocess
import time

import msgpack
import pytest

from linker_slot import COMPANY, NOW, id_of, pack, partition, server, unpack  # noqa: F401

BUILD = os.environ.get("MAILWEAVE_BUILD", os.path.join(os.path.dirname(__file__), "../../build/plain"))
FEED = os.path.join(BUILD, "tests/flow/feed")
ACCOUNTS = ["anna", "ben"]


def tag(account):
    return "{a:c1/%s}" % account


def frame(account, name, refs, lane, fields):
    values = {1: "c1", 2: account, 3: 3, 4: id_of(account + name), 5: lane, 8: "feed-1", 9: "u1",
              10: [account + "@us.example"], 11: NOW, 12: 1000, 13: b"blob", 14: 2, 30: [name + "@x"],
              32: [ref + "@x" for ref in refs], 41: b"\0" * 32, 42: b"\x80"}
    values.update(fields)
    return msgpack.packb([1, 2, values])


class Pipeline:
    """The programs of one test, by name."""

    def __init__(self, folder, redis_address):
        self.folder, self.redis_address, self.running, self.out = str(folder), redis_address, {}, {}

    def start(self, program, name, *args):
        log = open(os.path.join(self.folder, name + ".log"), "ab")
        self.out[name] = os.path.join(self.folder, name + ".out")
        self.running[name] = subprocess.Popen(
            [program, "--name", name, "--dir", self.folder, "--redis", self.redis_address, *args],
            stdout=open(self.out[name], "ab"), stderr=log)

    def stage(self, stage, name, sweep="1s"):
        self.start(os.path.join(BUILD, stage, stage), name, "--sweep_ms", sweep)

    def kill(self, name, how=signal.SIGKILL):
        self.running[name].send_signal(how)
        return self.running.pop(name).wait(20)

    def close(self):
        died = [name for name, process in self.running.items() if process.poll() is not None]
        for name in list(self.running):
            self.kill(name)
        assert not died, f"ended by themselves: {died}"

    def tool(self, *args):
        return subprocess.run([os.path.join(BUILD, "linker/linker"), *args, "--dir", self.folder, "--redis",
                               self.redis_address], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def pipeline(server, tmp_path):  # noqa: F811
    if not os.path.exists(FEED):
        pytest.skip(f"{FEED} is not built: make tests-built")
    server.flushall()
    path = server.connection_pool.connection_kwargs["path"]
    pipeline = Pipeline(tmp_path, "unix:" + path)
    yield pipeline
    pipeline.close()


def wait_for(what, seconds=60):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "timed out"
        time.sleep(0.05)


def mails(count, rng):
    """(account, name, refs) of two accounts."""
    made = []
    for k in range(count):
        account = ACCOUNTS[k % 2]
        refs = [f"m{rng.randrange(max(0, k - 300), k + 300)}" for _ in range(rng.choice([0, 0, 1, 1, 2]))]
        made.append((account, f"m{k}", refs))
    return made


def prepare(r, made, rng, folder):
    """Company, people, ledger; the file for feed. Every message is in the file once; feed gives it until it is committed."""
    r.hset("{g}:companies", "c1", "{}")
    for number, account in enumerate(ACCOUNTS, 1):
        r.hset("{g}:accounts", "c1/" + account, 3)
        r.hset(tag(account) + ":acct", mapping={"gen": 3, "user": "u1", "number": number})
    for k in range(40):
        r.hset(COMPANY + ":ad", f"p{k}@c.example", pack([f"p{k}"]))
        if k % 2:
            r.hset(COMPANY + ":pi", f"p{k}", pack([["d", f"{k}", NOW - 1]]))
    r.hset(COMPANY + ":company", "settings", '{"blocked":["@spam.example"]}')
    with open(os.path.join(folder, "facts"), "wb") as out:
        for account, name, refs in made:
            lane = rng.randrange(2)
            data = frame(account, name, refs, lane, {
                33: [["P", f"P{rng.randrange(60)}@c.example"]] if rng.random() < 0.9 else [["S", "x@spam.example"]],
                35: [["", account + "@us.example"]]})
            r.hset(tag(account) + ":l", id_of(account + name), "entry")
            out.write(struct.pack("=BI", lane, len(data)) + data)



def threads_of(r, account):
    aliases = r.hgetall(tag(account) + ":al")

    def resolve(thread):
        while thread in aliases:
            thread = aliases[thread]
        return thread

    groups = {}
    for message, record in r.hgetall(tag(account) + ":m").items():
        groups.setdefault(resolve(unpack(record)[1]), set()).add(message)
    return groups


def settled(r):
    return all(r.hget(tag(a) + ":n", "j") == r.hget(COMPANY + ":applied", a) for a in ACCOUNTS) and not any(
        r.exists(tag(a) + ":rh") for a in ACCOUNTS)


@pytest.mark.parametrize("seed", [1, 2])
def test_syn_10_linkers_and_threaders_die(pipeline, server, seed):  # noqa: F811
    rng = random.Random(seed)
    made = mails(8000, rng)
    prepare(server, made, rng, pipeline.folder)
    names = [("threader", "threader-1"), ("threader", "threader-2"), ("linker", "linker-1"), ("linker", "linker-2")]
    for stage, name in names:
        pipeline.stage(stage, name)
    pipeline.start(FEED, "feed-1", "--file", os.path.join(pipeline.folder, "facts"))
    wait_for(lambda: server.exists(tag("anna") + ":m"))
    kills = 0
    while kills < 40 and any(server.exists(tag(a) + ":l") for a in ACCOUNTS):
        time.sleep(rng.random() * 0.15)
        stage, name = rng.choice(names)
        pipeline.kill(name)
        pipeline.stage(stage, name)
        kills += 1
    assert kills > 5
    wait_for(lambda: not any(server.exists(tag(a) + ":l") for a in ACCOUNTS))
    wait_for(lambda: settled(server))
    screened = 0
    for account in ACCOUNTS:
        records = server.hgetall(tag(account) + ":m")
        kept = [(name, refs) for a, name, refs in made if a == account and id_of(account + name) in records]
        counts = {k: int(v) for k, v in server.hgetall(tag(account) + ":n").items()}
        assert counts[b"committed"] == len(records)
        assert counts[b"committed"] + counts[b"screened"] == len(made) // 2
        screened += counts[b"screened"]
        expected = {frozenset(id_of(account + m) for m in group) for group in groups_of(kept)}
        found = threads_of(server, account)
        assert {frozenset(group) for group in found.values()} == expected
        for thread, group in found.items():
            members = server.zrange((tag(account) + ":tm:").encode() + thread, 0, -1)
            assert set(members) == (group if len(group) > 1 else set())
    assert 400 < screened < 1200
    before = pipeline.tool("--dump-company", "c1")
    lines = before.splitlines()
    for number, account in enumerate(ACCOUNTS, 1):
        last = int(server.hget(tag(account) + ":n", "j"))
        assert [x for x in lines if x.startswith(f"event {number} ")] == [f"event {number} {n + 1}" for n in range(last)]
    assert sum(x.startswith("timeline d:") for x in lines) > 50
    check_rebuild(pipeline, server, before)


def groups_of(messages):
    """partition() by names."""
    by_id = {id_of(name): name for name, _ in messages}
    return [[by_id[i] for i in group] for group in partition(messages)]


def check_rebuild(pipeline, r, before):
    """While linkers run: an intact company, one with holes, and one with nothing, all come out the same."""
    pipeline.tool("--rebuild", "c1")
    assert pipeline.tool("--dump-company", "c1") == before
    r.xdel(COMPANY + ":ev", r.xrange(COMPANY + ":ev", count=5)[3][0])
    for key in r.keys(COMPANY + ":tl:d:*")[:3]:
        r.zadd(key, {b"\0\0\0\x01" + b"no thread.": 5})
    r.zadd(COMPANY + ":tl:d:orphan", {b"\0\0\0\x01" + b"no thread.": 5})
    r.hdel(COMPANY + ":tr", *r.hkeys(COMPANY + ":tr")[:20])
    pipeline.tool("--rebuild", "--all")
    assert pipeline.tool("--dump-company", "c1") == before
    # A rebuild that died: accounts stay marked until the next one.
    r.delete(*[k for k in r.keys(COMPANY + ":*") if k.rsplit(b":", 1)[-1] in (b"tr", b"ev") or b":tl:" in k])
    r.hset(COMPANY + ":applied", "anna", "rebuild")
    pipeline.tool("--rebuild", "c1")
    assert pipeline.tool("--dump-company", "c1") == before


def test_rebuild_while_messages_come(pipeline, server):  # noqa: F811
    rng = random.Random(7)
    prepare(server, mails(3000, rng), rng, pipeline.folder)
    for stage, name in [("threader", "threader-1"), ("linker", "linker-1"), ("linker", "linker-2")]:
        pipeline.stage(stage, name)
    pipeline.start(FEED, "feed-1", "--file", os.path.join(pipeline.folder, "facts"))
    rebuilds = 0
    while any(server.exists(tag(a) + ":l") for a in ACCOUNTS):
        pipeline.tool("--rebuild", "c1")
        rebuilds += 1
    assert rebuilds > 1
    wait_for(lambda: settled(server))
    before = pipeline.tool("--dump-company", "c1")
    pipeline.tool("--rebuild", "c1")
    assert pipeline.tool("--dump-company", "c1") == before


def test_redis_stands_still_and_programs_drain(pipeline, server):  # noqa: F811
    rng = random.Random(9)
    prepare(server, mails(2000, rng), rng, pipeline.folder)
    pid = int(server.info("server")["process_id"])
    for stage, name in [("threader", "threader-1"), ("linker", "linker-1")]:
        pipeline.stage(stage, name)
    pipeline.start(FEED, "feed-1", "--file", os.path.join(pipeline.folder, "facts"))
    wait_for(lambda: server.exists(tag("anna") + ":m"))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not any(server.exists(tag(a) + ":l") for a in ACCOUNTS))
    wait_for(lambda: settled(server))
    for name in ("threader-1", "linker-1"):
        assert pipeline.kill(name, signal.SIGTERM) == 0


def test_sweep_finds_the_journal(pipeline, server):  # noqa: F811
    """What others write in the journal is applied by the sweep within its period even if no bell rang."""
    prepare(server, [], random.Random(0), pipeline.folder)
    pipeline.stage("linker", "linker-1")
    server.hset(tag("anna") + ":n", "j", 1)
    server.xadd(tag("anna") + ":j", {"e": pack(["a", NOW, "connected", ""])}, id="1-0")
    wait_for(lambda: server.hget(COMPANY + ":applied", "anna") == b"1", 10)
    assert server.xlen(COMPANY + ":ev") == 1


def test_bells(pipeline, server):  # noqa: F811
    """A bell alone, with no sweep for an hour: the journal is applied, members of an absorbed thread move."""
    prepare(server, [], random.Random(0), pipeline.folder)
    for stage, name in [("threader", "threader-1"), ("linker", "linker-1")]:
        pipeline.stage(stage, name, "1h")
    time.sleep(1.5)
    server.hset(tag("ben") + ":rh", b"absorbed..", b"survivor..")
    server.zadd((tag("ben") + ":tm:").encode() + b"absorbed..", {f"message{k:03}": k for k in range(600)})
    server.hset(tag("ben") + ":n", "j", 100)
    for n in range(100):
        server.xadd(tag("ben") + ":j", {"e": pack(["a", NOW, "connected", ""])}, id=f"{n + 1}-0")
    time.sleep(1)
    assert not server.exists(COMPANY + ":ev") and server.exists(tag("ben") + ":rh")
    pipeline.start(FEED, "feed-1", "--file", os.path.join(pipeline.folder, "facts"), "--ring", "ben")
    wait_for(lambda: server.hget(COMPANY + ":applied", "ben") == b"100", 10)
    wait_for(lambda: not server.exists(tag("ben") + ":rh"), 10)
    assert server.zcard((tag("ben") + ":tm:").encode() + b"survivor..") == 600
    assert not server.exists((tag("ben") + ":tm:").encode() + b"absorbed..")
