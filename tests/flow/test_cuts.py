"""Proves SND-07 by numbers: cuts between the last five octets and the answer, at random, with the sender and Redis killed in between too. Small
by default; MAILWEAVE_CUTS=1000 makes the thousand."""
import collections
import os
import random
import signal
import subprocess
import threading
import time

import redis

from sender_house import SLOW, TAG, house, id_key, read, simple, wait  # noqa: F401

CUTS = int(os.environ.get("MAILWEAVE_CUTS", "20"))
WORDS = ("--lease_ms", "1s", "--clock.scale", "900", "--account_connections", "4", "--idle_ms", "5s", "--connect_ms", "2s")  # an hour of looking is 4 s
KINDS = ["close", "answer_and_kill", "close", "kill", "close", "kill_redis", "close", "reset"]


class Cutter:
    """What happens to each message when the server has all of it. Every second one is filed in Sent by the server: it comes in again."""

    def __init__(self, house):  # noqa: F811
        self.house, self.random, self.lock = house, random.Random(7), threading.Lock()
        self.made = collections.Counter()
        self.filed = set()
        self.kinds = KINDS if CUTS < 100 else ["close"] * 60 + ["reset"] * 26 + ["kill"] * 8 + ["answer_and_kill"] * 4 + ["kill_redis"] * 2

    def final(self, connection):
        message_id = str(read(connection.taken)["Message-ID"]).strip("<>")
        with self.lock:
            kind = self.kinds[self.made.total() % len(self.kinds)] if CUTS < 100 else self.random.choice(self.kinds)
            self.made[kind] += 1
            if self.made.total() % 2:
                self.filed.add(message_id)
                threading.Thread(target=self.file, args=(message_id, self.random.uniform(0, 0.5)), daemon=True).start()
            if kind == "answer_and_kill":
                connection.sock.sendall(b"250 2.0.0 taken\r\n")
            if kind in ("kill", "answer_and_kill"):
                self.kill_sender()
            if kind == "kill_redis":
                self.kill_redis()
                return "250 2.0.0 taken"
        if kind == "reset":
            time.sleep(self.random.uniform(0, 0.02))
        return None

    def kill_sender(self):
        name = self.random.choice(sorted(self.house.senders))
        self.house.stop(name, signal.SIGKILL)
        self.house.start(*WORDS)

    def kill_redis(self):
        self.house.redis_server.kill()
        self.house.redis_server.wait()
        start_redis(self.house)

    def file(self, message_id, seconds):
        """The copy that the server filed comes in: the fetcher's and the linker's work."""
        time.sleep(seconds)
        while True:
            try:
                self.house.redis.hset(TAG + ":i", id_key(message_id), b"t" * 10)
                return
            except redis.exceptions.RedisError:
                time.sleep(0.01)


def start_redis(house):  # noqa: F811
    house.redis_server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(house.dir / "r.sock"), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
         "--dir", str(house.dir)], stdout=subprocess.DEVNULL)
    wait(lambda: quiet(house.redis.ping), "redis is back")


def quiet(call, *args):
    try:
        return call(*args)
    except redis.exceptions.RedisError:
        return None


def is_over(house, submission):  # noqa: F811
    state = quiet(house.state, submission)
    return state is not None and state.get("status") in ("sent", "unknown", "failed")


def test_snd07_cuts(house, remember):  # noqa: F811
    """At most once, whatever is cut; what came in again from the server is proven sent."""
    house.redis.config_set("appendfsync", "always")
    house.redis.config_set("appendonly", "yes")
    wait(lambda: not house.redis.info("persistence")["aof_rewrite_in_progress"], "the log of Redis")
    cutter = Cutter(house)
    house.smtp.final = cutter.final
    house.smtp.data = lambda _: quiet(house.redis.delete, TAG + ":lg") and None or "354 go on"  # each cut costs a login: as many as it takes
    ids = {house.submit(simple(subject=str(n)), message_id=f"cut{n}.mw@sales.example"): f"cut{n}.mw@sales.example" for n in range(CUTS)}
    house.start(*WORDS)
    house.start(*WORDS)
    for submission in ids:
        wait(lambda submission=submission: is_over(house, submission), lambda submission=submission: f"{submission}: {house.state(submission)}\n{house.logs()}",
             60 + CUTS)
    with cutter.lock:
        states = {ids[s]: house.state(s)["status"] for s in ids}
    copies = collections.Counter(str(read(raw)["Message-ID"]).strip("<>") for _, _, raw in house.smtp.messages)
    assert max(copies.values()) == 1, copies.most_common(3)
    assert set(states.values()) <= {"sent", "unknown"}, collections.Counter(states.values())
    assert all(copies[i] == 1 for i, status in states.items() if status == "sent")
    proven = [i for i in cutter.filed if states[i] == "sent"]
    assert len(proven) >= 0.99 * len(cutter.filed), [(i, states[i]) for i in cutter.filed if states[i] != "sent"]
    remember(f"cuts: {dict(cutter.made)}; in the ledger {len(copies)} of {CUTS}, none twice; {collections.Counter(states.values())}; "
             f"of {len(cutter.filed)} filed by the server {len(proven)} proven sent")
