"""What a server offers beyond IMAP4rev1 is used, and brings the same mail: COMPRESS=DEFLATE, NAMESPACE, NOTIFY, on a real Dovecot."""
import pytest
import requests

import compare
import rig

DOVECOT = """
protocol imap {
  mail_plugins = $mail_plugins imap_zlib
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = maildir:~/public:INDEX=~/public-index
  subscriptions = no
  list = yes
}
"""


@pytest.fixture(scope="module")
def house():
    """Nothing is polled: what shows was told by the server. Everything is compressed."""
    world = rig.World(messages=300, accounts=1, seed=3, mail_conf=DOVECOT, settings=("fetcher:compress.round_trip_ms=0", "fetcher:poll_ms=1h"))
    try:
        world.rep = world.ledger["reps"][0]["id"]
        world.connection = world.imap(world.rep)
        assert world.connection.create("Public/Sales")[0] == "OK"
        assert world.connection.append("Public/Sales", None, None, message("of the whole house"))[0] == "OK"
        world.add_accounts()
        world.wait_synced(60)
        yield world
    finally:
        world.close()


def message(subject):
    return (f"From: Customer <p0@elsewhere.example>\r\nTo: me\r\nSubject: {subject}\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@elsewhere.example>\r\n\r\nHello\r\n").encode()


def metric(world, name):
    targets = [t for group in world.root.call("GET", "/v1/targets").json() for t in group["targets"]]
    lines = [line for target in targets for line in requests.get(f"http://{target}/metrics", timeout=10).text.splitlines()
             if name in line and not line.startswith("#")]
    return sum(float(line.split()[-1]) for line in lines)


def subjects(world):
    return {t["subject"] for t in world.threads(world.rep)}


def folders(world):
    return {f["path"]: f for f in world.user(world.rep).get(f"/v1/accounts/{world.rep}/folders")["data"]}


def test_syn10_a_compressed_sync_brings_the_same_bytes_in_fewer_octets(house):
    """Proves SYN-10 with COMPRESS=DEFLATE: every message once, byte for byte, and the line carried less than they have."""
    compare.exactly_once(house, house.rep)
    sizes = sum(p.stat().st_size for p in house.server.mail.rglob("cur/*"))
    rig.wait(lambda: metric(house, "fetcher_bytes_total") > 0, 10, "the fetcher's metrics")
    assert metric(house, "fetcher_bytes_total") < 0.8 * sizes, (metric(house, "fetcher_bytes_total"), sizes)


def test_syn02_shared_folders_are_seen_and_not_synced(house):
    """Proves SYN-02 with NAMESPACE: a shared folder is listed, and its mail is not here unless it is chosen."""
    assert "Public/Sales" in folders(house)
    assert "of the whole house" not in subjects(house)


def test_syn05_other_folders_are_told_of_at_once(house):
    """Proves SYN-05 with NOTIFY (no folder is polled in this world): mail, flags and a move in other folders; a new folder."""
    assert house.connection.append("Archive", None, None, message("told of"))[0] == "OK"
    rig.wait(lambda: "told of" in subjects(house), 30, "mail in another folder", 0.1)
    assert house.connection.create("Newland")[0] == "OK"
    assert house.connection.append("Newland", None, None, message("in a new folder"))[0] == "OK"
    rig.wait(lambda: "in a new folder" in subjects(house), 30, "mail in a new folder", 0.1)
    house.connection.select("Newland")
    assert house.connection.uid("STORE", "1", "+FLAGS", "(\\Flagged)")[0] == "OK"
    rig.wait(lambda: "$flagged" in one(house, "in a new folder")["keywords"], 30, "a flag in another folder", 0.1)
    before = one(house, "in a new folder")
    assert house.connection.uid("MOVE", "1", "Archive")[0] == "OK"
    rig.wait(lambda: one(house, "in a new folder")["mailboxIds"] != before["mailboxIds"], 30, "a move", 0.1)
    assert one(house, "in a new folder")["id"] == before["id"]


def one(world, subject):
    thread = next(t for t in world.threads(world.rep) if t["subject"] == subject)
    return world.user(world.rep).get(f"/v1/threads/{thread['id']}/messages")["data"][0]


def test_syn02_a_shared_folder_that_is_chosen_is_synced(house):
    """Proves SYN-02: chosen by its name, what enters the shared folder from then on comes, told by NOTIFY too."""
    account = f"/v1/accounts/{house.rep}"
    house.user(house.rep).call("PATCH", account, json={"folders": ["INBOX", "Public/Sales"]})
    rig.wait(lambda: folders(house)["Public/Sales"]["remote"] == 1 and house.synced(house.rep), 30, "the folder is chosen", 0.1)
    assert house.connection.append("Public/Sales", None, None, message("for everybody"))[0] == "OK"
    rig.wait(lambda: "for everybody" in subjects(house), 30, "mail in the chosen shared folder", 0.1)
