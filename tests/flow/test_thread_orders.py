"""Proves THR-01, THR-03 and THR-05 on the real programs: a mailbox of 500 messages that comes in many orders through three threaders
and three linkers ends in one and the same partition, whatever joined when (MAILWEAVE_ORDERS: how many orders); and a message of a
long thread costs what one of a short thread costs (MAILWEAVE_THREAD: messages of the long one)."""
import hashlib
import os
import random
import struct

from linker_slot import id_of, pack, partition, server, unpack  # noqa: F401
from test_linker_flow import COMPANY, FEED, NOW, frame, pipeline, tag, threads_of, wait_for  # noqa: F401

ORDERS = int(os.environ.get("MAILWEAVE_ORDERS", "5"))
AT_ONCE = 20  # orders are accounts of one company
LONG = int(os.environ.get("MAILWEAVE_THREAD", "6000"))
SLOW = int(os.environ.get("MAILWEAVE_SLOW", "1"))


def mailbox(count, rng):
    """[(name, refs)]: conversations that are chains or stars or miss their beginning, messages that join two of them late, messages
    that name each other."""
    made = []
    while len(made) < count:
        first, size = len(made), min(rng.choice([1, 1, 2, 3, 5, 8, 13, 40]), count - len(made))
        shape = rng.choice(["chain", "star", "headless", "circle"])
        for k in range(size):
            name, refs = f"m{first + k}", []
            if shape == "headless":
                refs = [f"gone{first}"]
            elif shape == "circle":
                refs = [f"m{first + (k + 1) % size}"]
            elif k:
                refs = [f"m{first + (k - 1 if shape == 'chain' else 0)}"]
            if first > 50 and rng.random() < 0.02:
                refs.append(f"m{rng.randrange(first)}")
            made.append((name, refs))
    return made[:-20] + [(f"n{k}", [f"content {k // 2}"]) for k in range(20)]  # copies without a Message-ID, two by two


def people(r, count):
    r.hset("{g}:companies", "c1", "{}")
    r.hset(COMPANY + ":ad", "p@c.example", pack(["p"]))
    r.hset(COMPANY + ":company", "settings", "{}")
    for n in range(count):
        r.hset("{g}:accounts", f"c1/o{n}", 3)
        r.hset(tag(f"o{n}") + ":acct", mapping={"gen": 3, "user": "u1", "number": n + 1})


def write(r, folder, mails):
    """mails: (account, name, refs) in their order of arrival."""
    entries = r.pipeline()
    with open(os.path.join(folder, "facts"), "wb") as out:
        for k, (account, name, refs) in enumerate(mails):
            lane = k % 2
            fields = {33: [["P", "p@c.example"]], 35: [["", "us@us.example"]]}
            if name[0] == "n":
                fields.update({30: [], 32: [], 41: hashlib.sha256(refs[0].encode()).digest()})
            data = frame(account, name, refs, lane, fields)
            entries.hset(tag(account) + ":l", id_of(account + name), "entry")
            out.write(struct.pack("=BI", lane, len(data)) + data)
    entries.execute()


def run(pipeline, r, accounts, each, seconds):  # noqa: F811
    """Three threaders, three linkers, until nothing is left to commit, apply or move."""
    for n in (1, 2, 3):
        pipeline.stage("threader", f"threader-{n}")
        pipeline.stage("linker", f"linker-{n}")
    pipeline.start(FEED, "feed-1", "--file", os.path.join(pipeline.folder, "facts"))
    wait_for(lambda: not any(r.exists(tag(a) + ":l") for a in accounts), seconds * SLOW)
    each()
    wait_for(lambda: not any(r.exists(tag(a) + ":rh") for a in accounts), seconds * SLOW)
    for name in list(pipeline.running):
        pipeline.kill(name)


def test_every_order_makes_the_same_threads(pipeline, server):  # noqa: F811
    rng = random.Random(4)
    box = mailbox(500, rng)
    shapes, merges = set(), 0
    for done in range(0, ORDERS, AT_ONCE):
        accounts = [f"o{n}" for n in range(min(AT_ONCE, ORDERS - done))]
        server.flushall()
        people(server, len(accounts))
        queues = [[(account, *mail) for mail in rng.sample(box, len(box))] for account in accounts]
        write(server, pipeline.folder, [mail for together in zip(*queues) for mail in together])
        run(pipeline, server, accounts, lambda: None, 120)
        for account in accounts:
            names = {id_of(account + name): name for name, _ in box}
            found = threads_of(server, account)
            shapes.add(frozenset(frozenset(names[i] for i in group) for group in found.values()))
            merges += server.hlen(tag(account) + ":al")
            for thread, group in found.items():
                members = server.zrange((tag(account) + ":tm:").encode() + thread, 0, -1)
                assert set(members) == (group if len(group) > 1 else set())
    ids = {id_of(name): name for name, _ in box}
    expected = frozenset(frozenset(ids[i] for i in group) for group in partition(box))
    assert shapes == {expected}
    assert merges > ORDERS  # threads that were two were joined on the way
    print(f"{ORDERS} orders of {len(box)} messages: {len(expected)} threads each, {merges} merges on the way")


def call_us(r):
    """Microseconds that Redis spent in functions so far."""
    return float(r.info("commandstats").get("cmdstat_fcall", {}).get("usec", 0))


def test_a_long_thread_costs_no_more(pipeline, server):  # noqa: F811
    """The time of Redis for as many messages, once in one thread and once in threads of ten."""
    spent = {}
    for shape in ("warm", "ten", "one"):
        server.flushall()
        people(server, 1)
        size = LONG if shape == "one" else 10
        write(server, pipeline.folder, [("o0", f"m{k}", [f"m{k - k % size}", f"m{k - 1}"] if k % size else [])
                                        for k in range(LONG if shape != "warm" else 500)])
        before = call_us(server)
        run(pipeline, server, ["o0"], lambda: None, 60 + LONG // 200)
        spent[shape] = call_us(server) - before
        found = threads_of(server, "o0")
        assert sorted(map(len, found.values())) == ([LONG] if shape == "one" else [10] * (len(found)))
    print(f"{LONG} messages: {spent['one'] / LONG:.1f} us each in one thread, {spent['ten'] / LONG:.1f} us in threads of ten")
    assert spent["one"] < 2 * spent["ten"]
