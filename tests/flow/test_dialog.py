"""Every dialogue of tests/dialog against the real programs: one account each, all at the same time in one world."""
import concurrent.futures
import hashlib
import re
import subprocess
import sys
import time

import pytest
import rig
from scripted_smtp import ScriptedSmtp

sys.path.insert(0, str(rig.ROOT / "tests"))

from dialog.dialogue import Dialogue, all_dialogues  # noqa: E402
from dialog.model import Model, in_set, numbers  # noqa: E402
from dialog.server import TOKEN, Server, tls  # noqa: E402

DIALOGUES = {d.name: d for d in all_dialogues()}
PATIENCE = 90
# What is never asked for, whatever the server is: its answers differ from server to server and are often broken (F11, F12, F16).
NEVER = re.compile(r"UID FETCH .*(BODYSTRUCTURE|ENVELOPE|[( ]RFC822[ )]|BODY\[)|^(FETCH|STORE|COPY|SEARCH) ", re.I)


class Play:
    """One dialogue: its account, its server, its expectations."""

    def __init__(self, world, smtp, dialogue, number):
        self.world, self.smtp, self.dialogue = world, smtp, dialogue
        self.id = f"d{number:02}"
        self.email = f"{self.id}@sales.example"
        self.api = world.user(self.id)
        self.ids = {}
        model = Model()
        for words in dialogue.setup:
            model.change(*words)
        keys = world.server.dir / "tls"
        strange = tls(*own_certificate(world.dir, dialogue.strange)) if dialogue.strange else None
        self.server = Server(dialogue, model, tls(keys / "cert.pem", keys / "key.pem"), strange)

    def begin(self):
        login = {"host": "127.0.0.1", "user": self.email, "password": rig.PASSWORD, "security": "tls"}
        imap = dict(login, port=self.server.port)
        if self.dialogue.token:
            imap["accessToken"] = TOKEN
            del imap["password"]
        self.api.call("POST", "/v1/accounts", 201, json={
            "id": self.id, "userId": self.id, "email": self.email, "since": self.dialogue.since, "imap": imap, "smtp": dict(login, port=self.smtp.port)})

    def run(self):
        self.begin()
        for word, text in self.dialogue.script:
            if word == "then":
                self.then(text)
            else:
                self.expect(text)
        bad = [said for _, said in self.server.said if NEVER.search(said.replace("BODY.PEEK[", ""))]
        assert not bad, f"never to be said: {bad[:3]}"
        assert not self.server.troubles, self.server.troubles

    def then(self, text):
        if text == "cut":
            self.server.cut()
        elif text.startswith("caps "):  # from the next connection on
            self.dialogue.caps = "IMAP4rev1 " + text[5:]
        else:
            self.server.model.change(*text.split())

    # Expectations

    def expect(self, text):
        what, _, rest = text.partition(" ")
        check = getattr(self, "see_" + what)
        last = [None]

        def seen():
            last[0] = check(rest)
            return last[0] is True
        try:
            rig.wait(seen, PATIENCE, text, 0.25)
        except AssertionError:
            said = "\n".join(f"  {n}: {c[:150]}" for n, c in self.server.said[-30:])
            raise AssertionError(f"{self.dialogue.name}: expected {text!r}, last {last[0]!r}\nlast said:\n{said}\n"
                                 f"exchanges not played: {[e.pattern for e in self.dialogue.exchanges if 0 < e.left < 1 << 20]}") from None

    def see_mail(self, rest):
        """Exactly these messages, each once, and each with the id that it always had."""
        want = sorted(f"mail {n}" for n in (numbers(rest) if rest else []))
        got, ids = [], {}
        for thread in self.api.every("/v1/threads"):
            for m in self.api.every(f"/v1/threads/{thread['id']}/messages"):
                if any(m["mailboxIds"]):
                    got.append(m["subject"])
                    ids[m["subject"]] = m["id"]
        if sorted(got) != want:
            return sorted(got)
        for subject, its_id in ids.items():
            assert self.ids.setdefault(subject, its_id) == its_id, f"{subject} has another id"
        return True

    def message(self, number):
        return next(m for t in self.api.every("/v1/threads") if t["subject"] == f"mail {number}"
                    for m in self.api.every(f"/v1/threads/{t['id']}/messages"))

    def see_keyword(self, rest):
        number, keyword = rest.split()
        keywords = self.message(number)["keywords"]
        return keyword in keywords or keywords

    def see_whole(self, rest):
        """The octets are the server's."""
        for number in numbers(rest):
            raw = self.api.call("GET", f"/v1/messages/{self.message(number)['id']}/raw").content
            there = [m.raw for b in self.server.model.boxes.values() for m in b.messages if m.number == number]
            if raw not in there:
                return hashlib.sha256(raw).hexdigest(), len(raw)
        return True

    def see_state(self, rest):
        state, _, code = rest.partition(" ")
        view = self.api.get(f"/v1/accounts/{self.id}")
        error = view["lastError"] or {}
        return (view["state"] == state and (not code or error.get("code") == code)) or (view["state"], error)

    def see_well(self, rest):
        view = self.api.get(f"/v1/accounts/{self.id}")
        return (view["state"] == "connected" and not view["lastError"]) or (view["state"], view["lastError"])

    def see_detail(self, rest):
        error = self.api.get(f"/v1/accounts/{self.id}")["lastError"] or {}
        return bool(re.search(rest, error.get("detail", ""))) or error

    def see_counts(self, rest):
        name, number = rest.split()
        counts = self.api.get(f"/v1/accounts/{self.id}")["counts"]
        return counts[name] == int(number) or counts

    def see_retry(self, rest):
        """The next try is at least so many seconds after the last one failed (less what passed since)."""
        at = self.api.get(f"/v1/accounts/{self.id}")["nextRetryAt"]
        if not at:
            return at
        seconds = time.mktime(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S")) - time.mktime(time.gmtime())
        return seconds > float(rest) - 10 or seconds

    def see_given(self, rest):
        """So often the server gave this message's body."""
        number, times = map(int, rest.split())
        given = self.server.model.given.get(number, 0)
        return given == times or given

    def see_in(self, rest):
        """The message is in exactly these folders, by the names that are shown (separated by commas)."""
        number, _, names = rest.partition(" ")
        path = {f["id"]: f["path"] for f in self.api.get(f"/v1/accounts/{self.id}/folders")["data"]}
        there = sorted(path.get(box, box) for box in self.message(number)["mailboxIds"])
        return there == sorted(names.split(",")) or there

    def see_events(self, rest):
        """So many events of this type by now."""
        name, count = rest.split()
        events = [e for e in self.api.get("/v1/events", types=name, wait=0, limit=200)["data"]]
        return len(events) == int(count) or len(events)

    def see_folder(self, rest):
        """Name as it is shown, and its role (- for none); a third word: messages stored there."""
        name, role, *stored = rest.rsplit(" ", 2) if rest.count(" ") > 1 else rest.rsplit(" ", 1)
        folders = self.api.get(f"/v1/accounts/{self.id}/folders")["data"]
        return any(f["path"] == name and (f["role"] or "-") == role and (not stored or f["stored"] == int(stored[0])) for f in folders) or folders

    def see_said(self, rest):
        return any(re.fullmatch(rest, said, re.I) for _, said in self.server.said) or "not said"

    def see_log(self, rest):
        """A line of the fetcher's log, about this account."""
        return any(re.search(rest, line) for line in self.world.logs("fetcher").splitlines() if f"/{self.id}" in line) or "not logged"

    def see_never(self, rest):
        bad = [said for _, said in self.server.said if re.fullmatch(rest, said, re.I)]
        assert not bad, f"said: {bad[:3]}"
        return True

    def see_most(self, rest):
        """most <n> <what the client said>, or connections: at most so often by now."""
        most, _, what = rest.partition(" ")
        count = self.server.connections - 1 if what == "connections" else sum(bool(re.fullmatch(what, said, re.I)) for _, said in self.server.said)
        assert count <= int(most), f"{count} times: {what}"
        return True

    def see_apart(self, rest):
        """apart <seconds> <messages> <what the client said>: so long lies between any two of these, and none asks for more messages."""
        seconds, messages, what = rest.split(" ", 2)
        found = [(t, said) for (_, said), t in zip(self.server.said, self.server.times) if re.fullmatch(what, said, re.I)]
        near = [(a, b) for a, b in zip(found, found[1:]) if b[0] - a[0] < float(seconds)]
        large = [said for _, said in found if len(in_set(said.split()[2], self.server.model.box("INBOX"))) > int(messages)]
        assert not near and not large, (near, large)
        return len(found) > 2 or found

    def see_quiet(self, rest):
        """For so many seconds nobody connects and nothing is fetched anew: for what must not be done in a loop."""
        def deeds():
            return self.server.connections, sum("BODY.PEEK" in said for _, said in self.server.said)
        before = deeds()
        time.sleep(float(rest))
        return deeds() == before or (before, deeds())


def own_certificate(folder, kind):
    """A certificate that is not to be trusted: for another name, or signed by nobody known."""
    cert, key = folder / f"{kind}.pem", folder / f"{kind}.key"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-keyout", key, "-out", cert, "-subj", f"/CN={kind}.example"], check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="module")
def plays(request):
    """Every dialogue that was asked for is played, all at once; a test looks at how its own ended."""
    asked = {item.callspec.params["name"] for item in request.session.items if item.fspath == request.fspath and hasattr(item, "callspec")}
    world = rig.World(messages=0, accounts=1, seed=1, deals=0, settings=(
        "fetcher:poll_ms=2s", "fetcher:silence_ms=8s", "fetcher:max_message_bytes=65536", "fetcher:renumber_ms=1m", "fetcher:park_ms=1m", f"gateway:slow_threads={len(DIALOGUES)}"))
    played, keys = [], world.server.dir / "tls"
    try:
        (world.dir / "smtp").mkdir()
        smtp = ScriptedSmtp(world.dir / "smtp")
        smtp.context, smtp.password = tls(keys / "cert.pem", keys / "key.pem"), rig.PASSWORD
        for number, dialogue in enumerate(d for d in DIALOGUES.values() if d.name in asked):
            play = Play(world, smtp, dialogue, number)
            world.company.call("PUT", f"/v1/users/{play.id}", json={"name": play.id, "loginEmail": play.email, "emails": [play.email],
                                                                   "role": "regular", "groups": []})
            played.append(play)
        with concurrent.futures.ThreadPoolExecutor(len(played)) as pool:
            futures = {play.dialogue.name: pool.submit(play.run) for play in played}
            concurrent.futures.wait(futures.values())
        yield futures
    finally:
        for play in played:
            play.server.close()
        if played:
            smtp.close()
        world.close()


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue(plays, name):
    """Proves the fault of the dialogue's name (its first line says it)."""
    plays[name].result()


def test_f18_counted_across_a_restart(tmp_path):
    """Proves F18: how often the connection broke off in a message is known to the next fetcher: its count does not begin anew."""
    text = (DIALOGUES["F018-always-short"].path).read_text(encoding="utf-8")
    (tmp_path / "F018-restart.txt").write_text(text, encoding="utf-8")
    world = rig.World(messages=0, accounts=1, seed=1, deals=0, settings=("fetcher:poll_ms=2s", "fetcher:silence_ms=8s"))
    try:
        keys = world.server.dir / "tls"
        (world.dir / "smtp").mkdir()
        smtp = ScriptedSmtp(world.dir / "smtp")
        smtp.context, smtp.password = tls(keys / "cert.pem", keys / "key.pem"), rig.PASSWORD
        play = Play(world, smtp, Dialogue(tmp_path / "F018-restart.txt"), 0)
        world.company.call("PUT", f"/v1/users/{play.id}", json={"name": play.id, "loginEmail": play.email, "emails": [play.email], "role": "regular", "groups": []})
        play.begin()
        key = f"{{a:{rig.COMPANY}/{play.id}}}:sus"
        rig.wait(lambda: any(b"\x93\x02" in v for v in world.redis().hvals(key)), 60, "it broke off twice")
        world.kill("fetcher-1")
        play.expect("mail 1,2,4,5")
        play.expect("counts setAside 1")
        play.expect("most 5 UID FETCH (1:5|3) .*BODY.PEEK.*")  # four, and one that the kill may have kept from being counted
        assert not world.redis().exists(key)
    finally:
        play.server.close()
        smtp.close()
        world.close()
