#!/usr/bin/python3
"""chaos [--seed N] [--kills N] [--torn N] [--messages N] [--accounts N] [--build DIR]: breaks a whole installation again and again while mail comes
and goes, then proves that nothing was lost, doubled or told twice. The same seed makes the same faults in the same order.

Ends with 0 when every invariant holds, with 1 and the first that does not otherwise; the state directory is then kept."""
import argparse
import collections
import os
import pathlib
import random
import sys
import threading
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100, help="process kills at least")
    parser.add_argument("--torn", type=int, default=10, help="Redis crashes with a torn log at least")
    parser.add_argument("--messages", type=int, default=2000, help="mail that is there at the start")
    parser.add_argument("--accounts", type=int, default=4)
    parser.add_argument("--build", type=pathlib.Path)
    return parser.parse_args()


class Run:
    def __init__(self, args):
        import faults
        import world
        self.args, self.faults = args, faults
        self.random, self.done = random.Random(f"chaos {args.seed}"), collections.Counter()
        self.world = world.ChaosWorld(args.messages, args.accounts, args.seed)
        self.started, self.ends = time.monotonic(), threading.Event()
        self.broken = None

    def say(self, text):
        print(f"{time.monotonic() - self.started:7.1f} {text}", flush=True)

    def keep_loading(self):
        """The load's own thread: it goes on while faults come."""
        try:
            while not self.ends.is_set():
                self.world.load()
                time.sleep(0.05)
        except BaseException as error:  # told by the run, which then fails
            self.broken = error

    def kills(self):
        return self.done["kill_stage"] + self.done["kill_supervisor"]

    def enough(self):
        return self.kills() >= self.args.kills and self.done["torn_redis"] >= self.args.torn

    def next_fault(self):
        """From the plan; what the run still owes comes first once the other is done."""
        if self.kills() >= self.args.kills:
            return self.faults.torn_redis
        plan, weights = zip(*self.faults.PLAN)
        return self.random.choices(plan, weights)[0]

    def break_things(self):
        while not self.enough() and not self.broken:
            fault = self.next_fault()
            what = fault(self.world, self.random)
            if what:
                self.done[fault.__name__] += 1
                self.say(what)
            time.sleep(self.random.uniform(0.1, 0.8))

    def settle(self):
        self.ends.set()
        self.loader.join(120)
        if self.broken:
            raise self.broken
        self.world.mailweave("up", "--quiet")
        self.world.connect()
        self.world.wait_synced(180)

    def run(self):
        import invariants
        self.world.watch()
        self.world.add_accounts()
        self.loader = threading.Thread(target=self.keep_loading, daemon=True)
        self.loader.start()
        self.break_things()
        broken_for = time.monotonic() - self.started
        self.settle()
        self.say(f"quiet again; {len(self.world.ledger['messages'])} messages on the server, {len(self.world.submissions)} sent")
        figures = invariants.check(self.world)
        self.say(f"seed {self.args.seed}: {sum(self.done.values())} faults in {broken_for:.0f} s, {dict(self.done.most_common())}; {figures}; "
                 "nothing lost, nothing twice")


def main():
    args = arguments()
    if args.build:
        os.environ["MAILWEAVE_BUILD"] = str(args.build)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    run = Run(args)
    good = False
    try:
        run.run()
        good = True
    finally:
        if not good:
            os.environ["MAILWEAVE_KEEP"] = "1"
            print(f"chaos: seed {args.seed} broke it; {dict(run.done)}; logs under {run.world.var}/log", flush=True)
        run.world.close()


if __name__ == "__main__":
    main()
