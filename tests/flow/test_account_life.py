"""The life of an account over the real programs, a real Redis and a real Dovecot: refused logins, new credentials, stop, removal, return."""
import re
import time

import msgpack
import pytest

import rig
from sender_house import TAG, house, wait  # noqa: F401

NEW = "näw-pässword-2"


@pytest.fixture(scope="module")
def life():
    """Two fetchers, so that what one knows the other must know too; a refused login is tried again soon."""
    world = rig.World(messages=60, accounts=2, seed=11, scale=["fetcher=2"], settings=["fetcher:login_retry_ms=400", "fetcher:lease_ms=2s"])
    try:
        world.add_accounts()
        world.wait_synced(60)
        yield world
    finally:
        world.close()


def email_of(world, rep):
    return next(r["email"] for r in world.ledger["reps"] if r["id"] == rep)


def refusals(world, email):
    """Logins that the mail server refused, by its own log."""
    text = (world.server.dir / "log" / "info.log").read_text(errors="replace")
    return len(re.findall(rf"\({re.escape(email)},[^\n]*(?:[Pp]assword mismatch)", text))


def message(number, text):
    return (f"From: Customer <p0@elsewhere.example>\r\nTo: me\r\nSubject: {text} {number}\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <{text}.{number}@elsewhere.example>\r\n\r\nHello {number}\r\n").encode()


def subjects(world, rep):
    return sorted(m["subject"] or "" for ms in world.messages_by_thread(rep).values() for m in ms)


def view(world, rep):
    return world.user(rep).get(f"/v1/accounts/{rep}")


def events(world, rep, kind):
    found = world.user(rep).get("/v1/events", types=kind)["data"]
    return [e for e in found if e["data"].get("accountId") == rep]


def lock_out(world, rep):
    """The password is another one, and the server closes the connections."""
    email = email_of(world, rep)
    world.server.add_user(email, NEW)
    world.server.doveadm("kick", email)
    return email


def test_acc06_refused_logins_stop_and_resume_without_amnesia(life):
    """Proves ACC-06, ACC-11: authenticationError with an event; three refused logins over all processes and not one more, whoever
    takes the account over; a send fails at once with the reason; new credentials resume from the cursors, nothing twice."""
    rep = life.ledger["reps"][0]["id"]
    api, before = life.user(rep), subjects(life, rep)
    email = lock_out(life, rep)
    stopped = rig.wait(lambda: (v := view(life, rep))["state"] == "authenticationError" and refusals(life, email) >= 3 and
                       not v["nextRetryAt"] and v, 30, "stopped")
    assert stopped["lastError"]["code"] == "wrong_credentials" and stopped["lastError"]["remedy"] and stopped["stateSince"]
    assert [c["state"] for c in stopped["changes"]][:2] == ["authenticationError", "connected"], stopped["changes"]
    assert stopped["changes"][0]["code"] == "wrong_credentials" and stopped["changes"][0]["at"] == stopped["stateSince"]
    rig.wait(lambda: len(events(life, rep, "account.auth_failed")) == 1, 20, "the event")
    missed = [f"meanwhile {n}" for n in range(3)]
    for n in range(3):
        life.deliver(rep, message(n, "meanwhile"))
    refused = api.call("POST", "/v1/messages", 409, json={"accountId": rep, "to": [{"email": "b@them.example"}], "subject": "x", "text": "x"})
    assert refused.json()["code"] == "account_not_authenticated" and "credentials" in refused.json()["detail"]

    def held():
        return life.logs("fetcher").count(f"account_state account={{a:{rig.COMPANY}/{rep}}} state=authenticationError")

    # another process takes over: it asks the account's slot, not the server
    lease = f"{{a:{rig.COMPANY}/{rep}}}:lease"
    token = int(life.redis().hget(lease, "token"))
    told = held()
    life.mailweave("restart", "fetcher")
    rig.wait(lambda: life._quiet(lambda: int(life.redis().hget(lease, "token")) > token and life.redis().hget(lease, "owner")), 40, "taken over")
    rig.wait(lambda: held() > told, 30, "asked and held")
    again = view(life, rep)["lastError"]
    assert again["code"] == "wrong_credentials" and view(life, rep)["state"] == "authenticationError"
    assert view(life, rep)["stateSince"] == stopped["stateSince"] and refusals(life, email) == 3

    # a wrong guess is refused and changes nothing
    api.call("POST", f"/v1/accounts/{rep}/reauthenticate", 422, json={"imap": {"password": "nonsense"}})
    assert view(life, rep)["state"] == "authenticationError"
    api.call("POST", f"/v1/accounts/{rep}/reauthenticate", 200, json={"imap": {"password": NEW}})
    rig.wait(lambda: life._quiet(lambda: life.synced(rep)) and subjects(life, rep) == sorted(before + missed), 60, "resumed")
    seen = view(life, rep)
    assert seen["lastError"] is None and [c["state"] for c in seen["changes"]][:3] == ["connected", "connecting", "authenticationError"]
    found = [m["messageId"] for ms in life.messages_by_thread(rep).values() for m in ms]
    assert len(found) == len(before) + 3
    assert len(events(life, rep, "account.auth_failed")) == 1 and events(life, rep, "account.connected")


def test_acc07_stop_remove_and_return(life):
    """Proves ACC-07: stop keeps what is synced and starts where it stopped; removal keeps the mail, and the account that comes back
    meets it again: the same messages under the same ids, nothing twice, what arrived meanwhile as well."""
    rep = life.ledger["reps"][1]["id"]
    api = life.user(rep)

    def ids():
        return sorted(m["id"] for ms in life.messages_by_thread(rep).values() for m in ms)
    before = ids()
    assert api.call("POST", f"/v1/accounts/{rep}/pause").json()["state"] == "paused"
    rig.wait(lambda: view(life, rep)["changes"][0]["state"] == "paused", 20, "the fetcher stopped")
    life.deliver(rep, message(1, "paused"))
    assert ids() == before and view(life, rep)["state"] == "paused"
    api.call("POST", f"/v1/accounts/{rep}/resume")
    rig.wait(lambda: len(ids()) == len(before) + 1, 40, "what came while it was stopped")
    life.wait_synced(40, [rep])
    kept = ids()
    assert set(before) < set(kept) and [c["state"] for c in view(life, rep)["changes"]][:3] == ["connected", "connecting", "paused"]

    api.call("DELETE", f"/v1/accounts/{rep}", 204)
    assert api.call("GET", f"/v1/accounts/{rep}", 404).json()["code"] == "not_found"
    life.deliver(rep, message(2, "removed"))
    back = life.add_account(rep)
    assert back["id"] == rep
    rig.wait(lambda: life._quiet(lambda: len(ids()) == len(kept) + 1 and life.synced(rep)), 60, "met again, and the new one")
    after = ids()
    assert set(kept) < set(after) and len(set(after)) == len(after) == len(kept) + 1
    assert life.redis().hget(f"{{a:{rig.COMPANY}/{rep}}}:n", "committed") == str(len(after)).encode()


def test_acc06_the_count_of_refused_logins(house):  # noqa: F811
    """Proves ACC-06 and F38 on the function that fetchers and senders share: what is under way counts as refused, a dead process's login no longer
    than it may take, sending stops before reading does, the third refusal within an hour is the last."""
    house.start()
    wait(lambda: b"sender_1_login_ask" in str(house.redis.function_list("sender_1")).encode(), "the sender's functions")

    def ask(direction="imap", takes=60000, pause=0):
        return [a.decode() for a in house.redis.fcall("sender_1_login_ask", 1, TAG, direction, takes, pause)]

    def tell(ticket, what, direction="imap", code="wrong_credentials", text="no"):
        return house.redis.fcall("sender_1_login_told", 1, TAG, direction, ticket, what, code, text)[0].decode()
    tickets = [ask()[1] for _ in range(3)]
    assert ask()[0] == "later" and ask("smtp")[2:] == ["", ""], "three are under way, by whomever"
    assert tell(tickets[0], "in") == "ok" and tell(tickets[0], "refused") == "late", "told once"
    assert [tell(t, "left") for t in tickets[1:]] == ["ok", "ok"]
    assert [ask(takes=1)[0] for _ in range(3)] == ["ok"] * 3
    wait(lambda: ask("smtp")[0] == "ok", "three dead processes' logins are over")
    house.redis.delete(TAG + ":lg")

    assert tell(ask("smtp")[1], "refused", "smtp") == "ok"
    assert ask("smtp", pause=60000)[0] == "later" and ask("smtp", pause=60000)[2:] == ["wrong_credentials", "no"]
    assert tell(ask("smtp")[1], "refused", "smtp") == "stopped" and ask("smtp") == ["stopped", "wrong_credentials", "no"]
    assert tell(ask()[1], "in") == "ok", "reading goes on"
    assert tell(ask()[1], "refused", code="app_password_needed") == "stopped" and ask() == ["stopped", "app_password_needed", "no"]
    house.redis.delete(TAG + ":lg")

    for _ in range(2):
        assert tell(ask()[1], "refused") == "ok"
    ago = int(time.time() * 1000) - 3700000
    house.redis.hset(TAG + ":lg", "r", msgpack.packb([ago, ago]))
    assert tell(ask()[1], "failed", code="connection_refused") == "ok"
    assert tell(ask()[1], "refused") == "stopped", "three in a row, however slowly"
