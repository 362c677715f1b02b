#!/usr/bin/python3
"""bench_send --build DIR [--messages N] [--rounds N] [--octets N]: sending to Postfix's smtp-sink over loopback, beside its smtp-source.

Each round, one after the other: smtp-source, and the sender's SMTP alone (journal in memory), each with one connection and with eight; then
the whole sender with its outbox in Redis (appendfsync always) over 8 accounts: from due to sent. Medians of messages a second."""
import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--build", required=True)
parser.add_argument("--messages", type=int, default=4000)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--octets", type=int, default=10240)
given = parser.parse_args()
os.environ["MAILWEAVE_BUILD"] = given.build
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "flow")]

import msgpack  # noqa: E402

import sender_house  # noqa: E402
from sender_house import COMPANY, GENERATION, House  # noqa: E402

ACCOUNTS = [f"acc{n}" for n in range(8)]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def sink():
    port = free_port()
    process = subprocess.Popen(["/usr/sbin/smtp-sink", "-a", *(["-u", "nobody"] if os.getuid() == 0 else []), f"127.0.0.1:{port}", "128"])
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, port
        except OSError:
            time.sleep(0.02)


def rate(call):
    start = time.monotonic()
    told = call().strip()
    return given.messages / (float(told) if told else time.monotonic() - start)


def run(*words):
    return subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE).stdout.decode()


def source(port, sessions):
    return rate(lambda: run("/usr/sbin/smtp-source", "-d", "-s", sessions, "-m", given.messages, "-l", given.octets, f"127.0.0.1:{port}"))


def leg(port, connections):
    return rate(lambda: run(pathlib.Path(given.build) / "tests/bench/smtp_leg", port, connections, given.messages, given.octets))


class Outbox(House):
    """A house of eight accounts whose server is the sink. One request's blob serves all entries of an account."""

    def fill(self, port):
        self.redis.config_set("appendfsync", "always")
        self.redis.config_set("appendonly", "yes")
        text = ("All work and no play makes the benchmark a dull thing indeed.\n" * (given.octets // 62 + 1))[:given.octets]
        request = sender_house.json.dumps({"to": [{"email": "to@bench.example"}], "subject": "x", "text": text}).encode()
        self.tags, self.due = {}, []
        for name in ACCOUNTS:
            cred, key = self.tool("seal", self.dir / "keys", COMPANY, name, "x").decode().split()
            blob_id = os.urandom(10)
            ref = self.tool("put", self.dir, COMPANY, name, key, GENERATION, blob_id.hex(), data=request).decode().strip()
            tag = "{a:%s/%s}" % (COMPANY, name)
            config = {"smtp": {"host": "127.0.0.1", "port": port, "security": "none", "user": None}}
            self.redis.hset(tag + ":acct", mapping={
                "gen": GENERATION, "company": COMPANY, "account": name, "user": "u1", "email": f"{name}@bench.example", "own": b"\x90", "paused": 0,
                "config": sender_house.json.dumps(config), "cred": bytes.fromhex(cred), "key": bytes.fromhex(key), "revision": 1})
            self.redis.hset("{g}:accounts", f"{COMPANY}/{name}", GENERATION)
            self.tags[tag] = msgpack.packb([bytes.fromhex(ref), blob_id, "u1", 0, 0, "shared", "", GENERATION], use_bin_type=False)

    def sending(self, port):
        self.fill(port)
        self.start("--allow_plaintext", "yes", "--account_connections", "4")
        sender_house.wait(lambda: "stage_ready" in self.logs(), "the sender")
        pipe = self.redis.pipeline(transaction=False)
        for n in range(given.messages):
            tag = list(self.tags)[n % len(self.tags)]
            pipe.hset(tag + ":o", f"s{n}", self.tags[tag])
            pipe.zadd(tag + ":od", {f"s{n}": 1})
        start = time.monotonic()
        pipe.execute()
        while any(self.redis.zcard(tag + ":od") for tag in self.tags):
            time.sleep(0.01)
        took = time.monotonic() - start
        states = [sender_house.json.loads(s)["status"] for tag in self.tags for s in self.redis.hvals(tag + ":os")]
        assert len(states) == given.messages and set(states) == {"sent"}, self.redis.hvals(next(iter(self.tags)) + ":os")[:1]
        return given.messages / took


def whole(port):
    house = Outbox()
    try:
        return house.sending(port)
    finally:
        house.close()


def main():
    process, port = sink()
    found = {}
    try:
        for _ in range(given.rounds):
            for name, call in (("smtp-source, 1", lambda: source(port, 1)), ("SMTP alone, 1", lambda: leg(port, 1)),
                               ("smtp-source, 8", lambda: source(port, 8)), ("SMTP alone, 8", lambda: leg(port, 8)), ("outbox, 8 accounts", lambda: whole(port))):
                found.setdefault(name, []).append(call())
    finally:
        process.terminate()
        process.wait()
    middle = {name: statistics.median(values) for name, values in found.items()}
    for name, value in middle.items():
        print(f"{name:20} {value:8.0f} messages a second   ({', '.join(f'{v:.0f}' for v in found[name])})")
    for n in (1, 8):
        ratios = [ours / theirs for ours, theirs in zip(found[f"SMTP alone, {n}"], found[f"smtp-source, {n}"])]
        print(f"SMTP alone / smtp-source, {n} connection(s): {statistics.median(ratios):.2f}")


main()
