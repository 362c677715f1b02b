"""What concerns the way of messages: trace, rebuild, reparse."""
import re
import subprocess
import sys
import time

from . import resp
from .api import Api, Problem
from .state import Stop

# Which stage took which step of the gateway's answer.
STAGE_OF_STEP = {"received": "server", "entered": "fetcher", "driven": "fetcher", "pushed": "fetcher", "parsed": "parser",
                 "proposed": "threader", "set_aside": "fetcher", "committed": "linker",
                 "applied": "linker", "deleted": "gateway"}


def accounts(state):
    """[(company, account)] of the deployment."""
    with resp.connect(state) as redis:
        return [tuple(name.decode().split("/", 1)) for name in redis.call("HKEYS", "{g}:accounts")]


def log_lines(state, short_id):
    """Lines of the logs that name the message (with log_level = debug every stage writes one)."""
    found = []
    for path in state.log.glob("*/*"):
        if path.is_file() and (path.name == "current" or path.name.startswith("@")):
            found += [line.split(" ", 3) for line in path.read_text(errors="replace").splitlines() if f"id={short_id}" in line]
    return [(line[0], line[2].rpartition("-")[0], line[3]) for line in found if len(line) == 4]


def trace(state, args):
    account, tilde, short_id = args.id.rpartition("~")
    if not tilde:
        raise Stop(f"{args.id} is no message id", "ids look like anna~0123456789abcdef")
    for company in [c for c, a in accounts(state) if a == account] or [None]:
        try:
            answer = Api(state).get(f"/v1/pipeline/trace/{args.id}", company=company)
            break
        except Problem as problem:
            if problem.status != 404:
                raise
    else:
        raise Stop(f"{args.id} is in no ledger, no mailbox and not set aside", "is the account's folder synced? GET /v1/accounts/{id}/folders")
    rows = [(step.get("at") or "", STAGE_OF_STEP.get(step["step"], ""), " ".join(
        [step["step"]] + [f"{k}={v}" for k, v in step.items() if k not in ("step", "at")])) for step in answer["steps"]]
    rows += log_lines(state, short_id)
    print(f"{args.id}: {answer.get('state', '')}" + (f", thread {answer['threadId']}" if answer.get("threadId") else ""))
    for at, stage, text in sorted(rows, key=lambda row: row[0]):
        print(f"  {at:<26}{stage:<10}{text}")
    for event in answer.get("events") or []:
        print(f"  {'':<26}{'event':<10}{event['type']} {event['id']}")


def rebuild(state, args):
    """The linker writes the company slot anew; while it does, timelines may be incomplete."""
    start = time.monotonic()
    words = ["--rebuild", args.company] if args.company else ["--rebuild", "--all"]
    run = subprocess.run([state.program("linker"), *words, "--config", state.config], text=True, capture_output=True)
    if run.returncode:
        raise Stop(f"rebuild failed:\n{(run.stderr or run.stdout).strip()}", "scripts/mailweave doctor")
    print(run.stdout, end="")
    print(f"company side made anew in {time.monotonic() - start:.1f} s")


def reparse(state, args):
    """A command for each account's fetcher; waits until all have done it."""
    wanted = [(c, a) for c, a in accounts(state) if args.account in (None, f"{c}/{a}")]
    if not wanted:
        raise Stop(f"no account {args.account or ''}".strip(), "name it COMPANY/ACCOUNT; scripts/mailweave account show")
    start = time.monotonic()
    with resp.connect(state) as redis:
        commands = {(c, a): redis.call("XADD", f"{{a:{c}/{a}}}:cmd", "*", "kind", "reparse") for c, a in wanted}
        while commands:
            for (company, account), number in list(commands.items()):
                done = redis.call("HGET", f"{{a:{company}/{account}}}:st", "cmdDone") or b"0-0"
                if order(done) >= order(number):
                    count = redis.call("HLEN", f"{{a:{company}/{account}}}:m")
                    print(f"{company}/{account}: facts of {count:,} messages made anew ({time.monotonic() - start:.1f} s)")
                    del commands[company, account]
            if time.monotonic() - start > 3600:
                print("still waiting: " + ", ".join("/".join(x) for x in commands), file=sys.stderr)
                raise Stop("not done after an hour", "scripts/mailweave status; scripts/mailweave logs fetcher")
            time.sleep(0.1)


def order(stream_id):
    return tuple(int(x) for x in re.split("-", stream_id.decode()))
