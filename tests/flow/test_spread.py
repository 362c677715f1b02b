"""Accounts spread over fetchers by rendezvous hashing; who holds the lease may write. Short leases by default; MAILWEAVE_LEASE=10s for the
default ones."""
import collections
import contextlib
import hashlib
import os
import re
import signal
import subprocess
import time

import pytest

import compare
import rig

LEASE = os.environ.get("MAILWEAVE_LEASE", "3s")
ACCOUNTS, MESSAGES, WINDOW = 24, 720, 64
MOVED_S = 20


def first_choice(rep, instances):
    """RULES: rendezvous hashing, written down a second time."""
    def score(instance):
        return int.from_bytes(hashlib.sha256(f"{instance} {{a:{rig.COMPANY}/{rep}}}".encode()).digest()[:8], "little")
    return max(instances, key=score)


class Spread:
    def __init__(self, world):
        self.world, self.reps = world, [r["id"] for r in world.ledger["reps"]]
        self.emails = {r["id"]: r["email"] for r in world.ledger["reps"]}
        self.names = collections.Counter()

    def leases(self):
        """account → (owner, token); an empty owner: nobody's."""
        out = {}
        for rep in self.reps:
            owner, token = self.world.redis().hmget(f"{{a:{rig.COMPANY}/{rep}}}:lease", "owner", "token")
            out[rep] = ((owner or b"").decode(), int(token or 0))
        return out

    def settled(self, instances, seconds=MOVED_S):
        """Waits until everyone's first choice holds everything; how long that took."""
        began = time.monotonic()
        want = {rep: first_choice(rep, instances) for rep in self.reps}
        rig.wait(lambda: {r: o for r, (o, _) in self.leases().items()} == want, seconds, f"all are with {want}: {self.leases()}")
        return time.monotonic() - began

    def moved(self, before):
        after = self.leases()
        return {rep for rep in self.reps if after[rep] != before[rep]}

    def deliver(self, prefix):
        """One new message to each; the time until all are there."""
        began = time.monotonic()
        for rep in self.reps:
            self.names[rep] += 1
            self.world.deliver(rep, (f"From: x@elsewhere.example\r\nTo: me\r\nSubject: {prefix} {rep}\r\n"
                                     f"Message-ID: <{prefix}.{rep}@elsewhere.example>\r\n\r\nhello\r\n").encode())
        for rep in self.reps:
            rig.wait(lambda rep=rep: any(t["subject"] == f"{prefix} {rep}" for t in self.world.user(rep).get("/v1/threads", limit=5)["data"]),
                     MOVED_S, f"{prefix} of {rep}, held by {self.leases()[rep]}")
        return time.monotonic() - began

    def bodies(self):
        """Message bodies the server has given out; it tells when a connection ends."""
        text = (self.world.server.dir / "log" / "info.log").read_text(errors="replace")
        return sum(int(n) for n in re.findall(r"imap\([^)]*\).*?body_count=(\d+)", text))

    def committed(self):
        return sum(self.world.redis().hlen(f"{{a:{rig.COMPANY}/{rep}}}:m") for rep in self.reps)

    def service(self, what, name):
        subprocess.run(["s6-svc", what, self.world.var / "service" / name], check=True)

    @contextlib.contextmanager
    def dead(self, name):
        """kill -9, and nobody starts it again meanwhile."""
        self.service("-O", name)
        pid = self.world.kill(name)
        rig.wait(lambda: not rig.alive(pid), 10, "dead")
        yield
        self.service("-u", name)


@pytest.fixture(scope="module")
def spread():
    world = rig.World(messages=MESSAGES, accounts=ACCOUNTS, seed=31, deals=8, scale=["fetcher=3"],
                      settings=[f"fetcher:lease_ms={LEASE}", f"fetcher:window.messages={WINDOW}"])
    try:
        world.add_accounts()
        world.wait_synced(120)
        made = Spread(world)
        made.settled(["fetcher-1", "fetcher-2", "fetcher-3"])
        yield made
    finally:
        world.close()


def test_ops01_a_dead_fetchers_accounts_move_and_no_others(spread, remember):
    """Proves OPS-01 and SYN-10: one of three is killed; its accounts, and only they, go to the others' first choices in under 20 s, new
    mail comes to all of them; it comes back and has them again. Nothing is fetched twice."""
    before, living = spread.leases(), ["fetcher-1", "fetcher-3"]
    its = {rep for rep, (owner, _) in before.items() if owner == "fetcher-2"}
    assert 0 < len(its) < ACCOUNTS
    with spread.dead("fetcher-2"):
        took = spread.settled(living)
        assert spread.moved(before) == its
        spread.deliver("orphan")
        between = spread.leases()
    back = spread.settled(["fetcher-1", "fetcher-2", "fetcher-3"])
    assert spread.moved(between) == its
    spread.deliver("returned")
    remember(f"spread: kill -9 of one of 3 fetchers, lease {LEASE}: {len(its)} of {ACCOUNTS} accounts moved, all in {took:.1f} s; back in {back:.1f} s")


def test_ops01_an_added_fetcher_takes_its_share_and_no_more(spread, remember):
    """Proves OPS-01: a fourth fetcher gets the accounts whose first choice it is, from all the others; nobody else's moves, also not when
    it goes again."""
    before = spread.leases()
    spread.world.mailweave("scale", "fetcher=4")
    took = spread.settled([f"fetcher-{n}" for n in range(1, 5)])
    moved = spread.moved(before)
    assert moved == {rep for rep in spread.reps if first_choice(rep, [f"fetcher-{n}" for n in range(1, 5)]) == "fetcher-4"} and moved
    spread.deliver("four")
    between = spread.leases()
    spread.world.mailweave("scale", "fetcher=3")
    gone = spread.settled([f"fetcher-{n}" for n in range(1, 4)])
    assert spread.moved(between) == moved
    spread.deliver("three")
    remember(f"spread: a fetcher added: {len(moved)} accounts moved, all in {took:.1f} s; it went: {gone:.1f} s")


def test_syn10_a_stopped_fetcher_writes_nothing_when_it_wakes(spread, remember):
    """Proves SYN-10: one stands still with mail on its way; when its leases have run out the others go on; awake again, it is refused
    (its token is an old one), tells so, and then gets its accounts back. Each message is announced once."""
    world, before = spread.world, spread.leases()
    its = {rep for rep, (owner, _) in before.items() if owner == "fetcher-1"}
    assert its
    pid = world.kill("fetcher-1", signal.SIGSTOP)
    try:
        took = spread.settled(["fetcher-2", "fetcher-3"])
        assert spread.moved(before) == its
        spread.deliver("stopped")
        for rep in its:
            tag = f"{{a:{rig.COMPANY}/{rep}}}"
            generation = world.redis().hget(tag + ":acct", "gen")
            late = world.redis().fcall("fetcher_1_enter", 1, tag, generation, before[rep][1], "1", "", 0)
            assert late == [b"stale"], late
            assert world.redis().fcall("fetcher_1_sweep", 1, tag, generation, before[rep][1], "1", 1, 64) == [b"stale"]
        told = len(re.findall("lease_(?:expired|lost)", world.logs("fetcher-1")))
    finally:
        os.kill(pid, signal.SIGCONT)
    spread.settled(["fetcher-1", "fetcher-2", "fetcher-3"])
    assert world.pid("fetcher-1") == pid, "it lives on"
    rig.wait(lambda: len(re.findall("lease_(?:expired|lost)", world.logs("fetcher-1"))) >= told + len(its), 20, "it tells of each")
    spread.deliver("awake")
    remember(f"spread: SIGSTOP of one of 3 fetchers, lease {LEASE}: {len(its)} accounts moved, all in {took:.1f} s; late writes refused")


def test_syn10_nothing_was_fetched_or_announced_twice(spread, remember):
    """Proves SYN-10 after all of this: what the server gave out is what is here, each once, and each was announced once."""
    world = spread.world
    world.mailweave("restart", "fetcher")  # the ends of the connections tell what they fetched
    world.wait_synced(60)
    wanted = sum(len(compare.oracle.synced_entries(world.ledger, rep, rig.BLOCKED)) for rep in spread.reps) + sum(spread.names.values())
    assert spread.committed() == wanted
    fetched = spread.bodies()
    remember(f"spread: {fetched} bodies fetched, {wanted} messages here, of {world_places(world)} places with those that are screened")
    announced = collections.Counter()
    for rep in spread.reps:
        after = None
        while True:
            page = world.user(rep).get("/v1/events", wait=0, limit=200, types="message.created", **({"after": after} if after else {}))
            announced.update(e["data"]["messageId"] for e in page["data"] if e["data"].get("accountId") == rep)
            after = page["nextAfter"]
            if not page["data"]:
                break
    assert len(announced) == wanted and set(announced.values()) == {1}, announced.most_common(3)
    assert wanted <= fetched <= world_places(world), (wanted, fetched, world_places(world))


def world_places(world):
    """Places of messages in synced folders: what one look at each brings."""
    total = 0
    for rep in world.ledger["reps"]:
        connection = world.imap(rep["id"])
        for line in connection.list()[1]:
            name = line.decode().rpartition(' "/" ')[2].strip('"')
            if name not in ("Trash", "Junk", "Drafts"):
                answer = connection.status(f'"{name}"', "(MESSAGES)")
                total += int(re.search(rb"MESSAGES (\d+)", answer[1][0])[1]) if answer[0] == "OK" else 0  # a name alone
        connection.logout()
    return total
