"""The commands of scripts/mailweave."""
import argparse
import os
import signal
import socket
import subprocess
import sys
import time

from . import accounts, doctor, pipeline, resp, status
from .state import STAGES, State, Stop, stage_of
from .supervise import Tree, stop_order


def owner_of_port(port):
    """What listens there, as `ss` knows it."""
    run = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True)
    return run.stdout.strip().rpartition("users:")[2] or "another process"


def check_listen(state):
    """Before the gateway tries: a taken port is told with its owner."""
    address = state.setting("listen", "gateway", "127.0.0.1:8425")
    host, _, port = address.rpartition(":")
    if port in ("", "0") or any(Tree(state).pid(n) for n in state.instances() if stage_of(n) == "gateway"):
        return
    with socket.socket(socket.AF_INET6 if ":" in host.strip("[]") else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise Stop(f"{address} is taken by {owner_of_port(port)}" if error.errno == 98 else f"{address}: {error.strerror}",
                       f"choose another: scripts/mailweave --dir {state.dir} up --listen 127.0.0.1:PORT (0: any free one)") from error


def apply_options(state, args):
    for text in args.set or []:
        name, _, value = text.partition("=")
        stage, _, name = name.rpartition(":")
        state.set(stage or None, name, value)
    if args.listen:
        state.set("gateway", "listen", args.listen)
    if args.bus:
        state.set(None, "bus", args.bus)
    for text in args.scale or []:
        stage, number = scale_of(text)
        state.want(**{stage: number})


def run_program(state, stage, *words):
    run = subprocess.run([state.program(stage), *words, "--config", state.config], capture_output=True, text=True)
    if run.returncode:
        raise Stop(f"{stage} {words[0]} failed:\n{(run.stderr or run.stdout).strip()}", f"check {state.config}")
    return run.stdout.strip()


def up(state, args):
    tree = Tree(state)
    state.prepare(args.listen, args.bus)
    with tree.locked():
        apply_options(state, args)
        for stage in STAGES:
            state.program(stage)
        run_program(state, "gateway", "--make-keys")
        check_listen(state)
        if args.redis_cluster:
            state.set(None, "redis_cluster", "yes")
        if state.embedded_redis():
            tree.make_redis(args.redis_cluster)
        tree.start_supervisor()
        if state.embedded_redis():
            tree.bring_up(["redis"])
            tree.wait_redis()
            if args.redis_cluster:
                make_cluster(state)
        for stage in ("fetcher", "threader", "linker", "sender", "gateway"):
            run_program(state, stage, "--load-functions")
        wanted = state.wanted()
        names = [f"{stage}-{n}" for stage in STAGES for n in range(1, wanted[stage] + 1)]
        for name in names:
            tree.make_stage(name)
        tree.start_supervisor()
        tree.bring_up(names)
        tree.wait_ready(names)
        if not (state.dir / "root.token").exists():
            run_program(state, "gateway", "--make-root-token")
    if not args.quiet:
        host, port = state.api_address()
        print(f"mailweave is up: API http://{host}:{port}/v1, root token in {state.dir}/root.token")


def make_cluster(state):
    with resp.connect(state) as redis:
        if b"cluster_slots_assigned:16384" not in redis.call("CLUSTER", "INFO"):
            redis.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        end = time.monotonic() + 10
        while b"cluster_state:ok" not in redis.call("CLUSTER", "INFO") and time.monotonic() < end:
            time.sleep(0.05)


def down(state, args):
    tree = Tree(state)
    if not state.run.is_dir():
        return
    with tree.locked():
        names = state.instances()
        for group in stop_order(names):
            for name in tree.stop(group):
                print(f"{name} did not end in time and was killed", file=sys.stderr)
        tree.end()
        for name in names:
            for suffix in ("pid", "port", "lock"):
                (state.run / f"{name}.{suffix}").unlink(missing_ok=True)
    if not args.quiet:
        print("mailweave is down" if names else "nothing ran")


def scale_of(text):
    stage, _, number = text.partition("=")
    if stage not in STAGES or not number.isdigit() or int(number) > 99:
        raise Stop(f"{text!r} is not STAGE=N", f"stages: {', '.join(STAGES)}")
    if stage == "gateway" and int(number) > 1:
        raise Stop("one gateway listens on one address", "run further gateways with a configuration of their own, behind a balancer")
    return stage, int(number)


def scale(state, args):
    tree = Tree(state)
    for text in args.what:
        stage, number = scale_of(text)
        with tree.locked():
            now = [n for n in state.instances() if stage_of(n) == stage]
            wanted = [f"{stage}-{n}" for n in range(1, number + 1)]
            state.want(**{stage: number})
            for name in (n for n in wanted if n not in now):
                tree.make_stage(name)
            tree.start_supervisor()
            tree.bring_up(wanted)
            tree.wait_ready(wanted)
            gone = [n for n in now if n not in wanted]
            tree.stop(gone)
            tree.forget(gone)
        print(f"{stage}: {len(now)} → {number}")


def restart(state, args):
    tree = Tree(state)
    names = [n for n in state.instances() if stage_of(n) in args.stage or n in args.stage]
    if not names:
        raise Stop(f"no instance of {' '.join(args.stage)} runs", "scripts/mailweave status")
    with tree.locked():
        for name in names:
            if stage_of(name) != "redis":
                tree.make_stage(name)
            subprocess.run(["s6-svc", "-wD", "-T", "45000", "-d", tree.path(name)], check=True)
            subprocess.run(["s6-svc", "-u", tree.path(name)], check=True)
            tree.wait_redis() if name == "redis" else tree.wait_ready([name])
            print(f"restarted {name}")


def show_status(state, args):
    if not args.watch:
        print(status.table(state))
        return
    while True:
        text = status.table(state)
        print("\033[H\033[2J" + text if sys.stdout.isatty() else text, flush=True)


def logs(state, args):
    names = [n for n in state.instances() or sorted(p.name for p in state.log.iterdir() if p.is_dir())
             if not args.stage or stage_of(n) == args.stage or n == args.stage]
    files = [str(state.log / n / "current") for n in names if (state.log / n / "current").exists()]
    if not files:
        raise Stop(f"no logs of {args.stage or 'anything'} in {state.log}")
    if args.follow:
        os.execvp("tail", ["tail", "-q", "-n", str(args.lines), "-F", *files])
    lines = [line for file in files for line in open(file, errors="replace").read().splitlines()[-args.lines:]]
    print("\n".join(sorted(lines)[-args.lines:] if len(files) > 1 else lines))


def parser_of_commands():
    top = argparse.ArgumentParser(prog="mailweave", description="Starts, watches and steers the programs of one state directory.")
    top.add_argument("--dir", default=os.environ.get("MAILWEAVE_DIR", "var"), help="state directory (default: $MAILWEAVE_DIR or ./var)")
    top.add_argument("--build", default=os.environ.get("MAILWEAVE_BUILD"), help="folder of the built programs (default: build/plain)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, run, text, *arguments):
        one = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        for words, options in arguments:
            one.add_argument(*words, **options)
        one.set_defaults(run=run)
        return one

    def arg(*words, **options):
        return words, options

    company = arg("--company", default="main", help="company (default: main)")
    command("up", up, "start everything that does not run yet, wait until it is ready",
            arg("--listen", help="address of the API, host:port; port 0: any free one"),
            arg("--bus", help="ipc, or tcp:ADDRESS"),
            arg("--set", action="append", metavar="[STAGE:]NAME=VALUE", help="put a line into mailweave.conf"),
            arg("--scale", action="append", metavar="STAGE=N", help="number of instances"),
            arg("--redis-cluster", type=int, metavar="PORT", help="embedded Redis as a cluster of one node, on this port and the next"),
            arg("--quiet", "-q", action="store_true", help="say nothing"))
    command("down", down, "let every program finish what it has in hand, then stop it",
            arg("--quiet", "-q", action="store_true", help="say nothing"))
    command("status", show_status, "one line a stage: instances, rate, queue, oldest, failed, memory",
            arg("--watch", "-w", action="store_true", help="again and again"))
    command("scale", scale, "set the number of instances of a stage", arg("what", nargs="+", metavar="STAGE=N"))
    command("restart", restart, "restart the instances of a stage, one after the other", arg("stage", nargs="+", metavar="STAGE"))
    command("logs", logs, "show the programs' logs", arg("stage", nargs="?", metavar="STAGE"),
            arg("--follow", "-f", action="store_true", help="and what comes"), arg("--lines", "-n", type=int, default=50, help="how many"))
    command("trace", pipeline.trace, "show a message's way through the stages", arg("id", metavar="ID", help="message id"))
    command("doctor", lambda state, _: doctor.run(state) and sys.exit(1), "check packages, Redis, disk, keys, ports, instances, clock")
    command("rebuild", pipeline.rebuild, "make the company side anew from the accounts", arg("company", nargs="?", metavar="COMPANY"))
    command("reparse", pipeline.reparse, "make the facts anew from the stored raw messages",
            arg("account", nargs="?", metavar="COMPANY/ACCOUNT", help="default: every account"))
    account = command("account", None, "mail accounts: add, show").add_subparsers(dest="action", required=True, metavar="ACTION")
    one = account.add_parser("add", help="connect a mailbox: asks for its password, tries both directions, then syncs")
    for words, options in (arg("email", metavar="EMAIL"), company, arg("--user", help="its owner (default: the part before @)"),
                           arg("--id", help="account id"), arg("--provider", help="preset: gmail, icloud, …"),
                           arg("--imap", metavar="HOST:PORT"), arg("--smtp", metavar="HOST:PORT"), arg("--login", help="user name, if not EMAIL"),
                           arg("--since", help="how far back: 3d, 6m, 2y, all (default 3d)"),
                           arg("--password-stdin", action="store_true", help="read the password from standard input")):
        one.add_argument(*words, **options)
    one.set_defaults(run=accounts.add)
    one = account.add_parser("show", help="state and progress of one or all")
    one.add_argument("email", nargs="?", metavar="ACCOUNT")
    one.add_argument(*company[0], **company[1])
    one.set_defaults(run=accounts.show)
    command("token", accounts.token, "API tokens: new (default), list, delete",
            arg("action", nargs="?", choices=("new", "list", "delete"), default="new"), arg("id", nargs="?", metavar="ID"),
            arg("--company", help="company the token acts in"), arg("--user", help="user it acts as"))
    return top


def main(argv):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    args = parser_of_commands().parse_args(argv)
    try:
        args.run(State(args.dir, args.build), args)
    except Stop as stop:
        print(f"mailweave: {stop.what}", file=sys.stderr)
        if stop.remedy:
            print(f"  → {stop.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
