"""The fetcher against Cyrus, an IMAP server of another house: OBJECTID, QRESYNC, MAILBOXIDs in STATUS that are none."""
import imaplib
import ssl

import pytest

import cyrus_server
import rig

pytestmark = pytest.mark.skipif(cyrus_server.MISSING is not None, reason=str(cyrus_server.MISSING))


def message(number):
    return (f"From: Customer <c{number}@elsewhere.example>\r\nTo: me\r\nSubject: mail {number}\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <mail.{number}@elsewhere.example>\r\n\r\nHello {number}\r\n").encode()


@pytest.fixture(scope="module")
def house():
    world = rig.World(messages=0, accounts=1, seed=1, deals=0, settings=("fetcher:poll_ms=2s",))
    cyrus = None
    try:
        keys = world.server.dir / "tls"
        cyrus = cyrus_server.Cyrus(world.dir / "cyrus", keys / "cert.pem", keys / "key.pem", {"alice": "secret"})
        world.cyrus = cyrus
        world.rep = world.ledger["reps"][0]
        context = ssl.create_default_context(cafile=str(world.server.ca))
        world.connection = imaplib.IMAP4_SSL("127.0.0.1", cyrus.port, ssl_context=context)
        world.connection.login("alice", "secret")
        world.connection.create("Deals")
        for number in range(1, 6):
            world.connection.append("INBOX", None, None, message(number))
        for number in range(6, 9):
            world.connection.append("Deals", None, None, message(number))
        login = {"host": "127.0.0.1", "security": "tls"}
        world.api = world.user(world.rep["id"])
        world.api.call("POST", "/v1/accounts", 201, json={
            "id": "alice", "userId": world.rep["id"], "email": world.rep["email"], "since": "all",
            "imap": dict(login, port=cyrus.port, user="alice", password="secret"),
            "smtp": dict(login, port=world.server.ports["submissions"], user=world.rep["email"], password=rig.PASSWORD)})
        yield world
    finally:
        if cyrus:
            cyrus.down()
        world.close()


def state(world):
    """subject → (id, folders, keywords), of what is in a folder"""
    path = {f["id"]: f["path"] for f in world.api.get("/v1/accounts/alice/folders")["data"]}
    out = {}
    for thread in world.api.every("/v1/threads"):
        for m in world.api.every(f"/v1/threads/{thread['id']}/messages"):
            if m["mailboxIds"]:
                assert m["subject"] not in out, f"{m['subject']} twice"
                out[m["subject"]] = (m["id"], sorted(path[b] for b in m["mailboxIds"]), set(m["keywords"]))
    return out


def see(world, true, what):
    rig.wait(lambda: true(state(world)), 60, f"{what}: {state(world)}", 0.25)
    return state(world)


def names(*numbers):
    return {f"mail {n}" for n in numbers}


def test_syn10_all_of_it_once(house):
    """Proves SYN-10 with Cyrus: every message once, roles by its attributes in small letters."""
    house.first = see(house, lambda s: set(s) == names(*range(1, 9)), "the first sync")
    assert all(folders == ["INBOX"] for _, folders, _ in (house.first[n] for n in names(1, 2, 3, 4, 5)))
    roles = {f["path"]: f["role"] for f in house.api.get("/v1/accounts/alice/folders")["data"]}
    assert roles["Sent"] == "sent" and roles["Junk"] == "junk" and roles["Deals"] is None, roles


def test_syn06_flags_and_expunge_by_qresync(house):
    """Proves SYN-06 with Cyrus: a flag, a message that goes, one that comes."""
    c = house.connection
    c.select("INBOX")
    c.uid("STORE", "2", "+FLAGS", "(\\Seen)")
    c.uid("STORE", "3", "+FLAGS", "(\\Deleted)")
    c.expunge()
    c.append("INBOX", None, None, message(9))
    now = see(house, lambda s: set(s) == names(1, 2, 4, 5, 6, 7, 8, 9) and "$seen" in s["mail 2"][2], "flags and expunge")
    assert all(now[n][0] == house.first[n][0] for n in names(1, 2, 4, 5, 6, 7, 8))


def test_f35_moves_are_known_by_email_id(house):
    """Proves F35, SYN-05 with Cyrus: a move and a copy keep the message, by its EMAILID, and no message is created for them."""
    before = house.api.get("/v1/events", types="message.created", wait=0, limit=200)["data"]
    c = house.connection
    c.select("INBOX")
    c.uid("MOVE", "4", "Deals")
    c.uid("COPY", "5", "Deals")
    now = see(house, lambda s: s.get("mail 4", (0, 0))[1] == ["Deals"] and s["mail 5"][1] == ["Deals", "INBOX"], "a move and a copy")
    assert now["mail 4"][0] == house.first["mail 4"][0] and now["mail 5"][0] == house.first["mail 5"][0]
    assert house.api.get("/v1/events", types="message.created", wait=0, limit=200)["data"] == before
    known = house.redis().hlen(f"{{a:{rig.COMPANY}/alice}}:eid")
    assert known == 9, known


def test_f36_wrong_mailbox_ids_do_no_harm(house):
    """Proves F36 with Cyrus 3.6, whose STATUS has bytes for MAILBOXID that change each time: a rename is a rename all the same."""
    house.connection.rename("Deals", "Won")
    now = see(house, lambda s: s.get("mail 6", (0, 0))[1] == ["Won"] and s["mail 4"][1] == ["Won"], "a rename")
    assert now["mail 6"][0] == house.first["mail 6"][0] and set(now) == names(1, 2, 4, 5, 6, 7, 8, 9)


def test_f26_a_restart_is_passed_over(house):
    """Proves F26 with Cyrus: it goes away and comes back; what came meanwhile is here, once."""
    house.cyrus.down()
    house.cyrus.up()
    context = ssl.create_default_context(cafile=str(house.server.ca))
    house.connection = imaplib.IMAP4_SSL("127.0.0.1", house.cyrus.port, ssl_context=context)
    house.connection.login("alice", "secret")
    house.connection.append("INBOX", None, None, message(10))
    see(house, lambda s: set(s) == names(1, 2, 4, 5, 6, 7, 8, 9, 10), "a restart")


def test_acc07_kept_mail_is_known_when_the_account_comes_back(house):
    """Proves ACC-07, F35 with Cyrus: removed with its mail kept and added anew, no message is created; erased, nothing is left of it."""
    before = see(house, lambda s: len(s) == 9, "all of it")
    login = {"host": "127.0.0.1", "security": "tls"}
    body = {"id": "alice", "userId": house.rep["id"], "email": house.rep["email"], "since": "all",
            "imap": dict(login, port=house.cyrus.port, user="alice", password="secret"),
            "smtp": dict(login, port=house.server.ports["submissions"], user=house.rep["email"], password=rig.PASSWORD)}
    events = house.api.get("/v1/events", types="message.created", wait=0, limit=200)["data"]
    house.api.call("DELETE", "/v1/accounts/alice", None, params={"mail": "keep"})
    house.api.call("POST", "/v1/accounts", 201, json=body)
    rig.wait(lambda: house.api.get("/v1/accounts/alice")["state"] == "connected", 60, "connected again", 0.2)
    house.connection.append("INBOX", None, None, message(11))
    now = see(house, lambda s: len(s) == 10, "one more")
    assert all(now[name][0] == before[name][0] for name in before)
    assert len(house.api.get("/v1/events", types="message.created", wait=0, limit=200)["data"]) == len(events) + 1
    house.api.call("DELETE", "/v1/accounts/alice", None, params={"mail": "erase"})
    rig.wait(lambda: not house.redis().exists(f"{{a:{rig.COMPANY}/alice}}:eid"), 60, "names erased", 0.2)
