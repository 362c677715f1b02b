"""Proves SHR-01, SHR-04 and SHR-06 as one sentence: whether a user has private mail or not is the same to everybody else. The same seeded
company lives twice, once without what one of its users has and does in private; colleagues, a member of a team with that user, the admin, the
company's token and another company ask the same questions, and get the same bytes: lists and their pages, counts, single threads and
messages (asked for by their true ids both times), the reasons of links, changes that are refused, events, accounts, pipeline.

Put aside are clock values (`at`, `time`, `createdAt`, `startedAt`), and what is made so that nothing can be read from it, two names of
sealed things: cursors have a fresh nonce each time (that there is one is compared), ids of events are numbered as they come (that the
same event has the same id is compared). MAILWEAVE_SEEDS: how many companies; 20 unless given."""
import http.client
import json
import os
import random
import re
import threading
import time

import pytest

from gateway_world import COMPANY, NOW, Mailbox, id_of, public, wait

SEEDS = int(os.environ.get("MAILWEAVE_SEEDS", "20"))
CLOCK = re.compile(r'"(at|time|createdAt|startedAt)":"[^"]*"')
SEALED = re.compile(r'"(nextCursor|nextAfter)":"[^"]*"')
EVENT_ID = re.compile(r'"specversion":"1.0","id":"([^"]*)"')
KINDS = {"d": "deal", "l": "lead"}


class Viewer:
    """Asks over one connection, and notes what was answered."""

    def __init__(self, box, token, user=None):
        host, _, port = box.base.rpartition("/")[2].partition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **({"Acting-User": user} if user else {})}

    def ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        headers = sorted((k, v) for k, v in answer.getheaders() if k not in ("Date", "Content-Length"))
        return answer.status, str(headers), answer.read().decode()

    def ok(self, method, path, body=None):
        status, _, text = self.ask(method, path, body)
        assert status < 300, (method, path, status, text)
        return json.loads(text) if text else None


class Plan:
    """A company and what happens in it, the same both times; steps that are u0's own affair are marked."""

    def __init__(self, seed):
        rng = self.rng = random.Random(seed)
        self.once_shared = seed % 2 == 1  # some of it came shared: that it no longer is, the company is told
        self.users = {"u0": ["g1"], "u1": ["g2"], "u2": rng.sample(["g1", "g2"], 1), "boss": []}
        self.objects = {f"{letter}{k}": self.visibility() for letter, count in (("c", 4), ("d", 3), ("l", 2)) for k in range(count)}
        self.accounts = {"a0": ("u0", []), "a1": ("u1", []), "a2": ("u2", []), "team": ("u0", ["u1"])}
        self.names, self.steps = {}, []
        for k in range(16):
            self.mail(rng.choice(list(self.accounts)), f"m{k}", rng.choice("sssp"), False)
        for k in range(12):
            self.mail("a0", f"x{k}", rng.choice("ppps") if self.once_shared else "p", True)
        for k in range(rng.randrange(10)):
            self.act(f"m{rng.randrange(16)}", False)
        for k in range(14):
            self.act(f"x{rng.randrange(12)}", True)
        if self.once_shared:
            self.steps += [(True, "act", name, "PATCH", "", {"sharing": "private"}) for name in self.names if name[0] == "x"]

    def visibility(self):
        return self.rng.choice(["company", "company", {"users": self.rng.sample(["u1", "u2", "boss"], 1), "groups": self.rng.sample(["g1", "g2"], 1)}])

    def mail(self, account, name, sharing, own):
        rng = self.rng
        before = [n for n, a in self.names.items() if a == account and (n[0] == "x") == own]
        link = rng.choice([None, "d0", "d1", "d2", "l0", "l1"])
        given = {"people": rng.sample([f"c{k}" for k in range(4)], rng.randrange(3)), "received": NOW + rng.randrange(12), "sharing": sharing,
                 **({"kind": link[0], "item": link} if link else {}), **({"bits": 1, "thread_bits": 2} if rng.random() < 0.2 else {})}
        self.names[name] = account
        refs = rng.sample(before, min(len(before), rng.choice([0, 0, 1, 2])))
        at = len(self.steps) if before else rng.randrange(len(self.steps) + 1)
        self.steps.insert(at, (own, "mail", name, refs, given))

    def act(self, name, own):
        share = [("PATCH", "", {"sharing": "shared"})] if self.once_shared or not own else []
        self.steps.append((own, "act", name, *self.rng.choice(share + [
            ("PATCH", "", {"archived": True}), ("PATCH", "", {"read": True}), ("PATCH", "", {"sharing": "private"}),
            ("PUT", "/link", {"kind": "deal", "id": "d0"}), ("DELETE", "/link", None),
            ("PUT", "/person", {"id": "c0"}), ("DELETE", "", None)])))

    def thread(self, name):
        return public(self.names[name], id_of(self.names[name] + name))


def set_up(box, plan, company):
    for name, groups in plan.users.items():
        company.ok("PUT", f"/v1/users/{name}", {"name": name, "loginEmail": f"{name}@us.example", "role": "admin" if name == "boss" else "regular",
                                                "groups": groups})
    for key, visible in plan.objects.items():
        if key[0] == "c":
            company.ok("PUT", f"/v1/people/{key}", {"name": key, "emails": [f"{key}@client.example"], "visibleTo": visible, "ownerId": "u0"})
        else:
            company.ok("PUT", f"/v1/{KINDS[key[0]]}s/{key}", {"title": key, "visibleTo": visible, "ownerId": "u0"})
    for name, (user, members) in plan.accounts.items():
        box.account(name, user, members)


def apply(box, account):
    """What the linker does when it is rung for an account, here and now."""
    tag, number = box.tag(account), box.numbers[account]
    while True:
        last, applied = int(box.r.hget(tag + ":n", "j") or 0), int(box.r.hget("{c:%s}:applied" % COMPANY, account) or 0)
        if applied >= last:
            return
        entries = [fields[b"e"] for _, fields in box.r.xrange(tag + ":j", f"{applied + 1}-0", "+", count=64)]
        box.r.execute_command("FCALL", "linker_1_apply", 1, "{c:%s}" % COMPANY, account, number, applied + 1, 0, *entries)


def live(box, plan, own):
    """The company's life, with or without what is u0's own."""
    actors = {name: Viewer(box, box.token, name) for name in plan.users}
    for private, what, name, *more in plan.steps:
        account = plan.names[name]
        if private and not own:
            continue
        if what == "mail":
            box.commit(account, (name, more[0], more[1]))
        else:
            method, tail, body = more
            actors[plan.accounts[account][0]].ask(method, f"/v1/threads/{plan.thread(name)}{tail}", body)
        apply(box, account)


def pages(viewer, path, note):
    joint = "&" if "?" in path else "?"
    cursor, member = "", "nextAfter" if "/events" in path else "nextCursor"
    for _ in range(200):
        answer = viewer.ask("GET", path + (f"{joint}{'after' if member == 'nextAfter' else 'cursor'}={cursor}" if cursor else ""))
        note(path, answer)
        page = json.loads(answer[2])
        cursor = page.get(member)
        if not cursor or (member == "nextAfter" and not page["data"]):
            return
    raise AssertionError("pages without end")


def questions(plan, viewer, note, stranger):
    if not stranger:
        lists(plan, viewer, note)
    for path in ("/v1/events?wait=0", "/v1/accounts", "/v1/accounts/a0", "/v1/accounts/a0/history", "/v1/accounts/a0/backfill",
                 "/v1/accounts/a0/folders", "/v1/outbox", "/v1/set-aside", "/v1/pipeline", "/v1/suppressions", "/v1/settings", "/v1/webhooks"):
        note(path, viewer.ask("GET", path))
    for name in plan.names:
        thread = plan.thread(name)
        if name[0] == "x":
            for path in (f"/v1/threads/{thread}", f"/v1/messages/{thread}", f"/v1/threads/{thread}/why"):
                note(path, viewer.ask("GET", path))
            note("patch " + thread, viewer.ask("PATCH", f"/v1/threads/{thread}", {"read": True}))
        else:
            note(thread, viewer.ask("GET", f"/v1/threads/{thread}"))
    ids = [plan.thread(name) for name in plan.names if name[0] == "x"]
    note("bulk", viewer.ask("POST", "/v1/threads/bulk", {"ids": ids, "op": "share"}))


def lists(plan, viewer, note):
    for folder in ("", "&folder=inbox", "&folder=sent", "&folder=archive", "&unread=true"):
        pages(viewer, f"/v1/threads?limit=2{folder}", note)
    for key in plan.objects:
        path = "people" if key[0] == "c" else KINDS[key[0]] + "s"
        pages(viewer, f"/v1/{path}/{key}/threads?limit=2", note)
    for query in ("limit=7", "limit=50&types=message.created,thread.linked"):
        pages(viewer, f"/v1/events?wait=0&{query}", note)


def transcript(box, plan, own, others):
    box.wipe()
    set_up(box, plan, Viewer(box, box.token))
    live(box, plan, own)
    ids, lines = {}, []

    def rename(match):
        return f'"specversion":"1.0","id":"{ids.setdefault(match[1], len(ids))}"'

    viewers = {n: Viewer(box, box.token, n) for n in plan.users if n != "u0"}
    if not plan.once_shared:
        viewers["company"] = Viewer(box, box.token)
    for name, viewer in {**viewers, **others}.items():
        def note(what, answer, name=name):
            text = CLOCK.sub(r'"\1":"T"', SEALED.sub(r'"\1":"sealed"', answer[2]))
            lines.append((name, what, answer[0], answer[1], EVENT_ID.sub(rename, text)))
        questions(plan, viewer, note, name in others)
    return lines


@pytest.fixture(scope="module")
def box():
    made = Mailbox()
    made.root.ok("PUT", "/v1/companies/c2", json={"name": "C2"})
    token = made.root.ok("POST", "/v1/tokens", json={"kind": "company", "companyId": "c2"})["token"]
    Viewer(made, token).ok("PUT", "/v1/users/u0", {"name": "u0", "loginEmail": "u0@else.example"})
    made.others = {"another company": Viewer(made, token), "another company's user": Viewer(made, token, "u0")}
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_shr_01_private_mail_is_nothing_to_others(box, seed):
    plan = Plan(seed)
    without = transcript(box, plan, False, box.others)
    # The oracle has eyes: their owner sees what nobody else does.
    status, _, text = Viewer(box, box.token, "u0").ask("GET", "/v1/threads?limit=200")
    assert status == 200 and '"s a0x' not in text
    together = transcript(box, plan, True, box.others)
    assert '"s a0x' in Viewer(box, box.token, "u0").ask("GET", "/v1/threads?limit=200")[2]
    for one, other in zip(without, together):
        assert one == other
    assert len(without) == len(together)


def test_shr_06_a_waiting_reader_is_not_woken(box):
    """A long poll of somebody else stands through private mail, and ends with what comes for them."""
    plan = Plan(0)
    box.wipe()
    set_up(box, plan, Viewer(box, box.token))
    answers = {}

    def poll(name, viewer, path):
        begun = time.monotonic()
        answers[name] = (viewer.ask("GET", path), time.monotonic() - begun)

    def mail(name, sharing):
        box.commit("a0", (name, [], {"people": ["c0"], "sharing": sharing, "received": NOW}))
        box.settle()

    viewers = {"u2": Viewer(box, box.token, "u2"), "company": Viewer(box, box.token)}
    box.company.ok("PUT", "/v1/people/c0", json={"name": "c0", "emails": ["c0@client.example"]})
    threads = [threading.Thread(target=poll, args=(name, viewer, "/v1/events?wait=2")) for name, viewer in viewers.items()]
    for thread in threads:
        thread.start()
    for k in range(8):
        mail(f"x{k}", "p")
    for thread in threads:
        thread.join()
    for name, ((status, _, text), seconds) in answers.items():
        assert status == 200 and json.loads(text)["data"] == [] and seconds >= 2, (name, seconds, text)
    threads = [threading.Thread(target=poll, args=(name, viewer, "/v1/events?wait=25")) for name, viewer in viewers.items()]
    for thread in threads:
        thread.start()
    mail("x8", "p")
    mail("m", "s")
    for thread in threads:
        thread.join()
    for name, ((status, _, text), _) in answers.items():
        told = {e["data"]["threadId"] for e in json.loads(text)["data"]}
        assert told == {public("a0", id_of("a0m"))}, (name, text)


__all__ = ["wait"]
