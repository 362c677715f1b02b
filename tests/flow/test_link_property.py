"""Proves LNK-01 to LNK-06, LNK-10, THR-01, THR-03, THR-04, SHR-02, SHR-03, BLK-02 and SYN-08 as they meet: in random companies people, items
and settings are pushed, mail comes and goes, users link, unlink, move, share, make private, archive and delete, conversations merge, while
threaders, linkers and the gateway are killed in any order; then every thread's link, person, people, sharing and reason, and what a colleague
sees of it, equal those of an oracle written from the rules alone. tests/flow/feed.c stands for the stages before the threader.
MAILWEAVE_COMPANIES: how many; 120 unless given."""
import http.client
import json
import os
import random
import signal
import struct
import subprocess
import time
from collections import Counter

import msgpack
import pytest

from gateway_world import BUILD, NOW, SLOW, Mailbox, id_of, public, wait

COMPANIES = int(os.environ.get("MAILWEAVE_COMPANIES", "120"))
SEED = int(os.environ.get("MAILWEAVE_SEED", "1"))
ROUNDS = 10
KINDS = {"d": "deal", "l": "lead", "p": "project"}
DAY = 86_400_000


def when(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1000))


CASES = ("merged", "manual over automatic", "manual over manual", "private over shared", "deleted, then more", "screened", "linked",
         "manual_mode", "manual_unlink", "no_person", "no_open_item", "multiple_open_items", "kind_not_automatic", "predates_item")
met_cases = Counter()  # the test is worth something only if all of these happened


# ---- the oracle, from the words of the rules ----

class Thread:
    def __init__(self, message, order, sharing):
        self.founder, self.order, self.sharing = message, order, sharing
        self.link = None  # (kind, id, by); kind "" when unlinked by hand
        self.person = None  # ({ids, any of which it may be}, by); no ids when taken off by hand
        self.people, self.count, self.skipped = set(), 0, None

    def absorb(self, other):
        """THR-04."""
        for name in ("link", "person"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine and theirs and theirs[-1] == "manual" and name == "link":
                met_cases["manual over automatic" if mine[-1] == "auto" else "manual over manual"] += 1
            if theirs and (not mine or theirs[-1] == "manual" and mine[-1] == "auto"):
                setattr(self, name, theirs)
        met_cases["merged"] += 1
        if other.sharing == "private":
            met_cases["private over shared"] += self.sharing == "shared"
            self.sharing = "private"
        self.people |= other.people
        self.count += other.count
        self.skipped = "?"  # of a merged thread whichever stays is as good


class Box:
    """One account: its conversations by the ids they name, each with the thread that is there of it, if any."""

    def __init__(self, sharing):
        self.sharing, self.parts, self.commits = sharing, [], 0  # parts: [{ids}, Thread or None]

    def threads(self):
        return [thread for _, thread in self.parts if thread]

    def delete(self, thread):
        for part in self.parts:
            if part[1] is thread:
                part[1] = None


class Company:
    """What the CRM pushed, and the rules."""

    def __init__(self):
        self.settings = {"linkItems": "automatic", "autoLinkKinds": ["deal", "lead"], "defaultSharing": "shared", "blocked": []}
        self.people, self.items, self.users, self.preference = {}, {}, {}, {}
        self.boxes = {}

    def default_sharing(self, account, user):
        return self.boxes[account].sharing or self.preference.get(user) or self.settings["defaultSharing"]

    def blocked(self, address):
        return any(address == b or b[0] == "@" and address.partition("@")[2] == b[1:] for b in self.settings["blocked"])

    def screened(self, own, mail):
        others = [a for a in mail["to"] + mail["cc"] if a != own]
        return mail["from"] != own and self.blocked(mail["from"]) and all(self.blocked(a) for a in others)

    def matched(self, own, addresses):
        """LNK-01: in order, who has one of the addresses; each address's people by themselves."""
        counted = [a for a in addresses if a != own and a not in self.users.values()]
        return [{p for p, emails in self.people.items() if a in emails} for a in counted]

    def decide(self, people, at):
        """LNK-02, LNK-03, LNK-04: an item, or the reason."""
        items = [(kind, i) for (kind, i), item in self.items.items() if item["status"] == "open" and people & set(item["personIds"])]
        if self.settings["linkItems"] == "manual":
            return None, "manual_mode"
        if not people:
            return None, "no_person"
        if not items:
            return None, "no_open_item"
        if len(items) > 1:
            return None, "multiple_open_items"
        if KINDS[items[0][0]] not in self.settings["autoLinkKinds"]:
            return None, "kind_not_automatic"
        if at < self.items[items[0]]["created"]:
            return None, "predates_item"
        return items[0], None

    def commit(self, account, user, own, mail):
        box = self.boxes[account]
        if self.screened(own, mail):
            met_cases["screened"] += 1
            return
        ids = {mail["name"], *mail["refs"]}
        met = [part for part in box.parts if part[0] & ids]
        alive = sorted((part[1] for part in met if part[1]), key=lambda t: t.order)
        met_cases["deleted, then more"] += bool(met) and not alive
        box.commits += 1
        thread = alive[0] if alive else Thread(mail["name"], box.commits, self.default_sharing(account, user))
        for other in alive[1:]:
            thread.absorb(other)
        box.parts = [part for part in box.parts if part not in met] + [[ids.union(*(part[0] for part in met)), thread]]
        outgoing = mail["from"] == own
        matched = self.matched(own, [mail["from"], *mail["to"], *mail["cc"]])
        people = set().union(*matched)
        record = next((m for m in self.matched(own, mail["to"] if outgoing else [mail["from"]]) if m), None)
        thread.people |= people
        thread.count += 1
        if record and not thread.person:
            thread.person = record, "auto"
        item, reason = self.decide(people, mail["sent"] if outgoing else mail["received"])
        if thread.link and thread.link[0]:
            thread.skipped = None
        elif thread.link:
            thread.skipped = "manual_unlink"
        elif item:
            thread.link, thread.skipped = (*item, "auto"), None
        else:
            thread.skipped = reason
        met_cases[thread.skipped or "linked"] += 1

    def object_seen(self, user, key):
        visible = (self.people_visible if key[0] == "c" else {k: v["visible"] for k, v in self.items.items()}).get(key[1] if key[0] == "c" else key)
        return visible == "company" or visible is not None and user in visible["users"]


# ---- a company of the world, and its random life ----

class Caller:
    def __init__(self, world):
        self.world, self.connection, self.base = world, None, None

    def __call__(self, token, user, method, path, body=None, raw=None, expect=(200, 201, 204)):
        if self.base != self.world.base:
            self.base = self.world.base
            host, _, port = self.base.rpartition("/")[2].partition(":")
            self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson" if raw else "application/json",
                   **({"Acting-User": user} if user else {})}
        self.connection.request(method, path, raw or (json.dumps(body) if body is not None else None), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status in expect, (method, path, body, answer.status, text[:500])
        return json.loads(text) if text else None


class Life:
    def __init__(self, world, number):
        self.world, self.name, self.rng = world, f"p{number}", random.Random(SEED * 1_000_003 + number)
        self.company, self.made, self.closed = Company(), 0, set()
        self.accounts = {"a0": ("u0", "u0@us.example"), "a1": ("u1", "u1@us.example")}
        self._begin()

    def api(self, user, method, path, body=None, **more):
        return self.world.caller(self.token, user, method, path, body, **more)

    def tag(self, account):
        return "{a:%s/%s}" % (self.name, account)

    def _begin(self):
        world, rng, c = self.world, self.rng, self.company
        root = world.root.headers["Authorization"].partition(" ")[2]
        world.caller(root, None, "PUT", f"/v1/companies/{self.name}", {"name": self.name})
        self.token = world.caller(root, None, "POST", "/v1/tokens", {"kind": "company", "companyId": self.name})["token"]
        c.users = {f"u{k}": f"u{k}@us.example" for k in range(3)}
        lines = [{"kind": "user", "id": u, "name": u, "loginEmail": email, "emails": [], "role": "regular"} for u, email in c.users.items()]
        c.people_visible = {}
        for k in range(4):
            lines.append({"kind": "person", **self.person(f"c{k}")})
        for k in range(3):
            kind, item = self.item(f"i{k}")
            lines.append({"kind": KINDS[kind], **item})
        answer = self.api(None, "POST", "/v1/import", raw="\n".join(map(json.dumps, lines)).encode())
        assert not answer.get("refused"), answer
        pipe = world.r.pipeline(transaction=False)
        for number, (account, (user, email)) in enumerate(self.accounts.items(), 1):
            sharing = rng.choice(["", "", "shared", "private"])
            c.boxes[account] = Box(sharing)
            pipe.hset(self.tag(account) + ":acct", mapping={"gen": 1, "user": user, "number": number, "sharing": sharing, "company": self.name,
                                                            "account": account, "config": "{}", "revision": 1, "email": email})
            pipe.hset("{g}:accounts", f"{self.name}/{account}", 1)
            pipe.hset("{c:%s}:acct" % self.name, account, msgpack.packb([number, user, email, [], 0], use_bin_type=False))
        pipe.execute()

    def visible(self):
        return self.rng.choice(["company", {"users": ["u2"], "groups": []}, {"users": [], "groups": []}])

    def address(self):
        return f"x{self.rng.randrange(4)}@{self.rng.choice(['client', 'other'])}.example"

    def person(self, name):
        emails, visible = sorted({self.address() for _ in range(self.rng.randrange(1, 3))}), self.visible()
        self.company.people[name], self.company.people_visible[name] = set(emails), visible
        return {"id": name, "name": name, "emails": emails, "visibleTo": visible, "ownerId": "u0"}

    def item(self, name):
        rng, people = self.rng, sorted(self.company.people)
        known = [kind for kind, i in self.company.items if i == name]
        kind = known[0] if known else rng.choice("dddlp")
        created, visible, status = NOW + rng.choice([-DAY, -DAY, 5000]), self.visible(), rng.choice(["open", "open", "open", "won"])
        status = "closed" if status == "won" and kind != "d" else status
        of = rng.sample(people, rng.randrange(min(3, len(people) + 1)))
        self.company.items[kind, name] = {"status": status, "personIds": of, "created": created, "visible": visible}
        return kind, {"id": name, "title": name, "status": status, "personIds": of, "createdAt": when(created), "visibleTo": visible, "ownerId": "u0"}

    def push(self):
        rng, c = self.rng, self.company
        what = rng.randrange(6)
        if what <= 1:
            name = f"c{rng.randrange(5)}"
            self.api(None, "PUT", f"/v1/people/{name}", self.person(name))
        elif what <= 3:
            kind, item = self.item(f"i{rng.randrange(4)}")
            self.api(None, "PUT", f"/v1/{KINDS[kind]}s/{item['id']}", item)
        elif what == 4:
            change = rng.choice([{"linkItems": rng.choice(["automatic", "automatic", "manual"])}, {"defaultSharing": rng.choice(["shared", "private"])},
                                 {"autoLinkKinds": rng.choice([["deal"], ["deal", "lead"], ["deal", "lead", "project"], []])},
                                 {"blocked": rng.choice([[], ["@other.example"], ["x1@client.example", "x2@client.example"]])}])
            c.settings.update(change)
            self.api(None, "PATCH", "/v1/settings", change)
        else:
            user, sharing = rng.choice(["u0", "u1"]), rng.choice(["shared", "private"])
            c.preference[user] = sharing
            self.api(user, "PATCH", f"/v1/users/{user}/preferences", {"defaultSharing": sharing})

    def act(self):
        """A user on one of their threads."""
        rng, c = self.rng, self.company
        account = rng.choice(list(self.accounts))
        user, box = self.accounts[account][0], c.boxes[account]
        if not box.threads():
            return
        thread = rng.choice(box.threads())
        path, what = f"/v1/threads/{self.public(account, thread)}", rng.choice([0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8])
        if what <= 1:
            thread.sharing = rng.choice(["shared", "private"])
            self.api(user, "PATCH", path, {"sharing": thread.sharing})
        elif what <= 3:
            kind, name = rng.choice(sorted(c.items))
            if c.object_seen(user, (kind, name)) or user == "u0":
                thread.link, thread.skipped = (kind, name, "manual"), None
                self.api(user, "PUT", path + "/link", {"kind": KINDS[kind], "id": name})
        elif what == 4:
            thread.link, thread.skipped = ("", "", "manual"), "manual_unlink"
            self.api(user, "DELETE", path + "/link")
        elif what == 5:
            name = rng.choice(sorted(c.people))
            if c.object_seen(user, ("c", name)) or user == "u0":
                thread.person = {name}, "manual"
                self.api(user, "PUT", path + "/person", {"id": name})
        elif what == 6:
            thread.person = set(), "manual"
            self.api(user, "DELETE", path + "/person")
        elif what == 7:
            self.api(user, "PATCH", path, {"archived": rng.random() < 0.5, "read": rng.random() < 0.5})
        elif rng.random() < 0.5:
            box.delete(thread)
            self.api(user, "DELETE", path)

    def public(self, account, thread):
        return public(account, self.id(account, thread.founder))

    def id(self, account, message):
        """Of its own in the whole world: feed knows messages by it alone."""
        return id_of(self.name + account + message)

    def mail(self, account):
        """A frame of facts for the threader; the oracle has committed it."""
        rng, c = self.rng, self.company
        user, own = self.accounts[account]
        box, name = c.boxes[account], f"m{self.made}"
        self.made += 1
        parts = rng.sample(box.parts, min(len(box.parts), rng.choice([0, 0, 0, 1, 1, 2])))
        refs = [rng.choice(sorted(ids)) for ids, _ in parts]
        if rng.random() < 0.1:
            refs.append(f"ghost{rng.randrange(6)}")
        outside = [self.address() for _ in range(rng.randrange(1, 3))]
        inside = rng.choice([[], [], ["u2@us.example"]])
        outgoing = rng.random() < 0.3
        mail = {"name": name, "refs": refs, "from": own if outgoing else outside[0], "to": outside if outgoing else [own],
                "cc": inside + (outside[1:] if not outgoing else []), "received": NOW + rng.choice([0, 9000]), "sent": NOW + rng.choice([0, 9000])}
        c.commit(account, user, own, mail)

        def list_of(emails):
            return [["", email] for email in emails]
        values = {1: self.name, 2: account, 3: 1, 4: self.id(account, name), 5: 0, 8: "feed-1", 9: user, 10: [own], 11: mail["received"], 12: 1000,
                  13: b"blob", 14: 2, 30: [name + "@x"], 32: [ref + "@x" for ref in refs], 33: list_of([mail["from"]]), 35: list_of(mail["to"]),
                  36: list_of(mail["cc"]), 40: mail["sent"], 41: b"\0" * 32, 42: b"\x80"}
        data = msgpack.packb([1, 2, values])
        return self.id(account, name), struct.pack("=BI", rng.randrange(2), len(data)) + data

    # What came out

    def every(self, user, path):
        out, cursor = [], ""
        while True:
            page = self.api(user, "GET", f"{path}?limit=200" + (f"&cursor={cursor}" if cursor else ""))
            out, cursor = out + page["data"], page["nextCursor"]
            if not cursor:
                return {t["id"]: t for t in out}

    def compare(self):
        c = self.company
        for account, (user, _) in self.accounts.items():
            shown = self.every(user, "/v1/threads")
            wanted = {self.public(account, thread): thread for thread in c.boxes[account].threads()}
            assert set(shown) == set(wanted), (self.name, account)
            for key, thread in wanted.items():
                self.compare_thread(shown[key], thread)
        for key in [("c", p) for p in c.people] + list(c.items):
            self.compare_view(key)

    def compare_thread(self, shown, thread):
        where = (self.name, shown, vars(thread))
        link = shown["link"] and (shown["link"]["kind"][0], shown["link"]["id"], shown["link"]["by"])
        assert link == (thread.link if thread.link and thread.link[0] else None), where
        assert (shown["sharing"], shown["messageCount"]) == (thread.sharing, thread.count), where
        assert thread.skipped == "?" or thread.link and not thread.link[0] or shown["linkSkipped"] == thread.skipped, where
        people, by = thread.person or (set(), "auto")
        assert (shown["person"] is None) == (not people), where
        assert not people or shown["person"]["id"] in people and shown["person"]["by"] == by, where
        assert set(shown["people"]) == thread.people, where

    def compare_view(self, key):
        """SHR-02, for a colleague without a mailbox."""
        c = self.company
        path = f"/v1/people/{key[1]}/threads" if key[0] == "c" else f"/v1/{KINDS[key[0]]}s/{key[1]}/threads"
        if not c.object_seen("u2", key):
            self.api("u2", "GET", path, expect=(404,))
            return
        shown, wanted = set(self.every("u2", path)), set()
        for account, box in c.boxes.items():
            for thread in box.threads():
                people = thread.people | (thread.person[0] if thread.person else set())  # one of several is among the matched
                tied = key[1] in people if key[0] == "c" else thread.link and thread.link[:2] == key
                if tied and thread.sharing == "shared":
                    wanted.add(self.public(account, thread))
        assert shown == wanted, (self.name, key)


class World(Mailbox):
    """With a threader, and what stands for the stages before it."""

    def _start(self):
        super()._start()
        self.caller = Caller(self)
        (self.dir / "facts").write_bytes(b"")
        self.start_stage("threader", "threader-1")
        self._spawn("feed-1", [BUILD / "tests/flow/feed", "--name", "feed-1", "--file", self.dir / "facts", *self.common])
        subprocess.run([BUILD / "threader/threader", "--load-functions", *self.common], check=True, capture_output=True)

    def start_stage(self, stage, name):
        self._spawn(name, [BUILD / stage / stage, "--name", name, "--sweep_ms", "1s", *self.common])

    def kill(self, stage):
        name = stage + "-1"
        if stage == "gateway":
            self.restart_gateway()
            return
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        self.start_stage(stage, name)

    def give(self, mails):
        """[(tag, id, frame)] into the ledgers and to the threader."""
        pipe = self.r.pipeline(transaction=False)
        for tag, message, _ in mails:
            pipe.hset(tag + ":l", message, "entry")
        pipe.execute()
        with open(self.dir / "facts", "ab") as out:
            out.write(b"".join(frame for _, _, frame in mails))

    def committed(self, tags):
        pipe = self.r.pipeline(transaction=False)
        for tag in tags:
            pipe.exists(tag + ":l")
        return not any(pipe.execute())

    def applied(self, lives):
        pipe = self.r.pipeline(transaction=False)
        for life in lives:
            for account in life.accounts:
                pipe.hget(life.tag(account) + ":n", "j")
                pipe.hget("{c:%s}:applied" % life.name, account)
        found = pipe.execute()
        return all(int(a or 0) == int(b or 0) for a, b in zip(found[::2], found[1::2]))


@pytest.fixture
def stages():
    if not (BUILD / "tests/flow/feed").exists():
        pytest.skip("tests/flow/feed is not built: make tests-built")
    made = World()
    yield made
    made.close()


def test_shr_07_links_and_sharing_are_as_the_rules_say(stages):
    world, rng = stages, random.Random(SEED)
    lives = [Life(world, number) for number in range(COMPANIES)]
    for number in range(ROUNDS):
        mails = []
        for life in lives:
            for _ in range(life.rng.randrange(5)):
                life.push() if life.rng.random() < 0.3 else life.act()
            for account in life.accounts:
                if life.rng.random() < 0.8:
                    mails.append((life.tag(account), *life.mail(account)))
        world.give(mails)
        for stage in rng.sample(["threader", "linker", "gateway"], number % 3):
            world.kill(stage)
        tags = sorted({tag for tag, _, _ in mails})
        wait(lambda: world.committed(tags), 60 + COMPANIES / 20, "every message committed\n" + world.log("linker-1") + world.log("threader-1"))
    wait(lambda: world.applied(lives), 60 + COMPANIES / 20, "every journal applied\n" + world.log("linker-1"))
    for life in lives:
        life.compare()
    assert COMPANIES < 100 or all(met_cases[case] for case in CASES), met_cases


__all__ = ["SLOW"]
