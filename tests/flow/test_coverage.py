"""The certificate that nothing is missed, and the answer about a message somebody misses, against a real Dovecot."""
import time

import msgpack
import pytest
import requests

import rig
from rig import COMPANY, wait


def mail(name, sender="anna@elsewhere.example", body="hello"):
    return (f"From: Anna <{sender}>\r\nTo: anna@sales.example\r\nSubject: {name}\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n\r\n{body} {name}\r\n").encode()


def put(connection, folder, raw, days_ago=0):
    when = time.localtime(time.time() - days_ago * 86400)
    answer = connection.append(folder, "", when, raw)
    assert answer[0] == "OK", answer


@pytest.fixture(scope="module")
def house():
    """One mailbox: eight messages of today in the inbox, three old ones, and a folder that is not synced."""
    world = rig.World(messages=0, accounts=2, settings=["fetcher:poll_ms=1s", "fetcher:max_message_bytes=64K"])
    try:
        rep = world.ledger["reps"][0]["id"]
        connection = world.imap(rep)
        connection.create("Projects")
        for number in range(8):
            put(connection, "INBOX", mail(f"today{number}"))
        for number in range(3):
            put(connection, "INBOX", mail(f"old{number}"), days_ago=40)
        put(connection, "INBOX", mail("blocked", sender="news@bulk.example"))
        put(connection, "INBOX", mail("large", body="x" * 70000))
        put(connection, "Projects", mail("plan"))
        connection.create("Elsewhere")
        put(connection, "Elsewhere", mail("filtered"))
        connection.logout()
        body = dict(world.account_body(rep, since="10d"), folders=["INBOX", "Projects"])
        world.user(rep).call("POST", "/v1/accounts", 201, json=body)
        world.wait_synced(60, [rep])
        wait(lambda: len(world.threads(rep)) == 9, 30, "nine threads")
        made = House(world, rep)
        for path in ("INBOX", "Projects"):  # what is due by itself comes a day after that: no test meets it
            assert made.coverage(path, fresh=1)["fresh"]
        yield made
    finally:
        world.close()


class House:
    def __init__(self, world, rep):
        self.world, self.rep, self.api, self.store = world, rep, world.user(rep), world.redis()
        self.tag = f"{{a:{COMPANY}/{rep}}}"
        self.folders = {f["path"]: f["id"] for f in self.api.get(f"/v1/accounts/{rep}/folders")["data"]}

    def coverage(self, path, **query):
        return self.api.get(f"/v1/accounts/{self.rep}/folders/{self.folders[path]}/coverage", **query)

    def find(self, **query):
        return self.api.get(f"/v1/accounts/{self.rep}/find", **query)

    def message(self, name):
        """Its id here, of a message that is committed."""
        return next(i for i, record in self.store.hgetall(self.tag + ":m").items() if f"{name}@elsewhere.example".encode() in record)

    def places(self, message):
        return msgpack.unpackb(self.store.hget(self.tag + ":p", message), raw=True)[0]


def adds_up(answer):
    return answer["remote"] == answer["stored"] + sum(answer["skipped"].values()) + answer["missingCount"]


def test_syn_10_a_folder_is_proved_complete_with_each_reason(house):
    """Proves SYN-10: what the server has is stored or skipped for a named reason; old, blocked and too large are told apart."""
    answer = house.coverage("INBOX", fresh=1)
    assert answer["fresh"] and answer["state"] == "verified" and answer["verifiedAt"], answer
    assert (answer["remote"], answer["stored"], answer["missing"], answer["missingCount"]) == (13, 8, [], 0), answer
    assert answer["skipped"] == {"outsideWindow": 3, "screened": 1, "setAside": 0, "tooLarge": 1, "deletedHere": 0, "pending": 0}, answer
    assert adds_up(answer) and answer["fetched"] == answer["removed"] == 0
    assert house.coverage("INBOX")["verifiedAt"] == answer["verifiedAt"]
    assert house.coverage("Elsewhere", fresh=1)["state"] == "not_synced"


@pytest.mark.parametrize("what", ["uid", "place", "both"])
def test_syn_10_what_went_from_the_store_is_fetched_again(house, what):
    """Proves SYN-10: a place removed behind the fetcher's back, from either of its records or both, is found and is back, once."""
    message = house.message("today3")
    number, _, uid = house.places(message)[0]
    box = house.store.hget(house.tag + ":box", number)
    if what in ("uid", "both"):
        assert house.store.hdel(f"{house.tag}:u:{number}:{uid // 64}", uid) == 1
    if what in ("place", "both"):
        assert house.store.hdel(house.tag + ":p", message) == 1
    answer = house.coverage("INBOX", fresh=1)
    assert answer["fresh"] and answer["fetched"] == 1 and (answer["stored"], answer["missingCount"]) == (8, 0), answer
    assert house.places(message) == [[number, house.places(message)[0][1], uid]]
    assert house.store.hget(f"{house.tag}:u:{number}:{uid // 64}", uid)[:10] == message
    assert msgpack.unpackb(house.store.hget(house.tag + ":box", number), raw=True)[6] == msgpack.unpackb(box, raw=True)[6]
    assert len(house.world.threads(house.rep)) == 9
    assert house.coverage("INBOX", fresh=1)["fetched"] == 0


def test_syn_10_a_message_lost_altogether_comes_back(house):
    """Proves SYN-10: every trace of a message that was on its way is gone; the comparison brings it."""
    connection = house.world.imap(house.rep)
    house.world.mailweave("scale", "parser=0")
    put(connection, "INBOX", mail("lost"), days_ago=40)
    connection.logout()
    message = wait(lambda: house.store.hkeys(house.tag + ":l"), 30, "it is on its way")[0]
    number, _, uid = house.places(message)[0]
    first = house.coverage("INBOX", fresh=1)
    assert first["skipped"]["pending"] == 1 and adds_up(first), first
    house.store.hdel(house.tag + ":l", message)
    house.store.hdel(house.tag + ":p", message)
    house.store.hdel(f"{house.tag}:u:{number}:{uid // 64}", uid)
    house.world.mailweave("scale", "parser=1")
    answer = house.coverage("INBOX", fresh=1)
    assert answer["fetched"] == 1 and answer["missingCount"] == 0, answer
    wait(lambda: "lost" in [t["subject"] for t in house.world.threads(house.rep)], 30, "it is committed: it came by delivery, no window applies")
    answer = house.coverage("INBOX", fresh=1)
    assert (answer["remote"], answer["stored"], answer["skipped"]["pending"]) == (14, 9, 0), answer


def test_syn_10_what_the_server_has_not_goes(house):
    """Proves SYN-10: a place here of a message that the server has not is removed."""
    message = house.message("plan")
    number, validity, uid = house.places(message)[0]
    house.store.hset(house.tag + ":p", message, msgpack.packb([[[number, validity, uid], [number, validity, uid + 40]], []], use_bin_type=False))
    connection = house.world.imap(house.rep)
    put(connection, "Projects", mail("planb"))
    connection.logout()
    wait(lambda: "planb" in [t["subject"] for t in house.world.threads(house.rep)], 30, "the folder goes on")
    # Within what was numbered so far, and not on the server.
    connection = house.world.imap(house.rep)
    connection.select("Projects")
    connection.store("2", "+FLAGS", "\\Deleted")
    connection.expunge()
    connection.logout()
    gone = house.message("planb")
    wait(lambda: not house.places(gone), 60, "the expunge was seen")
    house.store.hset(f"{house.tag}:u:{number}:0", uid + 1, gone + b"\0")
    house.store.hset(house.tag + ":p", gone, msgpack.packb([[[number, validity, uid + 1]], []], use_bin_type=False))
    answer = house.coverage("Projects", fresh=1)
    assert answer["removed"] == 1 and (answer["remote"], answer["stored"], answer["missingCount"]) == (1, 1, 0), answer
    assert not house.places(gone) and not house.store.hexists(f"{house.tag}:u:{number}:0", uid + 1)


def test_syn_10_set_aside_and_deleted_here_are_counted(house):
    """Proves SYN-10, OPS-05, SYN-08: what was set aside or deleted here is not missing, and told apart."""
    before = house.coverage("INBOX", fresh=1)
    house.api.call("DELETE", f"/v1/messages/{house.find(messageId='today5@elsewhere.example')['places'][0]['messageId']}")
    house.world.mailweave("scale", "parser=0")
    house.world.deliver(house.rep, mail("aside"))
    ids = wait(lambda: house.store.hkeys(house.tag + ":l"), 30, "it is on its way")
    generation = house.store.hget(house.tag + ":acct", "gen")
    for _ in range(3):
        house.store.execute_command("FCALL", "fetcher_1_fail", 1, house.tag, generation, ids[0], "parse_crash", "")
    answer = house.coverage("INBOX", fresh=1)
    assert answer["skipped"]["setAside"] == 1 and answer["skipped"]["deletedHere"] == 1 and answer["missingCount"] == 0, answer
    assert (answer["remote"], answer["stored"]) == (before["remote"] + 1, before["stored"] - 1) and adds_up(answer)
    assert house.find(messageId="<aside@elsewhere.example>")["places"][0]["reason"] == "set_aside"
    assert house.find(messageId="<today5@elsewhere.example>")["places"][0]["reason"] == "deleted_here"
    house.world.mailweave("scale", "parser=1")


def test_syn_11_where_a_message_is_or_why_it_is_not_here(house):
    """Proves SYN-11: found by Message-ID with its folder, or with the reason why it is not here."""
    answer = house.find(messageId="<today1@elsewhere.example>")
    assert answer["answer"] == "stored" and answer["complete"], answer
    place, = answer["places"]
    assert place["folder"]["path"] == "INBOX" and place["folder"]["role"] == "inbox" and place["reason"] == "stored"
    shown = wait(lambda: house.world._quiet(lambda: house.api.get(f"/v1/messages/{place['messageId']}")), 30, "a parser shows it")
    assert shown["threadId"] == place["threadId"] and shown["subject"] == "today1"
    for name, path, reason in (("old1", "INBOX", "outside_window"), ("blocked", "INBOX", "screened"), ("large", "INBOX", "too_large"),
                               ("filtered", "Elsewhere", "folder_not_synced")):
        answer = house.find(messageId=f"{name}@elsewhere.example")
        assert answer["answer"] == "skipped" and answer["complete"], (name, answer)
        assert [(p["folder"]["path"], p["reason"]) for p in answer["places"]] == [(path, reason)], (name, answer)
    answer = house.find(messageId="nobody@elsewhere.example")
    assert (answer["answer"], answer["places"], answer["complete"]) == ("not_on_server", [], True)
    gone = house.find(messageId="plan.nowhere@elsewhere.example")
    assert gone["answer"] == "not_on_server"


def test_syn_11_by_sender_and_day(house):
    """Proves SYN-11: sender and day, by the message's own date; nothing of a query reaches the server as a command."""
    answer = house.find(**{"from": "anna@elsewhere.example", "day": "2025-09-01"})
    assert answer["answer"] == "stored" and {"stored", "outside_window", "folder_not_synced"} <= {p["reason"] for p in answer["places"]}, answer
    assert house.find(**{"from": "anna@elsewhere.example", "day": "2025-09-03"})["answer"] == "not_on_server"
    path = f"/v1/accounts/{house.rep}/find"
    for query in ({}, {"from": "a@b.example"}, {"day": "2025-09-01"}, {"messageId": "a@b", "day": "2025-09-01"}, {"messageId": "a@b\r\nA1 DELETE INBOX"},
                  {"messageId": "x" * 600}, {"from": "a@b.example", "day": "2025-13-01"}, {"from": "ä@b.example", "day": "2025-09-01"}):
        assert house.api.call("GET", path, 400, params=query).json()["code"] == "invalid_parameter", query
    assert house.find(messageId='"quoted\\"@elsewhere.example')["answer"] == "not_on_server"


def test_shr_01_others_get_nothing(house):
    """Proves SHR-01, SHR-06: another user gets the same 404 as for what is not there; a company token counts, never content."""
    other = house.world.user(house.world.ledger["reps"][1]["id"])
    base = f"/v1/accounts/{house.rep}"
    missing = other.call("GET", "/v1/accounts/nobody/folders/1/coverage", 404).text
    assert other.call("GET", f"{base}/folders/{house.folders['INBOX']}/coverage", 404).text == missing
    assert other.call("GET", f"{base}/find", 404, params={"messageId": "today1@elsewhere.example"}).text == missing
    assert house.api.call("GET", f"{base}/folders/999/coverage", 404).text == missing
    company = house.world.company.call("GET", f"{base}/folders/{house.folders['INBOX']}/coverage").json()
    assert company["state"] == "verified" and not any("elsewhere" in str(v) for v in company.values())
    answer = house.world.company.call("GET", f"{base}/find", 403, params={"messageId": "today1@elsewhere.example"}).json()
    assert answer["code"] == "acting_user_required"


def test_syn_10_a_folder_numbered_anew_is_proved_again(house):
    """Proves SYN-10: after a UIDVALIDITY reset the folder has another number here, the same messages, and is complete."""
    before = {t["id"] for t in house.world.threads(house.rep)}
    email = next(r["email"] for r in house.world.ledger["reps"] if r["id"] == house.rep)
    house.world.server.doveadm("mailbox", "update", "-u", email, "--uid-validity", "77777", "INBOX")
    connection = house.world.imap(house.rep)
    put(connection, "INBOX", mail("after"))
    connection.logout()
    old = house.folders["INBOX"]

    def numbered():
        boxes = {f["path"]: f["id"] for f in house.api.get(f"/v1/accounts/{house.rep}/folders")["data"]}
        return boxes["INBOX"] if list(boxes.values()) and boxes["INBOX"] != old and old not in boxes.values() else None
    house.folders["INBOX"] = wait(numbered, 60, "numbered anew")
    answer = wait(lambda: (lambda a: a if a["state"] == "verified" and a["fresh"] and not a["skipped"]["pending"] else None)(house.coverage("INBOX", fresh=1)),
                  30, "proved")
    assert answer["missingCount"] == 0 and adds_up(answer), answer
    assert before <= {t["id"] for t in house.world.threads(house.rep)}
    house.api.call("GET", f"/v1/accounts/{house.rep}/folders/{old}/coverage", 404)


def test_ops_missing_is_an_alarm(house):
    """Proves that the gauge is there and 0 after all of this."""
    groups = house.world.root.call("GET", "/v1/targets").json()
    targets = [t for group in groups for t in group["targets"]]
    texts = [requests.get(f"http://{target}/metrics", timeout=10).text for target in targets]
    lines = [line for text in texts for line in text.splitlines() if "coverage_missing" in line and not line.startswith("#")]
    assert len(lines) == 1 and lines[0].split()[-1] == "0", lines
