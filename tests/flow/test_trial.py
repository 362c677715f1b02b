"""ACC-12: the test message, over the real programs, a real Redis and a real Dovecot whose submission leads back to its LMTP."""
import pytest

import rig
from relay import Relay

NAME = "Anna Müller"
RESULTS = "mx.sales.example; spf=pass smtp.mailfrom=sales.example; dkim=pass header.d=sales.example;\r\n dmarc=%s (p=none) header.from=sales.example"


@pytest.fixture(scope="module")
def trial():
    world = rig.World(messages=20, accounts=2, seed=21)
    relay = Relay(world.server.ports["lmtp"])
    try:
        world.server.down()
        world.server.extra = f"submission_relay_port = {relay.port}\n"
        world.server.up()
        world.add_accounts()
        world.wait_synced(60)
        rep = world.ledger["reps"][0]["id"]
        world.user(rep).call("PATCH", f"/v1/accounts/{rep}", json={"senderName": NAME})

        def send(expect=200, user=rep, **body):
            relay.change, relay.refusal = body.pop("change", with_results("pass")), body.pop("refusal", None)
            answer = world.user(user).call("POST", f"/v1/accounts/{rep}/test-message", expect, json=body).json()
            return answer, {s["step"]: s for s in answer.get("steps", [])}
        send.world, send.rep, send.email = world, rep, world.ledger["reps"][0]["email"]
        yield send
    finally:
        world.close()
        relay.close()


def with_results(dmarc, **headers):
    def change(message):
        if dmarc:
            message._headers.insert(0, ("Authentication-Results", RESULTS % dmarc))
        for name, value in headers.items():
            message.replace_header(name, value)
        return message
    return change


def test_acc12_there_and_back(trial):
    """Proves ACC-12: from the account to itself: each step with its time, the folder, From and name as received, SPF, DKIM and DMARC."""
    answer, steps = trial()
    assert answer["ok"] and list(steps) == ["account", "queued", "sent", "arrived", "sender", "authentication"], answer
    assert all(s["ok"] for s in steps.values()) and "code" not in str(steps), steps
    times = [s["ms"] for s in answer["steps"]]
    assert times == sorted(times) and times[-1] > 0 and steps["arrived"]["folder"] == "INBOX" and steps["sent"]["serverReply"], steps
    assert steps["sender"]["from"] == {"name": NAME, "email": trial.email}
    assert [steps["authentication"][k] for k in ("spf", "dkim", "dmarc")] == ["pass", "pass", "pass"]
    api = trial.world.user(trial.rep)
    view = api.get(f"/v1/accounts/{trial.rep}")
    assert (view["senderNameState"], view["senderNameSeen"]) == ("set", NAME) and view["senderNameSeenAt"], view
    message = api.get(f"/v1/messages/{answer['messageId']}")
    assert message["from"][0]["email"] == trial.email and not api.get(f"/v1/threads/{message['threadId']}")["sharing"] == "shared"
    assert api.get(f"/v1/outbox/{answer['submissionId']}")["status"] == "sent"


@pytest.mark.parametrize("body, step, code, word", [
    ({"change": with_results("pass", From="Webmaster <%s>")}, "sender", "sender_name_replaced", "provider"),
    ({"change": with_results("pass", From=f"{NAME} <main@sales.example>")}, "sender", "sender_address_replaced", "main address"),
    ({"change": with_results("fail")}, "authentication", "domain_not_authenticated", "SPF"),
    ({"change": lambda message: None, "waitSeconds": 3}, "arrived", "not_arrived", "spam"),
    ({"refusal": "550 5.7.1 This address may not send"}, "sent", "send_failed", "server's words"),
    ({"refusal": "451 4.7.1 Greylisted, come back later"}, "sent", "send_delayed", "outbox"),
])
def test_acc12_each_failing_step_has_a_remedy(trial, body, step, code, word):
    """Proves ACC-12: a replaced name, a replaced address, a domain that is not authenticated, a message that is lost, refused or put off."""
    change = body.get("change")
    if code == "sender_name_replaced":
        body = dict(body, change=with_results("pass", From=f"Webmaster <{trial.email}>"))
    assert change or body["refusal"]
    answer, steps = trial(**body)
    assert not answer["ok"] and [s["step"] for s in answer["steps"] if s["ok"] is False] == [step], answer
    assert steps[step]["code"] == code and word in steps[step]["remedy"], steps[step]
    if step == "sent":
        assert body["refusal"][10:20] in (steps[step]["serverReply"] or steps[step]["detail"]) and answer["messageId"] is None and "arrived" not in steps


def test_acc09_a_name_is_set_once_it_came_back(trial):
    """Proves ACC-09: a name that is new is unconfirmed, one that came back set; one that the server replaces is told with the server."""
    api, path = trial.world.user(trial.rep), f"/v1/accounts/{trial.rep}"

    def state():
        return api.get(path)["senderNameState"]
    api.call("PATCH", path, json={"senderName": "Anna the Second"})
    assert state() == "unconfirmed"
    assert trial()[0]["ok"] and state() == "set"
    _, steps = trial(change=with_results("pass", From=f"Webmaster <{trial.email}>"))
    assert steps["sender"]["code"] == "sender_name_replaced" and "127.0.0.1 put it" in steps["sender"]["detail"]
    seen = api.get(path)
    assert (seen["senderNameState"], seen["senderNameSeen"]) == ("replaced", "Webmaster")
    api.call("PATCH", path, json={"senderName": None})
    assert state() == "none"
    api.call("PATCH", path, json={"senderName": NAME})
    assert trial()[0]["ok"] and state() == "set"


def test_acc12_what_is_neither_well_nor_wrong(trial):
    """Proves ACC-12: a server that reports nothing, an address elsewhere, a person of the CRM with this address, no name set."""
    company, api = trial.world.company, trial.world.user(trial.rep)
    answer, steps = trial(change=with_results(None))
    assert answer["ok"] and steps["authentication"]["ok"] is None and steps["authentication"]["code"] == "not_reported"
    answer, steps = trial(to="kim@elsewhere.example", change=lambda message: None)
    assert answer["ok"] and steps["sent"]["ok"] and steps["arrived"]["code"] == "not_looked_for" and answer["messageId"] is None
    company.call("PUT", "/v1/people/anna-twin", json={"name": "Anna Twin", "emails": [trial.email]})
    answer, steps = trial()
    assert answer["ok"] and steps["sender"]["code"] == "person_has_address" and "Anna Twin" in steps["sender"]["detail"], steps["sender"]
    company.call("DELETE", "/v1/people/anna-twin", 204)
    api.call("PATCH", f"/v1/accounts/{trial.rep}", json={"senderName": None})
    answer, steps = trial()
    assert answer["ok"] and steps["sender"]["code"] == "sender_name_not_set" and "senderName" in steps["sender"]["remedy"], steps["sender"]


def test_acc12_what_is_not_tried(trial):
    """Proves ACC-12: a paused account sends nothing and says why; another's account is not there; a wrong address is refused."""
    api = trial.world.user(trial.rep)
    other = trial.world.ledger["reps"][1]["id"]
    assert trial(404, user=other)[0]["code"] == "not_found"
    assert trial(400, to="nobody")[0]["code"] == "invalid_field" and trial(400, waitSeconds=0)[0]["code"] == "invalid_field"
    api.call("POST", f"/v1/accounts/{trial.rep}/pause")
    answer, steps = trial()
    assert not answer["ok"] and list(steps) == ["account"] and steps["account"]["code"] == "account_paused" and steps["account"]["remedy"]
    assert answer["submissionId"] is None
    api.call("POST", f"/v1/accounts/{trial.rep}/resume")


def test_acc11_the_account_shows_its_health(trial):
    """Proves ACC-11: state with its history, last successful read and send, folders, counts; the addresses for allow-lists are in the API."""
    assert trial()[0]["ok"]
    api = trial.world.user(trial.rep)
    view = api.get(f"/v1/accounts/{trial.rep}")
    assert view["state"] == "connected" and view["stateSince"] and view["lastError"] is None and view["nextRetryAt"] is None, view
    assert view["lastReadAt"] and view["lastSentAt"] and view["smtpStatus"] == "ok", view
    assert view["lag"] == 0 and view["counts"]["messages"] > 0 and view["counts"]["pending"] == 0 and view["progress"]["initialDone"], view
    assert [c["state"] for c in api.get(f"/v1/accounts/{trial.rep}/history")["data"]][:1] == [view["changes"][0]["state"]] == ["connected"]
    inbox = next(f for f in api.get(f"/v1/accounts/{trial.rep}/folders")["data"] if f["path"] == "INBOX")
    assert inbox["role"] == "inbox" and inbox["remote"] >= inbox["stored"] > 0, inbox
    assert isinstance(api.get("/v1/egress-addresses")["data"], list)
