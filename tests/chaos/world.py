"""The world of a chaos run: two instances of each stage under the real supervisor, a real Redis, a real Dovecot, a mail sink and a webhook
sink that keep ledgers, and mail that keeps coming while things break."""
import hashlib
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))
sys.path.insert(0, str(HERE.parent / "demo"))

import generate  # noqa: E402
import requests  # noqa: E402
import rig  # noqa: E402
import webhook_sink  # noqa: E402

STAGES = ("fetcher", "parser", "threader", "linker", "sender", "gateway")
SETTINGS = ("fetcher:window.messages=64", "sender:lease_ms=3s", "sender:clock.scale=300")


def _digest(connection, uid):
    return hashlib.sha256(connection.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]).hexdigest()


class ChaosWorld(rig.World):
    """A World whose ledger grows: what `mail` puts on the server is in it from the moment the server took it."""

    def __init__(self, messages, accounts, seed):
        self.hooks = webhook_sink.Sink()
        self.submissions = {}
        super().__init__(messages=messages, accounts=accounts, seed=seed, deals=60, settings=SETTINGS,
                         scale=[f"{stage}=2" for stage in STAGES if stage != "gateway"])
        people = generate.World(seed, accounts, 60)
        people.rng.seed(f"coming {seed}")  # the same people, other mail
        self.coming = generate.Mail(people, 10 ** 9)
        self.coming.serial, self.coming.conversation = 10 ** 6, 10 ** 6 + seed
        self.stream = iter(self.coming)
        self.random = random.Random(f"load {seed}")

    def reps(self):
        return [rep["id"] for rep in self.ledger["reps"]]

    def watch(self):
        """A webhook of each rep's own: everything that this rep may see."""
        for rep in self.reps():
            self.user(rep).call("POST", "/v1/webhooks", 201, json={"url": f"{self.hooks.base}/{rep}"})

    def insist(self, what, seconds=90):
        """Does it again until the part that it needs is back: a user's own retry."""
        end = time.monotonic() + seconds * rig.SLOW
        while True:
            try:
                return what()
            except (requests.RequestException, OSError, rig.imaplib.IMAP4.error, AssertionError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
                self._quiet(self.connect)

    # The load

    def mail(self):
        """The next message of the generator, appended where it belongs. The ledger takes it with the server's answer."""
        entry, raw = next(self.stream)
        entry["ledger"] = len(self.ledger["messages"])
        when = rig.imaplib.Time2Internaldate(entry["at"])
        for folder in entry["folders"]:
            self.insist(lambda folder=folder: self._append_once(entry, folder, raw, when))
        self.ledger["messages"].append(entry)

    def _append_once(self, entry, folder, raw, when):
        """A server that was cut before its answer may have it already: looked for before it is given again."""
        connection = self.imap(entry["account"])
        try:
            connection.select(f'"{folder}"', readonly=True)
            size = f"LARGER {entry['size'] - 1} SMALLER {entry['size'] + 1}"
            found = connection.uid("SEARCH", *size.split())[1][0].split()
            if not any(_digest(connection, uid) == entry["sha256"] for uid in found):
                answer = connection.append(f'"{folder}"', " ".join(entry["flags"]), when, raw)
                assert answer[0] == "OK", answer
        finally:
            connection.shutdown()

    def move(self):
        """Some message of an inbox goes to the archive."""
        rep = self.random.choice(self.reps())
        inbox = [e for e in self.ledger["messages"] if e["account"] == rep and e["folders"] == ["INBOX"] and e["messageId"]]
        if inbox:
            entry = self.random.choice(inbox)
            self.insist(lambda: self._move_once(rep, entry))
            entry["folders"] = ["Archive"]

    def _move_once(self, rep, entry):
        connection = self.imap(rep)
        try:
            connection.select("INBOX")
            found = connection.uid("SEARCH", "HEADER", "Message-ID", f'"<{entry["messageId"]}>"')[1][0].split()
            if found:
                answer = connection.uid("MOVE", b",".join(found).decode(), "Archive")
                assert answer[0] == "OK", answer
        finally:
            connection.shutdown()

    def send(self):
        """A message from a rep's mailbox; asked for with one key until it is answered."""
        rep, number = self.random.choice(self.reps()), len(self.submissions)
        body = {"accountId": rep, "to": [{"email": f"chaos{number}@elsewhere.example"}], "subject": f"chaos {number}", "text": "Sent.\n"}
        answer = self.insist(lambda: self.user(rep).call("POST", "/v1/messages", 202, json=body, headers={"Idempotency-Key": f"chaos-{number}"}))
        self.submissions[answer.json()["id"]] = (rep, f"chaos {number}")

    def load(self):
        """One step of what people do."""
        self.random.choices((self.mail, self.move, self.send), (12, 1, 1))[0]()

    def close(self):
        try:
            super().close()
        finally:
            self.hooks.close()
