"""What is done here and the provider is told (SYN-06 to SYN-08): a real Dovecot, commands that outlive outages, kills and a numbering anew."""
import pytest

import rig
from rig import COMPANY, wait

SUBJECTS = ["one", "two", "three", "four", "five", "six"]


def raw(name, answers=None):
    reply = f"In-Reply-To: <{answers}@elsewhere.example>\r\n" if answers else ""
    return (f"From: Kim <kim@elsewhere.example>\r\nTo: me\r\nSubject: {name}\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n{reply}\r\nhello {name}\r\n").encode()


class House:
    def __init__(self, world, number):
        self.world, self.rep = world, world.ledger["reps"][number]["id"]
        self.api, self.tag = world.user(self.rep), f"{{a:{COMPANY}/{self.rep}}}"
        self.email = world.ledger["reps"][number]["email"]
        for name in SUBJECTS:
            world.append(self.rep, "INBOX", raw(name))
        world.append(self.rep, "INBOX", raw("answer", "one"))
        world.add_account(self.rep)
        world.wait_synced(60, [self.rep])

    def set(self, **settings):
        self.api.call("PATCH", f"/v1/accounts/{self.rep}", json=settings)
        self.world.wait_synced(30, [self.rep])

    def thread(self, name):
        return next(t["id"] for t in self.world.threads(self.rep) if name in self.names(t["id"]))

    def names(self, thread):
        return [m["subject"] for m in self.api.every(f"/v1/threads/{thread}/messages")]

    def patch(self, name, **change):
        self.api.call("PATCH", f"/v1/threads/{self.thread(name)}", json=change)

    def there(self):
        """subject → (folder, read) by the server itself. What is moved while the folders are read one after the other is looked at again."""
        return wait(self.look, 10, "each message in one folder")

    def look(self):
        out, twice, connection = {}, False, self.world.imap(self.rep)
        for folder in ("INBOX", "Archive", "Trash"):
            connection.select(folder, readonly=True)
            for uid in connection.uid("SEARCH", "ALL")[1][0].split():
                (head, text), *_ = connection.uid("FETCH", uid, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                name = text.decode().partition(":")[2].strip()
                twice = twice or name in out
                out[name] = (folder, b"\\Seen" in head)
        connection.logout()
        return None if twice else out

    def waits(self):
        return self.world.redis().xlen(self.tag + ":cmd")

    def done(self):
        wait(lambda: not self.waits(), 40, f"the commands are carried out; {self.world.progress(self.rep)}")

    def mark(self, name, sign, flag="\\Seen"):
        """As the person's own program does."""
        connection = self.world.imap(self.rep)
        connection.select("INBOX")
        uid = connection.uid("SEARCH", "SUBJECT", name)[1][0].split()[0]
        connection.uid("STORE", uid, f"{sign}FLAGS", f"({flag})")
        connection.logout()

    def away(self):
        """The server is down, and the account has noticed: nothing is carried out from now on."""
        self.world.server.down()
        wait(lambda: self.api.get(f"/v1/accounts/{self.rep}")["state"] == "connectError", 60, "the account is away")

    def unread(self, name):
        return self.api.get(f"/v1/threads/{self.thread(name)}")["unread"]


@pytest.fixture(scope="module")
def world():
    made = rig.World(messages=0, accounts=5, seed=17, deals=0, settings=("fetcher:poll_ms=1s", "fetcher:lease_ms=2s"))
    try:
        yield made
    finally:
        made.close()


def test_syn06_read_and_unread_go_to_the_provider_and_come_from_it(world):
    """Proves SYN-06: read here is read there, all messages of the thread; unread here the newest alone; and what is changed there later
    shows here, whatever was said here before."""
    house = House(world, 0)
    assert not any(seen for _, seen in house.there().values()) and house.unread("one")
    house.patch("one", read=True)
    wait(lambda: {n for n, (_, seen) in house.there().items() if seen} == {"one", "answer"}, 30, "read there")
    house.done()
    house.patch("one", read=False)
    wait(lambda: {n for n, (_, seen) in house.there().items() if seen} == {"one"}, 30, "the newest is unread there")
    assert house.unread("one")
    house.patch("two", read=True)
    wait(lambda: house.there()["two"][1], 30, "read there")
    house.mark("two", "-")
    wait(lambda: house.unread("two"), 30, "unread there, so here")
    house.mark("answer", "+")
    wait(lambda: not house.unread("one"), 30, "read there, so here")


def test_syn07_archived_in_the_provider_if_wanted(world):
    """Proves SYN-07: archiving here leaves the provider alone unless the account says so; then it is moved there, keeps its id, and comes
    back; archiving there archives nothing here."""
    house = House(world, 1)
    house.patch("two", archived=True)
    house.set(archiveInProvider=True)
    before = {name: house.api.every(f"/v1/threads/{house.thread(name)}/messages")[0]["id"] for name in ("one", "three")}
    house.patch("one", archived=True)
    wait(lambda: [n for n, (folder, _) in house.there().items() if folder == "Archive"] == ["one", "answer"], 30, "archived there")
    assert house.there()["two"][0] == "INBOX", "what was archived before the setting"
    paths = {f["path"]: f["id"] for f in house.api.get(f"/v1/accounts/{house.rep}/folders")["data"]}
    wait(lambda: house.api.get(f"/v1/messages/{before['one']}")["mailboxIds"] == {paths["Archive"]: True}, 30, "the same message")
    house.patch("one", archived=False)
    wait(lambda: house.there()["one"][0] == house.there()["answer"][0] == "INBOX", 30, "back")
    connection = house.world.imap(house.rep)
    connection.select("INBOX")
    connection.uid("MOVE", connection.uid("SEARCH", "SUBJECT", "three")[1][0].decode(), "Archive")
    connection.logout()
    wait(lambda: house.api.get(f"/v1/messages/{before['three']}")["mailboxIds"] == {paths["Archive"]: True}, 30, "moved there")
    assert "three" in [t["subject"] for t in house.api.every("/v1/threads", folder="inbox")]


def test_syn08_deleted_in_the_provider_if_wanted(world):
    """Proves SYN-08: deleting here leaves the provider alone unless the account says so; then thread or message goes to the provider's
    trash; what was deleted stays so through a resync."""
    house = House(world, 2)
    house.api.call("DELETE", f"/v1/threads/{house.thread('two')}", 204)
    house.set(deleteInProvider=True)
    house.api.call("DELETE", f"/v1/threads/{house.thread('one')}", 204)
    wait(lambda: sorted(n for n, (folder, _) in house.there().items() if folder == "Trash") == ["answer", "one"], 30, "in the trash there")
    message = house.api.every(f"/v1/threads/{house.thread('three')}/messages")[0]["id"]
    house.api.call("DELETE", f"/v1/messages/{message}", 204)
    wait(lambda: house.there()["three"][0] == "Trash", 30, "one message")
    assert house.there()["two"][0] == "INBOX", "what was deleted before the setting"
    house.api.call("POST", f"/v1/accounts/{house.rep}/resync", 202, json={})
    house.done()
    world.wait_synced(30, [house.rep])
    assert sorted(t["subject"] for t in world.threads(house.rep)) == ["five", "four", "six"]


def test_syn06_to_08_commands_wait_for_the_account_and_keep_their_order(world):
    """Proves SYN-06, SYN-07, SYN-08: with the server away, the account paused and its fetcher killed, what is done here waits, and is then
    carried out in the order in which it was done."""
    house = House(world, 3)
    house.set(archiveInProvider=True, deleteInProvider=True)
    house.away()
    for change in ({"read": True}, {"read": False}, {"archived": True}, {"archived": False}):
        house.patch("two", **change)
    for change in ({"read": True}, {"archived": True}):
        house.patch("three", **change)
    assert house.waits() == 6
    dead = world.kill("fetcher-1")
    wait(lambda: world._quiet(lambda: world.pid("fetcher-1") != dead and rig.alive(world.pid("fetcher-1"))), 30, "a fetcher again")
    house.api.call("POST", f"/v1/accounts/{house.rep}/pause")
    house.api.call("DELETE", f"/v1/threads/{house.thread('four')}", 204)
    house.patch("six", archived=True)
    house.api.call("DELETE", f"/v1/threads/{house.thread('six')}", 204)
    world.server.up()
    assert house.waits() == 9
    house.api.call("POST", f"/v1/accounts/{house.rep}/resume")
    house.done()
    want = {"one": ("INBOX", False), "answer": ("INBOX", False), "two": ("INBOX", False), "three": ("Archive", True),
            "four": ("Trash", False), "five": ("INBOX", False), "six": ("Trash", False)}
    wait(lambda: house.there() == want, 20, f"all of it, in order: {house.there()}")


def test_syn06_to_08_killed_in_the_middle_and_numbered_anew(world):
    """Proves SYN-06, SYN-07, F1: a fetcher that is killed again and again between commands, and a mailbox numbered anew before they are
    carried out, leave the state that was asked for last; no message is doubled."""
    house = House(world, 4)
    house.set(archiveInProvider=True)
    house.away()
    for turn in range(6):
        for name in SUBJECTS:
            house.patch(name, read=turn % 2 == 0)
    for name in SUBJECTS[:3]:
        house.patch(name, archived=True)
    count = house.waits()
    assert count == 39
    world.server.up()
    world.server.doveadm("mailbox", "update", "-u", house.email, "--uid-validity", "1900000077", "INBOX")
    for left in (30, 20, 10):
        wait(lambda left=left: world._quiet(lambda: house.waits() <= left), 60, f"{left} left of {count}", 0.005)
        dead = world.kill("fetcher-1")
        wait(lambda dead=dead: world._quiet(lambda: world.pid("fetcher-1") != dead), 30, "a fetcher again")
    house.done()
    wait(lambda: {n: folder for n, (folder, _) in house.there().items()} ==
         {**{n: "INBOX" for n in SUBJECTS}, "one": "Archive", "two": "Archive", "three": "Archive", "answer": "Archive"}, 20, f"archived: {house.there()}")
    there = house.there()
    assert not any(there[n][1] for n in SUBJECTS[1:]) and not there["answer"][1], there
