"""Older mail on request, and the choice of folders (SYN-01 to SYN-05). One world; each test has an account of its own."""
import datetime
import imaplib
import re
import time

import pytest

import rig

OLD, CHUNK = 240, 60


def raw(name, days, sender="stranger@elsewhere.example", size=2000):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
    return (f"From: Someone <{sender}>\r\nTo: me\r\nSubject: {name}\r\nDate: {at:%a, %d %b %Y %H:%M:%S +0000}\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n\r\n{'x' * size}\r\n").encode()


def put(world, rep, folder, name, days, **options):
    """A message as old as it says, by its INTERNALDATE too."""
    connection = world.imap(rep)
    when = imaplib.Time2Internaldate(time.time() - days * 86400)
    assert connection.append(folder, "", when, raw(name, days, **options))[0] == "OK"
    connection.logout()


def fill(world, rep, folder, prefix, count, days, **options):
    connection = world.imap(rep)
    for number in range(count):
        old = days(number)
        when = imaplib.Time2Internaldate(time.time() - old * 86400)
        assert connection.append(folder, "", when, raw(f"{prefix}{number}", old, **options))[0] == "OK"
    connection.logout()


def subjects(world, rep):
    return {t["subject"] for t in world.threads(rep)}


def bodies(world, rep):
    """Bodies that the server has given out to this account, by its log; it writes them when a connection ends."""
    email = next(r["email"] for r in world.ledger["reps"] if r["id"] == rep)
    text = (world.server.dir / "log" / "info.log").read_text(errors="replace")
    return sum(int(n) for n in re.findall(rf"imap\({re.escape(email)}\).*?body_count=(\d+)", text))


def backfill(world, rep):
    return world.user(rep).get(f"/v1/accounts/{rep}/backfill")


def completed(world, rep):
    view = world._quiet(lambda: backfill(world, rep))
    return view if view and view["state"] == "completed" else None


def ask(world, rep, **request):
    return world.user(rep).call("POST", f"/v1/accounts/{rep}/backfill", 202, json=request).json()


def change(world, rep, what):
    return world.user(rep).call("POST", f"/v1/accounts/{rep}/backfill/{what}", 200, json={}).json()


@pytest.fixture(scope="module")
def house():
    world = rig.World(messages=0, accounts=6, seed=11, deals=0, settings=("fetcher:window.messages=4", "fetcher:poll_ms=1s"))
    try:
        yield world
    finally:
        world.close()


def account(world, number, **changes):
    rep = world.ledger["reps"][number]["id"]
    body = {**world.account_body(rep), **changes}
    if changes.get("since", "") is None:
        del body["since"]
    world.user(rep).call("POST", "/v1/accounts", 201, json=body)
    world.wait_synced(60, [rep])
    return rep


def test_syn03_three_days_by_default_then_twelve_months_while_new_mail_arrives(house):
    """Proves SYN-03, SYN-04: 3 days unless asked otherwise; then a year, once each, with progress; new mail does not wait."""
    rep = house.ledger["reps"][0]["id"]
    fill(house, rep, "INBOX", "year", OLD, lambda n: 360 - n)
    fill(house, rep, "INBOX", "ancient", 5, lambda n: 800 + n)
    fill(house, rep, "INBOX", "recent", 5, lambda n: 1)
    account(house, 0, since=None)
    assert subjects(house, rep) == {f"recent{n}" for n in range(5)}
    assert backfill(house, rep)["state"] == "none"
    view = ask(house, rep, since="12m")
    assert view["state"] in ("queued", "counting", "running") and view["id"] == backfill(house, rep)["id"]
    seen, fresh = [], 0
    while not completed(house, rep):
        view = backfill(house, rep)
        seen.append((view["done"], view["total"]))
        if view["total"] is not None and fresh < 5:  # what comes before all is counted would be counted
            house.deliver(rep, raw(f"meanwhile{fresh}", 0))
            rig.wait(lambda: any(t["subject"] == f"meanwhile{fresh}" for t in house.user(rep).get("/v1/threads", limit=10)["data"]), 20,
                     f"meanwhile{fresh}")
            fresh += 1
        assert len(seen) < 100000
    last = backfill(house, rep)
    assert fresh > 0
    assert last["total"] == last["done"] == OLD + 5, "what was there already counts as done"
    dones = [d for d, t in seen if t is not None]
    assert dones == sorted(dones) and all(d <= OLD + 5 for d in dones)
    want = {f"year{n}" for n in range(OLD)} | {f"recent{n}" for n in range(5)} | {f"meanwhile{n}" for n in range(fresh)}
    assert subjects(house, rep) == want
    house.wait_applied()
    events = [e["type"] for e in house.user(rep).get("/v1/events", types="account.backfill_progress,account.backfill_completed")["data"]]
    assert events.count("account.backfill_completed") == 1 and events.count("account.backfill_progress") >= 1


def test_syn03_pause_restart_cancel_go_on_without_fetching_twice(house):
    """Proves SYN-03, SYN-10: paused, killed and restarted in the middle it goes on where it was; cancelled it stays as it is."""
    rep = house.ledger["reps"][1]["id"]
    fill(house, rep, "INBOX", "old", OLD, lambda n: 300 - n)
    account(house, 1, since="1d")
    tag = f"{{a:{rig.COMPANY}/{rep}}}"
    stored = lambda: house.redis().hlen(f"{tag}:m")  # noqa: E731
    assert stored() == 0
    before = bodies(house, rep)
    with house.standing("parser-1"):
        ask(house, rep, since="12m")
        rig.wait(lambda: house.waiting(rep), 60, "the first of it")
        assert change(house, rep, "pause")["state"] == "paused"
    rig.wait(lambda: house.redis().hget(f"{tag}:bf", "state") == b"paused" and not house.waiting(rep), 30, "paused")
    house.mailweave("restart", "fetcher")  # it enters what it has before it ends
    house.wait_synced(60, [rep])
    count = stored()
    assert 0 < count < OLD
    house.deliver(rep, raw("meanwhile", 0))
    rig.wait(lambda: "meanwhile" in subjects(house, rep), 30, "new mail")
    assert stored() == count + 1 and backfill(house, rep)["state"] == "paused"
    with house.standing("parser-1"):
        change(house, rep, "resume")
        rig.wait(lambda: house.waiting(rep), 60, "some more of it")
        house.kill("fetcher-1")
    rig.wait(lambda: completed(house, rep), 90, f"completed; {backfill(house, rep)}")
    house.wait_synced(60, [rep])
    assert subjects(house, rep) == {f"old{n}" for n in range(OLD)} | {"meanwhile"}
    assert backfill(house, rep)["done"] == OLD
    house.mailweave("restart", "fetcher")  # the connections' ends tell how much they fetched
    rig.wait(lambda: bodies(house, rep) - before >= OLD, 30, "the server's log")
    assert bodies(house, rep) - before < 2 * OLD, "three runs of one backfill fetch it once, and what was on its way"
    house.wait_synced(60, [rep])
    house.user(rep).call("POST", f"/v1/accounts/{rep}/backfill/pause", 409, json={})
    again = bodies(house, rep)
    ask(house, rep, since="all")
    rig.wait(lambda: completed(house, rep), 60, "completed again")
    house.mailweave("restart", "fetcher")
    house.wait_synced(60, [rep])
    assert bodies(house, rep) - again < OLD / 4, "what is stored is not fetched again"


def test_syn03_cancel(house):
    """Proves SYN-03: cancelled, what came stays and no more comes."""
    rep = house.ledger["reps"][2]["id"]
    fill(house, rep, "INBOX", "old", OLD, lambda n: 300 - n)
    account(house, 2, since="1d")
    tag = f"{{a:{rig.COMPANY}/{rep}}}"
    with house.standing("parser-1"):
        ask(house, rep, since="2y")
        rig.wait(lambda: house.waiting(rep), 60, "the first of it")
        assert house.user(rep).call("DELETE", f"/v1/accounts/{rep}/backfill", 200).json()["state"] == "cancelled"
    rig.wait(lambda: house.redis().hget(f"{tag}:bf", "state") == b"cancelled", 30, "cancelled")
    house.mailweave("restart", "fetcher")  # it enters what it has before it ends
    house.wait_synced(60, [rep])
    count = house.redis().hlen(f"{tag}:m")
    house.deliver(rep, raw("after", 0))
    rig.wait(lambda: "after" in subjects(house, rep), 30, "new mail")
    assert house.redis().hlen(f"{tag}:m") == count + 1 < OLD


def test_syn03_by_folder_and_known_people_only(house):
    """Proves SYN-03: of one folder only what lies there; of known people only their mail, both ways."""
    rep = house.ledger["reps"][3]["id"]
    house.company.call("PUT", "/v1/people/known", json={"name": "Known", "emails": ["Known@Client.example"]})
    connection = house.imap(rep)
    connection.create("Projects")
    connection.create("B&APw-ro")
    connection.logout()
    fill(house, rep, "Projects", "project", 8, lambda n: 100 + n)
    fill(house, rep, "INBOX", "stranger", 20, lambda n: 60 + n)
    fill(house, rep, "INBOX", "friend", 6, lambda n: 50 + n, sender="known@client.example")
    fill(house, rep, "INBOX", "oldfriend", 4, lambda n: 500 + n, sender="known@client.example")
    account(house, 3, since="3d")
    api = house.user(rep)
    assert subjects(house, rep) == set()
    problem = api.call("POST", f"/v1/accounts/{rep}/backfill", 422, json={"since": "6m", "folders": ["Nowhere"]}).json()
    assert problem["code"] == "unknown_reference"
    assert api.call("POST", f"/v1/accounts/{rep}/backfill", 400, json={"since": "soon"}).json()["code"] == "invalid_field"
    assert ask(house, rep, since="6m", folders=["Projects", "Büro"])["folders"] == ["Projects", "Büro"]
    rig.wait(lambda: completed(house, rep), 60, "completed")
    assert subjects(house, rep) == {f"project{n}" for n in range(8)}
    ask(house, rep, since="6m", people="known")
    view = rig.wait(lambda: completed(house, rep), 60, "completed")
    assert subjects(house, rep) == {f"project{n}" for n in range(8)} | {f"friend{n}" for n in range(6)}
    assert (view["total"], view["done"], view["unknownPeople"]) == (34, 34, 20)


def test_syn02_choice_of_folders_applies_to_what_enters(house):
    """Proves SYN-01, SYN-02, SYN-05: a folder chosen later brings what enters it, however old; what left it stays; one message keeps
    its identity on its way between chosen and unchosen folders."""
    rep = house.ledger["reps"][4]["id"]
    connection = house.imap(rep)
    connection.create("Projects")
    connection.create("Aside")
    connection.logout()
    fill(house, rep, "Projects", "lay", 3, lambda n: 1)
    fill(house, rep, "Aside", "aside", 3, lambda n: 700)
    put(house, rep, "INBOX", "hello", 0)
    account(house, 4, since="3d", folders=["INBOX"])
    assert subjects(house, rep) == {"hello"}
    api = house.user(rep)
    message = api.every(f"/v1/threads/{house.threads(rep)[0]['id']}/messages")[0]["id"]

    def move(name, source, target):
        mail = house.imap(rep)
        mail.select(source)
        uid = mail.uid("SEARCH", f'SUBJECT "{name}"')[1][0].decode()
        assert mail.uid("MOVE", uid, target)[0] == "OK"
        mail.logout()

    def mailboxes():
        return len(api.get(f"/v1/messages/{message}")["mailboxIds"])

    move("hello", "INBOX", "Projects")
    rig.wait(lambda: mailboxes() == 0, 30, "out of the inbox")
    assert subjects(house, rep) == {"hello"}, "leaving a chosen folder deletes nothing"
    api.call("PATCH", f"/v1/accounts/{rep}", json={"folders": ["INBOX", "Projects"]})
    rig.wait(lambda: house.synced(rep) and any(f["path"] == "Projects" and f["remote"] == 4 for f in api.get(f"/v1/accounts/{rep}/folders")["data"]),
             30, "the new choice")
    move("aside0", "Aside", "Projects")
    rig.wait(lambda: "aside0" in subjects(house, rep), 30, "what entered, however old")
    move("aside1", "Aside", "INBOX")
    rig.wait(lambda: "aside1" in subjects(house, rep), 30, "what entered the inbox")
    assert subjects(house, rep) == {"hello", "aside0", "aside1"}, "what lay there does not come by itself"
    move("hello", "Projects", "INBOX")
    rig.wait(lambda: mailboxes() == 1, 30, "back in the inbox, the same message")
    ask(house, rep, since="1m", folders=["Projects"])
    rig.wait(lambda: completed(house, rep), 60, "completed")
    assert subjects(house, rep) == {"hello", "aside0", "aside1", "lay0", "lay1", "lay2"}
    api.call("PATCH", f"/v1/accounts/{rep}", json={"folders": ["INBOX"]})
    rig.wait(lambda: house.synced(rep), 30, "the choice taken back")
    put(house, rep, "Projects", "unseen", 0)
    house.deliver(rep, raw("seen", 0))
    rig.wait(lambda: "seen" in subjects(house, rep), 30, "new mail")
    assert subjects(house, rep) == {"hello", "aside0", "aside1", "lay0", "lay1", "lay2", "seen"}


def test_syn10_resync_fetches_what_is_missing(house):
    """Proves SYN-10: after a resync what was lost of the window is there again, and what is stored is not fetched twice."""
    rep = house.ledger["reps"][5]["id"]
    fill(house, rep, "INBOX", "one", 12, lambda n: 1)
    account(house, 5, since="3d")
    tag, store = f"{{a:{rig.COMPANY}/{rep}}}", house.redis()
    lost = next(t for t in house.threads(rep) if t["subject"] == "one3")
    ids = {i: u for k in store.keys(f"{tag}:u:*") for u, v in store.hgetall(k).items() for i in [v[:10]]}
    store.hdel(f"{tag}:m", next(i for i in ids if rig.unpack(store.hget(f"{tag}:m", i))[1] == lost_thread(store, tag, lost)))
    house.user(rep).call("POST", f"/v1/accounts/{rep}/resync", 202, json={})
    rig.wait(lambda: store.hlen(f"{tag}:m") == 12, 30, "all of them")


def lost_thread(store, tag, thread):
    """The bytes of a thread's id, by its subject."""
    return next(i for i, v in store.hgetall(f"{tag}:t").items() if rig.unpack(v)[5].decode() == thread["subject"])
