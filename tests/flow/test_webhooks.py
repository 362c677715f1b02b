"""Proves webhooks (API.md, Events): in order and once while the endpoint takes them, signed, retried, one queue an endpoint, nothing lost
at a restart, only to public addresses, and with nothing in them that GET /v1/events would not show the same viewer (SHR-06); on the real
gateway and linker over a real Redis, with an endpoint that keeps a ledger."""
import base64
import hashlib
import hmac
import json
import signal
import subprocess
import time

import pytest

from gateway_world import BUILD, COMPANY, NOW, Mailbox, id_of, public, wait
from webhook_sink import Sink

DAY = 86400 * 1000


class HookBox(Mailbox):
    """Its gateways may post to loopback."""

    settings = ["--allow_private_hosts", "yes"]

    def _spawn(self, name, words):
        super()._spawn(name, list(words) + (self.settings if name.startswith("gateway") else []))

    def close(self):
        text = "".join(path.read_text(errors="replace") for path in self.dir.glob("gateway-*.log"))
        super().close()
        for unwanted in ("Sanitizer", "runtime error:", "whsec_", "client.example"):
            assert unwanted not in text, text[-6000:]


@pytest.fixture(scope="module")
def shared_box():
    made = HookBox()
    yield made
    made.close()


@pytest.fixture
def house(shared_box):
    box = shared_box
    box.wipe()
    box.api = {name: box.user(name) for name in ("anna", "ben", "cleo")}
    box.account("anna", "anna")
    box.account("ben", "ben")
    for name in ("p1", "p2"):
        box.person(name)
    box.item("deal", "1")
    yield box
    for api in (box.company, *box.api.values()):
        for hook in api.get("/v1/webhooks")["data"]:
            api.ok("DELETE", f"/v1/webhooks/{hook['id']}", 204)


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def hook(api, sink, path, **fields):
    return api.ok("POST", "/v1/webhooks", 201, json={"url": sink.base + path, **fields})


def bare(events):
    """Without the thread as it is now, which is of the moment of reading."""
    return [{**e, "data": {k: v for k, v in e["data"].items() if k != "thread"}} for e in events]


def ids(events):
    return [e["id"] for e in events]


def verify(request, *secrets):
    """Standard Webhooks, by hand: one signature for each of the secrets."""
    content = request["webhook-id"].encode() + b"." + request["webhook-timestamp"].encode() + b"." + request["body"]
    expected = ["v1," + base64.b64encode(hmac.new(base64.b64decode(s.removeprefix("whsec_")), content, hashlib.sha256).digest()).decode()
                for s in secrets]
    assert request["webhook-signature"].split(" ") == expected
    assert abs(int(request["webhook-timestamp"]) - time.time()) < 300


def busy(house):
    """Mail and changes of two mailboxes: something of each kind."""
    anna = house.api["anna"]
    for k in range(5):
        house.mail("anna", f"m{k}", people=["p1"], received=NOW + k, **({"kind": "d", "item": "1"} if k % 2 else {}))
        house.mail("ben", f"b{k}", people=["p2"] if k % 3 else [], received=NOW + k)
    a = public("anna", id_of("annam0"))
    anna.ok("PATCH", f"/v1/threads/{a}", json={"sharing": "private"})
    anna.ok("PATCH", f"/v1/threads/{a}", json={"sharing": "shared", "archived": True, "read": True})
    anna.ok("PUT", f"/v1/threads/{a}/link", json={"kind": "deal", "id": "1"})
    house.mail("anna", "joint", ["m2", "m3"], received=NOW + 50)
    anna.ok("DELETE", f"/v1/threads/{public('anna', id_of('annam1'))}", 204)
    house.settle()


def all_taken(house, sink, path, api, **query):
    """The endpoint's ledger is the viewer's stream, each event once and in order."""
    wanted = api.events(**query)[0]
    wait(lambda: len(sink.taken(path)) >= len(wanted), 30, f"{len(wanted)} events at {path}; there are {len(sink.taken(path))}\n" +
         house.log("gateway-1"))
    assert ids(sink.taken(path)) == ids(wanted)
    return wanted


def test_shr_06_in_order_once_and_nothing_but_the_viewers_own(house, sink):
    viewers = {"/company": house.company, **{"/" + name: api for name, api in house.api.items()}}
    hooks = {path: hook(api, sink, path, active=False) for path, api in viewers.items()}
    busy(house)
    house.mail("anna", "hidden", people=["p1"], sharing="p", subject="nobody else's")
    house.settle()
    for path, api in viewers.items():  # not before: what may be seen is asked at delivery, and shall stay as it is
        api.ok("PATCH", f"/v1/webhooks/{hooks[path]['id']}", 200, json={"active": True})
    for path, api in viewers.items():
        wanted = all_taken(house, sink, path, api)
        assert len(wanted) > 10
        assert bare(sink.taken(path)) == bare(wanted)
        for one in sink.requests(path):
            assert one["method"] == "POST" and one["content-type"] == "application/cloudevents+json"
            assert one["webhook-id"] == json.loads(one["body"])["id"]
            verify(one, hooks[path]["secret"])
    secret = public("anna", id_of("annahidden"))
    assert any(e["data"].get("threadId") == secret for e in sink.taken("/anna"))
    for path in ("/ben", "/cleo"):
        assert secret.encode() not in b"".join(one["body"] for one in sink.requests(path))
    told = b"".join(one["body"] for one in sink.requests("/company"))
    for word in (b"subject", b"preview", b"client.example", b"nobody else", b'"thread":'):
        assert word not in told
    assert b'"thread":' in b"".join(one["body"] for one in sink.requests("/anna"))
    view = house.company.get(f"/v1/webhooks/{hooks['/company']['id']}")
    assert (view["state"], view["failures"], view["problem"], view["lastStatus"]) == ("active", 0, None, 200)
    assert "secret" not in view and view["delivered"] == len(sink.taken("/company"))


def test_a_new_webhook_begins_now_with_what_it_asked_for(house, sink):
    house.mail("anna", "before", people=["p1"])
    house.settle()
    made = hook(house.company, sink, "/new", types=["thread.shared", "thread.unshared"])
    thread = house.mail("anna", "after", people=["p1"])
    house.api["anna"].ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "private"})
    wait(lambda: sink.taken("/new"), 20, "the event asked for")
    assert [e["type"] for e in sink.taken("/new")] == ["thread.unshared"]
    house.company.ok("PATCH", f"/v1/webhooks/{made['id']}", json={"types": [], "batch": 50, "description": "all"})
    for k in range(4):
        house.mail("anna", f"more{k}", people=["p1"])
    last = house.mail("anna", "last", people=["p1"])
    wait(lambda: any(e["data"].get("threadId") == last and e["type"] == "thread.updated" for e in sink.taken("/new")), 20, "the last event")
    lists = [one for one in sink.requests("/new") if one["content-type"] == "application/cloudevents-batch+json"]
    assert lists and isinstance(json.loads(lists[-1]["body"]), list)
    verify(lists[-1], made["secret"])
    events = ids(house.company.events(after=sink.taken("/new")[0]["id"])[0])
    assert ids(sink.taken("/new"))[1:] in (events, events[1:])  # the sharing's thread.updated may have been passed over before


def test_retried_until_it_is_taken(house, sink):
    refusals = iter([500, (302, {"Location": sink.base + "/elsewhere"}, b""), (503, {"Retry-After": "2"}, b"x" * 200000)])
    sink.answers["/shaky"] = lambda _: next(refusals, (200, {}, b"y" * 300000))
    made = hook(house.company, sink, "/shaky")
    house.mail("anna", "a", people=["p1"])
    house.mail("anna", "b", people=["p1"])
    house.settle()
    wanted = all_taken(house, sink, "/shaky", house.company)
    tries = sink.requests("/shaky")
    assert [one["webhook-id"] for one in tries] == [wanted[0]["id"]] * 3 + ids(wanted)
    assert not sink.requests("/elsewhere")
    assert tries[3]["at"] - tries[2]["at"] > 1.9
    waits = [tries[k + 1]["at"] - tries[k]["at"] for k in range(2)]
    assert waits[0] > 0.7 and waits[1] > 1.4
    for one in tries:
        verify(one, made["secret"])
    wait(lambda: house.company.get(f"/v1/webhooks/{made['id']}")["delivered"] == len(wanted), 10, "the count")
    log = house.company.every(f"/v1/webhooks/{made['id']}/deliveries", limit=2)[::-1]
    assert [(d["status"], d["delivered"], d["attempt"]) for d in log[:5]] == [(500, False, 1), (302, False, 2), (503, False, 3), (200, True, 4),
                                                                           (200, True, 1)]
    assert log[0]["error"] == "http_status" and log[0]["nextAttemptAt"] and log[3]["error"] is None


def test_an_endpoint_that_hangs_delays_nobody_else(house, sink):
    sink.answers["/hang"] = "hang"
    for k in range(3):
        hook(house.company, sink, "/hang")
    hook(house.api["anna"], sink, "/quick")
    house.mail("anna", "a", people=["p1"])
    house.settle()
    wait(lambda: len(sink.requests("/hang")) == 3, 10, "the hanging ones are asked")
    for k in range(10):
        house.mail("anna", f"more{k}", people=["p1"])
    house.settle()
    all_taken(house, sink, "/quick", house.api["anna"])  # in less time than three that hang for 15 s would cost one after the other
    assert not sink.taken("/hang")


def test_nothing_is_lost_when_the_gateway_dies(house, sink):
    made = hook(house.company, sink, "/kill")
    sink.answers["/kill"] = 503
    house.mail("anna", "first", people=["p1"])
    wait(lambda: sink.requests("/kill"), 20, "a first attempt")
    house.restart_gateway(signal.SIGKILL)
    sink.answers["/kill"] = lambda _: time.sleep(0.01) or 200
    for k in range(30):
        house.mail("anna", f"m{k}", people=["p1"])
    wait(lambda: len(sink.taken("/kill")) > 15, 30, "some are taken")
    house.restart_gateway(signal.SIGKILL)
    wait(lambda: len(sink.taken("/kill")) > 30, 30, "more are taken")
    house.restart_gateway(signal.SIGTERM)
    house.settle()
    wanted = ids(house.company.events()[0])
    wait(lambda: wanted[-1] in ids(sink.taken("/kill")), 30, "the last one")
    taken = ids(sink.taken("/kill"))
    assert list(dict.fromkeys(taken)) == wanted  # in order, and each there
    assert len(taken) <= len(wanted) + 2  # what was under way when it was killed comes again
    assert house.company.get(f"/v1/webhooks/{made['id']}")["delivered"] >= len(wanted) - 2


def test_two_secrets_are_good_while_rotating(house, sink):
    made = hook(house.company, sink, "/turn")
    path = f"/v1/webhooks/{made['id']}/rotate-secret"
    second = house.company.ok("POST", path, 200, json={})
    assert second["oldSecretUntil"] and second["secret"] != made["secret"]
    house.mail("anna", "a", people=["p1"])
    wait(lambda: len(sink.requests("/turn")) == 2, 20, "both events")
    for one in sink.requests("/turn"):
        verify(one, second["secret"], made["secret"])
    third = house.company.ok("POST", path, 200, json={"overlap": 0})
    assert third["oldSecretUntil"] is None
    house.mail("anna", "b", people=["p1"])
    wait(lambda: len(sink.requests("/turn")) == 4, 20, "both events")
    for one in sink.requests("/turn")[2:]:
        verify(one, third["secret"])
    stored = house.r.hget("{c:%s}:wh" % COMPANY, made["id"])
    for secret in (made, second, third):
        assert base64.b64decode(secret["secret"][6:]) not in stored and secret["secret"][6:].encode() not in stored
        assert secret["secret"][6:] not in house.log("gateway-1")


def test_replay_from_an_event(house, sink):
    made = hook(house.api["anna"], sink, "/again")
    for k in range(6):
        house.mail("anna", f"m{k}", people=["p1"])
    house.settle()
    wanted = ids(all_taken(house, sink, "/again", house.api["anna"]))
    path = f"/v1/webhooks/{made['id']}/replay"
    for k, given in ((5, {"from": wanted[5]}), (8, {"after": wanted[7]}), (0, {"since": "2020-01-01T00:00:00Z"})):
        before = len(sink.taken("/again"))
        house.api["anna"].ok("POST", path, 200, json=given)
        wait(lambda: len(sink.taken("/again")) >= before + len(wanted) - k, 20, given)
        assert ids(sink.taken("/again"))[before:] == wanted[k:], given
    for body, status in (({}, 400), ({"from": wanted[0], "after": wanted[0]}, 400), ({"from": "x" * 26}, 400)):
        assert house.api["anna"].call("POST", path, json=body).status_code == status


def test_off_after_three_days_and_on_again(house, sink):
    """With a first failure three days back, as the state in Redis says."""
    sink.answers["/bad"] = 500
    made = hook(house.company, sink, "/bad")
    view = lambda: house.company.get(f"/v1/webhooks/{made['id']}")  # noqa: E731
    house.mail("anna", "a", people=["p1"])
    failing = wait(lambda: view()["failures"] and view(), 20, "a failure")
    assert (failing["state"], failing["active"], failing["problem"]["code"]) == ("failing", True, "endpoint_failing")
    house.r.hset("{c:%s}:whs:%s" % (COMPANY, made["id"]), "failing", int(time.time() * 1000) - 3 * DAY)
    off = wait(lambda: view()["state"] == "disabled" and view(), 30, "it is turned off")
    assert (off["active"], off["problem"]["code"], off["nextAttemptAt"]) == (False, "endpoint_failed", None)
    event = house.company.events(types="webhook.disabled")[0]
    assert [e["data"] for e in event] == [{"webhookId": made["id"], "reason": "failed"}]
    assert not house.api["anna"].events(types="webhook.disabled")[0]
    tries = len(sink.requests("/bad"))
    house.mail("anna", "b", people=["p1"])
    house.settle()
    sink.answers["/bad"] = 200
    on = house.company.ok("PATCH", f"/v1/webhooks/{made['id']}", 200, json={"active": True})
    assert (on["state"], on["problem"]) == ("active", None)
    all_taken(house, sink, "/bad", house.company)
    assert len(sink.requests("/bad")) == tries + len(sink.taken("/bad"))
    # Of a user's own, the user is told; 410 is the end at once.
    sink.answers["/gone"] = 410
    own = hook(house.api["ben"], sink, "/gone")
    house.mail("ben", "c", people=["p2"])
    gone = wait(lambda: house.api["ben"].get(f"/v1/webhooks/{own['id']}")["problem"], 20, "410 is the end")
    assert gone["code"] == "endpoint_gone"
    told = house.api["ben"].events(types="webhook.disabled")[0]
    assert [e["data"]["webhookId"] for e in told] == [own["id"]]


def test_paused_it_waits(house, sink):
    made = hook(house.company, sink, "/pause", active=False)
    assert made["state"] == "paused"
    house.mail("anna", "a", people=["p1"])
    house.settle()
    house.company.ok("PATCH", f"/v1/webhooks/{made['id']}", 200, json={"active": True, "url": sink.base + "/moved"})
    all_taken(house, sink, "/moved", house.company)
    assert not sink.requests("/pause")


def test_after_more_than_seven_days_it_goes_on_with_the_oldest_kept(house, sink):
    """What the API promises of a rest that was longer than events are kept: no stop, no error, nothing twice."""
    made = hook(house.company, sink, "/rest", active=False)
    for k in range(6):
        house.mail("anna", f"m{k}", people=["p1"])
    house.settle()
    stream, before = "{c:%s}:ev" % COMPANY, ids(house.company.events()[0])
    house.r.xtrim(stream, minid=house.r.xrange(stream)[3][0], approximate=False)
    kept = ids(house.company.events()[0])
    assert kept and kept == before[-len(kept):] and len(kept) < len(before)
    house.company.ok("PATCH", f"/v1/webhooks/{made['id']}", 200, json={"active": True})
    house.mail("anna", "new", people=["p1"])
    house.settle()
    wanted = ids(all_taken(house, sink, "/rest", house.company))
    assert wanted[:len(kept)] == kept and house.company.get(f"/v1/webhooks/{made['id']}")["state"] == "active"


def test_whose_it_is(house, sink):
    mine = hook(house.api["anna"], sink, "/mine")
    faces = set()
    for api in (house.api["ben"], house.company):
        assert api.get("/v1/webhooks")["data"] == []
        for method, path, body in (("GET", "", None), ("PATCH", "", {"active": False}), ("DELETE", "", None), ("POST", "/test", None),
                                   ("GET", "/deliveries", None), ("POST", "/rotate-secret", {}), ("POST", "/replay", {"after": "x"})):
            answer = api.call(method, f"/v1/webhooks/{mine['id']}{path}", json=body)
            faces.add((answer.status_code, answer.content))
    faces.add((404, house.company.call("GET", "/v1/webhooks/nothing").content))
    assert len(faces) == 1
    more = [hook(house.api["anna"], sink, "/mine", description=str(k)) for k in range(4)]
    assert {h["id"] for h in house.api["anna"].every("/v1/webhooks", limit=2)} == {h["id"] for h in [mine, *more]}
    for body in ({"url": "ftp://x.example/"}, {"url": sink.base, "types": ["nonsense"]}, {"url": sink.base, "batch": 101}, {}):
        assert house.company.call("POST", "/v1/webhooks", json=body).status_code == 400
    # The same request twice makes one.
    once = [house.company.call("POST", "/v1/webhooks", headers={"Idempotency-Key": "k1"}, json={"url": sink.base + "/k"}).json() for _ in "12"]
    assert once[0] == once[1] and len(house.company.get("/v1/webhooks")["data"]) == 1
    # A user who goes takes the webhooks along.
    cleos = hook(house.api["cleo"], sink, "/cleo")
    house.company.ok("DELETE", "/v1/users/cleo", 204)
    house.api["cleo"] = house.user("cleo")
    assert house.api["cleo"].get("/v1/webhooks")["data"] == []
    assert not house.r.exists("{c:%s}:whs:%s" % (COMPANY, cleos["id"]))


def test_a_test_event(house, sink):
    made = hook(house.company, sink, "/try")
    path = f"/v1/webhooks/{made['id']}/test"
    assert {**house.company.ok("POST", path, 200), "durationMs": 0} == {"delivered": True, "status": 200, "error": None, "durationMs": 0}
    one = sink.requests("/try")[0]
    verify(one, made["secret"])
    assert json.loads(one["body"])["type"] == "webhook.test"
    sink.answers["/try"] = 404
    answer = house.company.ok("POST", path, 200)
    assert (answer["delivered"], answer["status"], answer["error"]) == (False, 404, "http_status")


def metric(house, name):
    text = house.root.call("GET", "/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("mailweave_" + name)]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_two_gateways_share_and_take_over(house, sink):
    count = 20  # one gateway serves all with a chance of 2 in 2^20
    for k in range(count):
        hook(house.company, sink, f"/g{k}")
    house._spawn("gateway-2", [BUILD / "gateway/gateway", "--name", "gateway-2", "--listen", "127.0.0.1:0", *house.common])
    try:
        owners = lambda: {house.r.hget(key, "owner") for key in house.r.keys("{c:%s}:whs:*" % COMPANY)}  # noqa: E731
        rounds = iter(range(1000))

        def both():
            house.mail("anna", f"m{next(rounds)}", people=["p1"])
            time.sleep(0.1)
            return {b"gateway-1", b"gateway-2"} <= owners()

        wait(both, 30, "both deliver")
        house.settle()
        for k in range(count):
            all_taken(house, sink, f"/g{k}", house.company)
        gone = house.running.pop("gateway-2")
        gone.terminate()
        gone.wait(30)
        house.mail("anna", "later", people=["p1"])
        house.settle()
        for k in range(count):
            all_taken(house, sink, f"/g{k}", house.company)
        assert owners() == {b"gateway-1"}
    finally:
        if "gateway-2" in house.running:
            gone = house.running.pop("gateway-2")
            gone.kill()
            gone.wait()


def test_f132_only_public_addresses(house, sink):
    """Without the setting that the other tests need: no connection is made, whatever the name says."""
    port = sink.server.server_port
    house.settings = []
    house.restart_gateway(signal.SIGTERM)
    try:
        for url in (sink.base + "/", f"https://127.0.0.1:{port}/", f"https://[::1]:{port}/", f"https://2130706433:{port}/",
                    "https://169.254.169.254/latest", "https://10.0.0.1/"):
            answer = house.company.call("POST", "/v1/webhooks", json={"url": url})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_field"), url
        made = house.company.ok("POST", "/v1/webhooks", 201, json={"url": f"https://localhost:{port}/x"})
        answer = house.company.ok("POST", f"/v1/webhooks/{made['id']}/test", 200)
        assert (answer["delivered"], answer["status"], answer["error"]) == (False, None, "address_not_public")
        house.mail("anna", "a", people=["p1"])
        wait(lambda: house.company.get(f"/v1/webhooks/{made['id']}")["failures"], 20, "a failure")
        log = house.company.get(f"/v1/webhooks/{made['id']}/deliveries")["data"]
        assert {d["error"] for d in log} == {"address_not_public"}
        assert not any(sink.ledger.values())
    finally:
        house.settings = HookBox.settings
        house.restart_gateway(signal.SIGTERM)


def test_only_certificates_that_are_trusted(house, tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], check=True,
                   capture_output=True)
    sink = Sink(certificate, key)
    try:
        made = hook(house.company, sink, "/tls")
        answer = house.company.ok("POST", f"/v1/webhooks/{made['id']}/test", 200)
        assert (answer["delivered"], answer["error"]) == (False, "certificate_untrusted")
        assert not sink.requests("/tls")
        house.settings = HookBox.settings + ["--ca_file", certificate]
        house.restart_gateway(signal.SIGTERM)
        house.mail("anna", "a", people=["p1"])
        house.settle()
        all_taken(house, sink, "/tls", house.company)
        verify(sink.requests("/tls")[0], made["secret"])
    finally:
        house.settings = HookBox.settings
        house.restart_gateway(signal.SIGTERM)
        sink.close()


def test_ops_02_what_is_counted(house, sink):
    sink.answers["/late"] = 500
    hook(house.company, sink, "/late")
    hook(house.company, sink, "/fine")
    house.mail("anna", "a", people=["p1"])
    house.settle()
    all_taken(house, sink, "/fine", house.company)
    wait(lambda: sum(v for k, v in metric(house, "gateway_webhook_lag_seconds").items()) >= 1, 20, "lag")
    wanted = {"working": 1, "failing": 1, "off": 0}
    wait(lambda: {k.split('condition="')[1][:-2]: v for k, v in metric(house, "gateway_webhooks{").items()} == wanted, 20, "webhooks")
    results = {k.split('result="')[1][:-2]: v for k, v in metric(house, "gateway_webhook_requests_total").items()}
    assert results["delivered"] >= 2 and results["failed"] >= 1
    sink.answers["/late"] = 200
    all_taken(house, sink, "/late", house.company)
    wait(lambda: sum(metric(house, "gateway_webhook_lag_seconds").values()) == 0, 20, "no lag")
