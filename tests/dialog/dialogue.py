"""A dialogue as its file says it. README in this folder tells the form."""
import pathlib
import re
import threading

FOLDER = pathlib.Path(__file__).parent
STEPS = ("S:", "S-", "model", "close", "reset", "stall", "drip", "wait", "do", "read")


class Exchange:
    def __init__(self, times, pattern):
        self.left, self.pattern, self.steps = times, pattern, []


class Dialogue:
    def __init__(self, path):
        self.name, self.path = path.stem, path
        self.caps = "IMAP4rev1 ID IDLE"
        self.setup, self.exchanges, self.script = [], [], []
        self.strange = False
        self.token = None  # the mechanism that takes the account's access token; else it has a password
        self.since = "all"
        self.lock = threading.Lock()
        lines = path.read_text(encoding="utf-8").splitlines()
        self.title = " ".join(line[1:].strip() for line in lines if line.startswith("#"))
        for line in lines:
            if line.strip() and not line.startswith("#"):
                self._take(line)

    def _take(self, line):
        word, _, rest = line.partition(" ")
        head = re.match(r"C(\d*|\*): (.*)", line)
        if head:
            times = {"": 1, "*": 1 << 30}.get(head.group(1)) or int(head.group(1))
            self.exchanges.append(Exchange(times, head.group(2)))
        elif word in STEPS and not self.script:
            self.exchanges[-1].steps.append((word, rest))
        elif word == "caps":
            self.caps = "IMAP4rev1 " + rest
        elif word in ("mailbox", "label", "flag", "put", "date") and not self.script:
            self.setup.append(line.split())
        elif word == "only":
            self.caps = rest
        elif word == "token":
            self.token = rest
        elif word == "since":
            self.since = rest
        elif word == "certificate":
            self.strange = rest
        elif word in ("expect", "then"):
            self.script.append((word, rest))
        else:
            raise ValueError(f"{self.name}: what is {line!r}?")

    def next(self, command):
        """The first exchange that is about this command and was not played as often as it may be."""
        with self.lock:
            for exchange in self.exchanges:
                if exchange.left and re.match(exchange.pattern + "$", command, re.I | re.S):
                    exchange.left -= 1
                    return exchange
        return None


def all_dialogues():
    return [Dialogue(path) for path in sorted(FOLDER.glob("F*.txt"))]
