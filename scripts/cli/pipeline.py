"""What concerns the way of messages: trace, rebuild, reparse."""
import subprocess
import time

from .api import Api, Problem
from .state import Stop


def trace(state, args):
    answer = Api(state).get(f"/v1/pipeline/trace/{args.id}")
    steps = answer.get("steps") or answer.get("data") or []
    print(f"{args.id}  {answer.get('status', '')}")
    first = None
    for step in steps:
        at = step.get("at") or step.get("time") or ""
        first = first or at
        rest = "  ".join(f"{k}={v}" for k, v in step.items() if k not in ("at", "time", "stage", "step", "event") and v not in (None, "", []))
        print(f"  {at:<26}{step.get('stage', ''):<10}{step.get('step') or step.get('event') or '':<14}{rest}")
    if not steps:
        for key, value in answer.items():
            print(f"  {key}: {value}")


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
    root = Api(state)
    try:
        if args.account:
            company, _, account = args.account.partition("/")
            answer = root.post("/v1/pipeline/reparse", {"companyId": company, "accountId": account})
        else:
            answer = root.post("/v1/pipeline/reparse")
    except Problem as problem:
        if problem.status == 404:
            raise Stop(f"no account {args.account}", "scripts/mailweave account show") from problem
        raise
    print(answer if not isinstance(answer, dict) else "  ".join(f"{k} {v}" for k, v in answer.items()))
