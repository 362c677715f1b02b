"""The programs as s6 services: one supervision tree per state directory, adopted where it still runs."""
import contextlib
import fcntl
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import time

from . import resp
from .state import ROOT, STOP_ORDER, Stop, stage_of

READY_S = 60
STOP_S = 45

REDIS_CONF = """\
# Made by `mailweave up`; settings of your own go into {dir}/extra.conf.
port {port}
bind 127.0.0.1
unixsocket {socket}
unixsocketperm 700
dir {dir}
daemonize no
logfile ""
appendonly yes
appendfsync always
aof-load-truncated no
aof-use-rdb-preamble yes
auto-aof-rewrite-min-size 64mb
save ""
maxmemory-policy noeviction
hash-max-listpack-value 128
disable-thp yes
{cluster}
{extra}
"""


def alive(pid):
    """Lives and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def read_pid(path):
    try:
        return int(pathlib.Path(path).read_text())
    except (OSError, ValueError):
        return None


def wait_until(true, seconds, step=0.02):
    end = time.monotonic() + seconds
    while not (done := true()):
        if time.monotonic() > end:
            return done
        time.sleep(step)
    return done


class Tree:
    def __init__(self, state):
        self.state = state

    @contextlib.contextmanager
    def locked(self):
        """One command that changes the tree at a time."""
        self.state.run.mkdir(parents=True, exist_ok=True)
        with open(self.state.run / "command.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def path(self, name):
        return self.state.service / name

    # What runs

    def supervisor(self):
        """The pid of our s6-svscan, or None."""
        pid = read_pid(self.state.run / "supervisor.pid")
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if pid else []
        except OSError:
            return None
        return pid if str(self.state.service).encode() in command and alive(pid) else None

    def supervised(self, name):
        return subprocess.run(["s6-svok", self.path(name)], stderr=subprocess.DEVNULL).returncode == 0

    def pid(self, name):
        """The instance's process, or None."""
        pid = read_pid(self.state.run / f"{name}.pid")
        return pid if pid and alive(pid) and self._is_ours(pid, name) else None

    def _is_ours(self, pid, name):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            return name in command if name != "redis" else "redis" in command
        except OSError:
            return False

    def ready(self, name, seconds):
        return subprocess.run(["s6-svwait", "-U", "-t", str(int(seconds * 1000)), self.path(name)], stderr=subprocess.DEVNULL).returncode == 0

    # Service directories

    def _script(self, path, text):
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def _make(self, name, command, finish="", notify=True):
        """The service directory, complete before s6 sees it. One that exists gets new scripts, for its next start."""
        final = self.path(name)
        folder = final if final.exists() else self.state.service / f".new-{name}"
        (folder / "log").mkdir(parents=True, exist_ok=True)
        log = self.state.log / name
        log.mkdir(mode=0o750, exist_ok=True)
        quoted = " ".join(shlex.quote(str(word)) for word in command)
        run = self.state.run
        pid = shlex.quote(str(run / f"{name}.pid"))
        # The lock passes to the program: a second one of the same name waits for the first to end, whoever supervises it.
        self._script(folder / "run.start", f"echo $$ >{pid}.new\nmv {pid}.new {pid}\nexec {quoted}\n")
        self._script(folder / "run", f"exec 2>&1\ncd {shlex.quote(str(self.state.dir))}\n"
                                     f"exec s6-setlock {shlex.quote(str(run / name))}.lock ./service/{name}/run.start\n")
        self._script(folder / "log" / "run", f"exec s6-log -b n10 s2000000 {shlex.quote(str(log))}\n")
        if finish:
            self._script(folder / "finish", finish)
        if notify:
            (folder / "notification-fd").write_text("3\n")
        (folder / "timeout-kill").write_text("30000\n")
        if folder != final:
            folder.rename(final)

    def make_redis(self, cluster_port=None):
        state = self.state
        cluster = ""
        if cluster_port:
            cluster = f"cluster-enabled yes\ncluster-port {cluster_port + 1}\ncluster-require-full-coverage no"
        extra = state.redis_dir / "extra.conf"
        conf = REDIS_CONF.format(dir=state.redis_dir, socket=state.socket, port=cluster_port or 0, cluster=cluster,
                                 extra=f"include {extra}" if extra.exists() else "")
        (state.redis_dir / "redis.conf").write_text(conf)
        clean = shlex.quote(str(state.redis_dir / "clean"))
        self._make("redis", [ROOT / "scripts" / "redis-service", state.redis_dir], notify=False,
                   finish=f'[ "$1" = 0 ] && : >{clean}\nexit 0\n')

    def make_stage(self, name):
        state, stage = self.state, stage_of(name)
        self._make(name, [state.program(stage), "--config", state.config, "--name", name, "--ready-fd", "3"])

    # Start

    def start_supervisor(self):
        """Starts s6-svscan in a session of its own, unless it runs. What an earlier one left running goes on: s6's own
        supervisors outlive it and are steered through their directories."""
        if self.supervisor():
            subprocess.run(["s6-svscanctl", "-a", self.state.service], check=True)
            return
        with open(self.state.log / "supervisor", "ab") as log:
            started = subprocess.Popen(["s6-svscan", "-c", "1000", str(self.state.service)], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True, cwd="/")
        (self.state.run / "supervisor.pid").write_text(f"{started.pid}\n")

    def bring_up(self, names):
        """Every named service is supervised and wanted up."""
        for name in names:
            if not wait_until(lambda name=name: self.supervised(name), 10):
                raise Stop(f"nothing supervises {name}", f"look at {self.state.log}/supervisor")
            self._end_orphan(name)
            if not wait_until(lambda name=name: self._told(name, "-u"), 10):
                raise Stop(f"the supervisor of {name} takes no commands", f"look at {self.state.log}/supervisor")

    def _told(self, name, what):
        """The supervisor took the command: it does not for a moment between its first sign of life and its loop."""
        return subprocess.run(["s6-svc", what, self.path(name)], stderr=subprocess.DEVNULL).returncode == 0

    def _end_orphan(self, name):
        """A program whose supervisor was killed holds the lock: it must end before its successor can start."""
        pid = self.pid(name)
        child = self._field(name, "pid")
        if pid and child and child != pid and self._parent(pid) != self._supervisor_of(name):
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not alive(pid), STOP_S)

    def _field(self, name, field):
        run = subprocess.run(["s6-svstat", "-o", field, self.path(name)], capture_output=True, text=True)
        return int(run.stdout) if run.returncode == 0 and run.stdout.strip().lstrip("-").isdigit() else None

    @staticmethod
    def _parent(pid):
        try:
            return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            return None

    def _supervisor_of(self, name):
        return self._parent(self._field(name, "pid") or -1)

    def wait_ready(self, names, seconds=READY_S):
        end = time.monotonic() + seconds
        for name in names:
            if name == "redis":
                continue
            if not self.ready(name, max(0.1, end - time.monotonic())):
                raise Stop(f"{name} is not ready after {seconds} s; its last words:\n" + self.last_words(name),
                           f"scripts/mailweave logs {stage_of(name)}")

    def last_words(self, name, lines=8):
        try:
            return "\n".join("    " + x for x in (self.state.log / name / "current").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "    (nothing)"

    def wait_redis(self):
        def answers():
            try:
                with resp.connect(self.state, 1) as redis:
                    return redis.call("PING") == "PONG"
            except (Stop, OSError, resp.RedisError):
                return False

        refused = self.state.redis_dir / "refused"
        wait_until(lambda: answers() or refused.exists(), 600 if self._log_bytes() > 1 << 28 else READY_S, 0.01)
        if refused.exists():
            raise Stop(refused.read_text().strip(), "restore a copy of this directory, or decide by hand what to cut")
        if not answers():
            raise Stop("Redis does not answer; its last words:\n" + self.last_words("redis"), "scripts/mailweave logs redis")

    def _log_bytes(self):
        return sum(p.stat().st_size for p in self.state.redis_dir.glob("appendonlydir/*"))

    # Stop

    def stop(self, names):
        """Each takes no more work, finishes what it has, ends; all of them at the same time."""
        mine = [n for n in names if self.path(n).exists()]
        for name in mine:
            subprocess.run(["s6-svc", "-d", self.path(name)], stderr=subprocess.DEVNULL)
        for name in mine:
            pid = self.pid(name)
            if pid and not self.supervised(name):
                os.kill(pid, signal.SIGTERM)
        late = [n for n in mine if not wait_until(lambda n=n: not self.pid(n), STOP_S)]
        for name in late:
            os.kill(self.pid(name) or 0, signal.SIGKILL) if self.pid(name) else None
        return late

    def forget(self, names):
        """Takes stopped services out of the tree."""
        for name in names:
            hidden = self.state.service / f".gone-{name}"
            shutil.rmtree(hidden, ignore_errors=True)
            subprocess.run(["s6-svc", "-dx", self.path(name)], stderr=subprocess.DEVNULL)
            subprocess.run(["s6-svc", "-x", self.path(name) / "log"], stderr=subprocess.DEVNULL)
            self.path(name).rename(hidden)
        if self.supervisor():
            subprocess.run(["s6-svscanctl", "-an", self.state.service], check=True)
        for name in names:
            hidden = self.state.service / f".gone-{name}"
            wait_until(lambda hidden=hidden: subprocess.run(["s6-svok", hidden], stderr=subprocess.DEVNULL).returncode, 5)
            shutil.rmtree(hidden, ignore_errors=True)
            for leftover in self.state.run.glob(f"{name}.*"):
                leftover.unlink(missing_ok=True)

    def end(self):
        """Ends the tree itself, after its programs."""
        names = self.state.instances()
        pid = self.supervisor()
        if pid:
            subprocess.run(["s6-svscanctl", "-t", self.state.service], stderr=subprocess.DEVNULL)
            wait_until(lambda: not alive(pid), 15)
        # Supervisors that an earlier s6-svscan left behind, programs first: their loggers then have had the last words.
        for name in names + [f"{n}/log" for n in names]:
            if self.supervised(name):
                subprocess.run(["s6-svc", "-dx", self.path(name)], stderr=subprocess.DEVNULL)
        wait_until(lambda: not any(self.supervised(n) or self.supervised(f"{n}/log") for n in names), 15)
        (self.state.run / "supervisor.pid").unlink(missing_ok=True)
        shutil.rmtree(self.state.service, ignore_errors=True)


def stop_order(names):
    return [[n for n in names if stage_of(n) in group] for group in STOP_ORDER]
