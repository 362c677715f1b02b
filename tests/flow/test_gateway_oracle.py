"""Proves SHR-07: in random companies every user gets from the API exactly what SHR-01 and SHR-02 let them see, in the mailbox, by id, in
the detail views and by events; compared with an oracle of its own."""
import random

import pytest

from gateway_world import NOW, Mailbox


@pytest.fixture(scope="module")
def shared_box():
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def box(shared_box):
    shared_box.wipe()
    return shared_box


class Oracle:
    """Who may see what, by the words of SHR-01 and SHR-02 alone."""

    def __init__(self):
        self.accounts, self.objects, self.threads, self.groups = {}, {}, {}, {}

    def object_seen(self, user, key):
        if key not in self.objects:
            return False
        visible, owner = self.objects[key]
        return visible == "company" or owner == user or user in visible["users"] or bool(set(visible["groups"]) & self.groups[user])

    def seen(self, user, thread):
        t = self.threads[thread]
        owner, members = self.accounts[t["account"]]
        if user == owner or user in members:
            return True
        ties = ([t["link"]] if t["link"] else []) + [("c", p) for p in t["people"]]
        return t["sharing"] == "shared" and any(self.object_seen(user, key) for key in ties)

    def view(self, user, key):
        if not self.object_seen(user, key):
            return None
        return {i for i, t in self.threads.items() if self.seen(user, i) and (t["link"] == key or (key[0] == "c" and key[1] in t["people"]))}


KINDS = {"d": "deal", "l": "lead", "c": "people"}


@pytest.mark.parametrize("seed", range(3))
def test_shr_07_every_user_sees_what_the_rules_say(box, seed):
    """Random companies: mailboxes, groups, visibility, links, sharing changed by hand; each user's answers against an oracle."""
    rng = random.Random(seed)
    oracle, users = Oracle(), [f"u{k}" for k in range(5)]
    api = {}
    for name in users:
        oracle.groups[name] = {g for g in ("g1", "g2") if rng.random() < 0.4}
        api[name] = box.user(name, role=rng.choice(["admin", "regular"]), groups=oracle.groups[name])

    def visibility():
        return rng.choice(["company", {"users": rng.sample(users, rng.randrange(3)), "groups": rng.sample(["g1", "g2"], rng.randrange(2))}])

    for letter, count in (("d", 4), ("l", 3), ("c", 5)):
        for k in range(count):
            visible, owner = visibility(), rng.choice(users + [None])
            oracle.objects[letter, f"{letter}{k}"] = visible, owner
            if letter == "c":
                box.person(f"c{k}", visible, owner)
            else:
                box.item(KINDS[letter], f"{letter}{k}", visible, owner)
    for name, owner, members in (("a0", "u0", []), ("a1", "u1", ["u2"]), ("a2", "u2", [])):
        box.account(name, owner, members)
        oracle.accounts[name] = owner, members
        for k in range(15):
            people = rng.sample([f"c{i}" for i in range(5)] + ["ghost"], rng.randrange(3))
            link = rng.choice([None, None] + [key for key in oracle.objects if key[0] != "c"])
            sharing = rng.choice(["shared", "shared", "private"])
            thread = box.mail(name, f"m{k}", people=people, received=NOW + rng.randrange(20), sharing=sharing[0],
                              **({"kind": link[0], "item": link[1]} if link else {}))
            oracle.threads[thread] = {"account": name, "people": people, "link": link, "sharing": sharing}
    box.settle()

    def compare():
        for user in users:
            own = {i for i, t in oracle.threads.items() if user == oracle.accounts[t["account"]][0] or user in oracle.accounts[t["account"]][1]}
            assert set(api[user].ids("/v1/threads")) == own
            for thread in oracle.threads:
                wanted = 200 if oracle.seen(user, thread) else 404
                assert api[user].call("GET", f"/v1/threads/{thread}").status_code == wanted, (user, thread, oracle.threads[thread])
            for letter, name in oracle.objects:
                path = f"/v1/people/{name}/threads" if letter == "c" else f"/v1/{KINDS[letter]}s/{name}/threads"
                expected = oracle.view(user, (letter, name))
                if expected is None:
                    assert api[user].call("GET", path).status_code == 404, (user, path)
                else:
                    assert set(api[user].ids(path, limit=4)) == expected, (user, path)
            seen = {e["data"]["threadId"] for e in api[user].events()[0] if "threadId" in e["data"]}
            assert {i for i in seen} == {i for i in oracle.threads if oracle.seen(user, i)}, user

    compare()
    for _ in range(40):
        thread = rng.choice(sorted(oracle.threads))
        t = oracle.threads[thread]
        owner = oracle.accounts[t["account"]][0]
        if rng.random() < 0.6:
            t["sharing"] = rng.choice(["shared", "private"])
            api[owner].ok("PATCH", f"/v1/threads/{thread}", json={"sharing": t["sharing"]})
        elif rng.random() < 0.5:
            t["link"] = None
            api[owner].ok("DELETE", f"/v1/threads/{thread}/link", 204)
        else:
            seen = sorted(key for key in oracle.objects if key[0] != "c" and oracle.object_seen(owner, key))
            if seen:
                t["link"] = rng.choice(seen)
                api[owner].ok("PUT", f"/v1/threads/{thread}/link", json={"kind": KINDS[t["link"][0]], "id": t["link"][1]})
    box.settle()
    compare()
