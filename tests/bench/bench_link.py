#!/usr/bin/python3
"""bench_link [--people N] [--rounds N]: what linking costs as a company grows from 1,000 people to N: round trips, time and CPU time (the
linker's and Redis') of a batch of 64 messages, as ratios; and how fast that many people are imported through the API, with the CPU time
that gateway and Redis take for one. Fails if linking takes more than 3 round trips or costs a fifth more CPU time: a ratio that does not
depend on what else the machine does, as that of times does."""
import argparse
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "flow"), str(ROOT / "tests" / "demo")]
NOW, SMALL, PART = 1_790_000_000_000, 1000, 200_000


def person(k):
    return {"kind": "person", "id": f"p{k}", "name": f"Person {k}", "emails": [f"p{k}@c{k % 5000}.example", f"person.{k}@home.example"],
            "visibleTo": "company"}


def cpu_of(process):
    """Seconds so far."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def import_people(box, api, count):
    """People a second, over requests of PART lines; and microseconds of CPU a person, of gateway and Redis."""
    spent, before = 0.0, [cpu_of(box.running[name]) for name in ("gateway-1", "redis")]
    for start in range(0, count, PART):
        lines = "".join(json.dumps(person(k)) + "\n" for k in range(start, min(count, start + PART))).encode()
        began = time.monotonic()
        answer = api.ok("POST", "/v1/import", 200, data=lines, headers={"Content-Type": "application/x-ndjson"})
        spent += time.monotonic() - began
        assert answer["refused"] == 0 and answer["accepted"] == len(lines.splitlines()), answer
    return count / spent, [(cpu_of(box.running[name]) - was) / count * 1e6 for name, was in zip(("gateway-1", "redis"), before)]


def redis_cpu_us(box):
    used = box.r.info("cpu")
    return (used["used_cpu_user"] + used["used_cpu_sys"]) * 1e6


def proposals(path, company, people, batches, seed):
    """64 messages a batch of one account: four people each, of all there are."""
    import msgpack
    from linker_slot import id_of, key_of
    rng = random.Random(seed)
    with open(path, "wb") as out:
        for k in range(64 * batches):
            name = f"{company} {seed} {k}"
            some = [rng.randrange(people) for _ in range(4)]
            addresses = [["", f"p{p}@c{p % 5000}.example"] for p in some]
            frame = msgpack.packb([1, 3, {
                1: company, 2: "anna", 3: 1, 4: id_of(name), 5: 0, 8: "bench-1", 9: "anna", 10: ["anna@us.example"], 11: NOW + k, 12: 1000,
                13: b"blob", 14: 2, 30: [name.replace(" ", ".")], 33: addresses[:1], 35: addresses[1:], 41: bytes(32),
                42: msgpack.packb({"s": name, "f": addresses[:1], "t": addresses[1:]}), 60: [key_of(name)]}])
            out.write(struct.pack("=I", len(frame)) + frame)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "plain")
    args = parser.parse_args()
    os.environ["MAILWEAVE_BUILD"] = str(args.build)
    import msgpack
    from gateway_world import Api, Mailbox
    box = Mailbox()
    best, costs, trips, rates = {}, {}, 0, {}
    try:
        for company, people in (("small", SMALL), ("large", args.people)):
            box.root.ok("PUT", f"/v1/companies/{company}", json={"name": company})
            api = Api(box, box.root.ok("POST", "/v1/tokens", json={"kind": "company", "companyId": company})["token"])
            api.ok("PUT", "/v1/users/anna", json={"name": "anna", "loginEmail": "anna@us.example", "emails": [], "role": "regular", "groups": []})
            rates[company] = import_people(box, api, people)
            box.r.hset("{a:%s/anna}:acct" % company, mapping={"gen": 1, "user": "anna", "number": 1, "sharing": "", "config": "{}"})
            box.r.hset("{c:%s}:acct" % company, "anna", msgpack.packb([1, "anna", "anna@us.example", [], 0], use_bin_type=False))
            best[company], costs[company] = [], []
        for turn in range(args.rounds):  # in turn, so that what else the machine does meets both
            for company, people in (("small", SMALL), ("large", args.people)):
                proposals(box.dir / "frames", company, people, args.batches, turn)
                before = redis_cpu_us(box)
                run = subprocess.run([args.build / "tests/bench/bench_link", f"unix:{box.dir}/r.sock", box.dir / "frames"], check=True,
                                     capture_output=True, text=True)
                said = json.loads(run.stdout)
                best[company].append(said["us"])
                costs[company].append(said["cpuUs"] + (redis_cpu_us(box) - before) / said["batches"])
                trips = max(trips, said["trips"])
    finally:
        box.close()
    small, large = min(best["small"]), min(best["large"])
    cheap, dear = min(costs["small"]), min(costs["large"])
    rate, (gateway, store) = rates["large"]
    print(f"import: {rate:,.0f} people a second ({args.people:,} of them); CPU a person: {gateway:.1f} us gateway, {store:.1f} us Redis")
    print(f"linking a batch of 64: {small} us with {SMALL:,} people, {large} us with {args.people:,}: ratio {large / small:.2f}; "
          f"CPU {cheap:.0f} and {dear:.0f} us: ratio {dear / cheap:.2f}; at most {trips} round trips")
    return 0 if trips <= 3 and dear / cheap < 1.2 else 1


sys.exit(main())
