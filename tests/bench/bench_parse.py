#!/usr/bin/python3
"""bench_parse --build DIR [--messages N] [--rounds N]: the parser library beside GMime, on one core, over the same generated mail.

Each round runs both after each other in each mode: structure (the tree of parts), decode (and all text as UTF-8, all attachments as
octets), sha256 (and a digest of every part). Prints medians of the ratios within a round: GMime's CPU time over ours; then the peak of
memory with one message at a time. Exit 1 if a goal is missed."""
import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "demo")]

import generate  # noqa: E402

GOALS = {"structure": 4.0, "decode": 3.0, "sha256": 2.0}


def write_pack(path, messages):
    world = generate.World(seed=5, accounts=3, deals=200)
    largest = total = 0
    with open(path, "wb") as out:
        for _, raw in generate.Mail(world, messages, preset="bench"):
            out.write(struct.pack("<Q", len(raw)) + raw)
            largest, total = max(largest, len(raw)), total + len(raw)
    return largest, total


def largest_of(path):
    largest, size = 0, os.path.getsize(path)
    with open(path, "rb") as pack:
        while pack.tell() < size:
            length, = struct.unpack("<Q", pack.read(8))
            largest = max(largest, length)
            pack.seek(length, os.SEEK_CUR)
    return largest


def memory_is_bounded(program, pack):
    """The whole process, its message and its libraries included, in MB."""
    largest, peak = largest_of(pack) / 1e6, run(program, "memory", pack)["rss_kb"] * 1024 / 1e6
    print(f"memory     {peak:6.1f} MB with a largest message of {largest:.1f} MB (goal {2 * largest + 8:.1f})")
    return peak <= 2 * largest + 8


def run(program, mode, pack):
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(["taskset", "-c", str(core), program, mode, pack], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--build", required=True)
    args.add_argument("--messages", type=int, default=10000)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--pack", help="a pack made before, or where to keep this one")
    args = args.parse_args()
    ours, theirs = (f"{args.build}/tests/bench/{name}" for name in ("bench_parse", "gmime_parse"))
    with tempfile.TemporaryDirectory(prefix="mwp-") as tmp:
        pack = args.pack or f"{tmp}/pack"
        if not os.path.exists(pack):
            largest, total = write_pack(pack, args.messages)
            print(f"{args.messages} messages, {total / 1e6:.0f} MB, the largest {largest / 1e6:.1f} MB")
        reached = memory_is_bounded(ours, pack)
        for mode, goal in GOALS.items():
            ratios, rates = [], []
            for _ in range(args.rounds):
                a, b = run(ours, mode, pack), run(theirs, mode, pack)
                ratios.append(b["cpu"] / a["cpu"])
                rates.append(os.path.getsize(pack) / a["cpu"] / 1e6)
            reached &= statistics.median(ratios) >= goal
            print(f"{mode:10} {statistics.median(ratios):6.2f} times GMime (goal {goal:g}; rounds {min(ratios):.2f} to {max(ratios):.2f}), "
                  f"{statistics.median(rates):.0f} MB/s")
            for name, sums in (("ours", a), ("GMime", b)):
                print(f"    {name:6} parts {sums['parts']}  text {sums['text']}  attachments {sums['octets']}  {sums['cpu']:.2f} s")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
