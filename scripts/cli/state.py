"""One state directory: where things lie, its configuration, how many instances of each stage it wants."""
import os
import pathlib
import re

STAGES = ("fetcher", "parser", "threader", "linker", "sender", "gateway")
# A stop goes against the stream: first what takes work in, then what finishes it.
STOP_ORDER = (("gateway", "fetcher", "sender"), ("parser",), ("threader",), ("linker",), ("redis",))
ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST_DIR = 64  # a unix socket's path has 107 bytes: this, "/bus/proposal/", an instance name

CONFIG = """\
# mailweave: settings of all programs; lines below [stage] count for that program only.
# `<program> --help` lists what there is, `<program> --check-config --config FILE` checks this file.
dir = {dir}
redis = unix:{dir}/redis/redis.sock
bus = {bus}

[gateway]
listen = {listen}
"""


class Stop(Exception):
    """Ends the command: what is wrong, and what the person can do about it."""

    def __init__(self, what, remedy=""):
        super().__init__(what)
        self.what, self.remedy = what, remedy


class State:
    def __init__(self, directory, build=None):
        self.dir = pathlib.Path(os.path.abspath(directory))
        if len(str(self.dir)) > LONGEST_DIR:
            raise Stop(f"the state directory's path has {len(str(self.dir))} characters, at most {LONGEST_DIR} fit a socket's name",
                       "choose a shorter one: --dir /var/lib/mailweave, or MAILWEAVE_DIR")
        self.config = self.dir / "mailweave.conf"
        self.run, self.log, self.service = self.dir / "run", self.dir / "log", self.dir / "service"
        self.redis_dir, self.keys = self.dir / "redis", self.dir / "keys"
        self.socket = self.redis_dir / "redis.sock"
        self._build = pathlib.Path(os.path.abspath(build)) if build else None

    @property
    def build(self):
        """Where the programs are: --build, else what the last `up` used, else build/plain."""
        if self._build:
            return self._build
        kept = self.run / "build"
        return pathlib.Path(kept.read_text().strip()) if kept.exists() else ROOT / "build" / "plain"

    def program(self, stage):
        path = self.build / stage / stage
        if not path.exists():
            raise Stop(f"{path} is not there", "build the programs first: make")
        return path

    def prepare(self, listen, bus):
        """Makes what is missing; touches nothing that is there."""
        for path, mode in ((self.dir, 0o750), (self.run, 0o750), (self.log, 0o750), (self.service, 0o750), (self.redis_dir, 0o700),
                           (self.keys, 0o700), (self.dir / "bus", 0o750), (self.dir / "blobs", 0o700)):
            path.mkdir(mode=mode, parents=True, exist_ok=True)
        if not self.config.exists():
            self._write(self.config, CONFIG.format(dir=self.dir, listen=listen or "127.0.0.1:8425", bus=bus or "ipc"), 0o640)
        if self._build:
            self._write(self.run / "build", f"{self._build}\n", 0o640)

    @staticmethod
    def _write(path, text, mode):
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.chmod(mode)
        fresh.rename(path)

    def setting(self, name, stage=None, fallback=None):
        """A value of the configuration file: the stage's own line, else the common one."""
        section, found = None, {}
        if self.config.exists():
            for line in self.config.read_text().splitlines():
                line = line.strip()
                if line.startswith("[") and line.endswith("]"):
                    section = line[1:-1].strip()
                elif "=" in line and not line.startswith("#"):
                    key, value = (part.strip() for part in line.split("=", 1))
                    found[section, key] = value
        return found.get((stage, name), found.get((None, name), fallback))

    def set(self, stage, name, value):
        """Puts one line into the configuration file, in place of the one that says it now."""
        lines, section, at = self.config.read_text().splitlines(), None, None
        end = {None: next((i for i, text in enumerate(lines) if text.startswith("[")), len(lines))}
        for index, line in enumerate(lines):
            head = re.fullmatch(r"\[(\S+)\]", line.strip())
            section = head.group(1) if head else section
            end[section] = index + 1 if section else end[None]
            if section == stage and re.match(rf"\s*{re.escape(name)}\s*=", line):
                at = index
        text = f"{name} = {value}"
        if at is not None:
            lines[at] = text
        elif stage in end:
            lines.insert(end[stage], text)
        else:
            lines += ["", f"[{stage}]", text]
        self._write(self.config, "\n".join(lines) + "\n", 0o640)

    def embedded_redis(self):
        return self.setting("redis") == f"unix:{self.socket}"

    def wanted(self):
        """stage → number of instances."""
        counts = dict.fromkeys(STAGES, 1)
        path = self.dir / "instances"
        if path.exists():
            for line in path.read_text().splitlines():
                stage, _, number = line.partition(" ")
                if stage in counts and number.isdigit():
                    counts[stage] = int(number)
        return counts

    def want(self, **counts):
        self._write(self.dir / "instances", "".join(f"{s} {n}\n" for s, n in {**self.wanted(), **counts}.items()), 0o640)

    def instances(self):
        """Names of the services that exist now, in a fixed order."""
        if not self.service.is_dir():
            return []
        order = {name: index for index, name in enumerate(("redis",) + STAGES)}
        names = [p.name for p in self.service.iterdir() if (p / "run").exists() and not p.name.startswith(".")]
        return sorted(names, key=lambda n: (order.get(stage_of(n), 99), int(n.rpartition("-")[2]) if "-" in n else 0))

    def root_token(self):
        path = self.dir / "root.token"
        if not path.exists():
            raise Stop(f"{path} is not there", "start mailweave once: scripts/mailweave up")
        return path.read_text().strip()

    def api_address(self):
        """(host, port) of a gateway that runs."""
        for name in self.instances():
            port = self.run / f"{name}.port"
            if stage_of(name) == "gateway" and port.exists():
                host = (self.setting("listen", "gateway") or "127.0.0.1:8425").rpartition(":")[0].strip("[]")
                return ("127.0.0.1" if host in ("", "*", "0.0.0.0") else host), int(port.read_text().split()[0].rpartition(":")[2])
        raise Stop("no gateway runs", "start it: scripts/mailweave up")


def stage_of(instance):
    return instance.rpartition("-")[0] or instance
