"""The demo of `make run`. What is there already stays: a second run only starts what does not run and shows the result again."""
import argparse
import json
import shutil
import sys
import time
import unicodedata

from . import commands
from .api import Api, Problem
from .state import ROOT, State, Stop

COMPANY, PASSWORD = "demo", "demo-password"
BLOCKED = ["@bulk.example"]


def mail_server(directory):
    from mailserver import MailServer  # tests/demo
    return MailServer(directory / "mailserver")


def prepare_mail(server, directory, messages):
    """Sample mail in the server's folders, once. Returns the generator's ledger."""
    import generate
    made = server.dir / "made"
    if not (made / "ledger.json").exists():
        print(f"writing {messages:,} sample messages")
        server.dir.mkdir(parents=True, exist_ok=True)
        generate.generate(made, messages=messages)
        (made / "mail").rename(server.mail)
    ledger = json.loads((made / "ledger.json").read_text())
    for rep in ledger["reps"]:
        server.users[rep["email"]] = PASSWORD
    return ledger, (made / "mirror.ndjson").read_bytes()


def company_token(state, root):
    path = state.dir / "demo.token"
    if path.exists():
        return path.read_text().strip()
    root.put(f"/v1/companies/{COMPANY}", {"name": "Demo Ltd"})
    token = root.post("/v1/tokens", {"kind": "company", "companyId": COMPANY})["token"]
    path.touch(mode=0o600)
    path.write_text(token + "\n")
    return token


def push_mirror(api, ledger, mirror):
    for rep in ledger["reps"]:
        api.put(f"/v1/users/{rep['id']}", {"name": rep["name"], "loginEmail": rep["email"], "emails": [rep["email"]], "role": "regular", "groups": []})
    # The last rep is a manager: the example views below are theirs.
    api.request("PATCH", "/v1/settings", {"blocked": BLOCKED})
    answer = api.request("POST", "/v1/import", mirror, content_type="application/x-ndjson")
    print(f"pushed people, organizations and items: {json.dumps(answer)[:200]}")


def add_accounts(state, token, ledger, server):
    made = 0
    for rep in ledger["reps"]:
        api = Api(state, token, rep["id"])
        try:
            api.get(f"/v1/accounts/{rep['id']}")
            continue
        except Problem as problem:
            if problem.status != 404:
                raise
        login = {"host": "127.0.0.1", "user": rep["email"], "password": PASSWORD, "security": "tls"}
        api.post("/v1/accounts", {"id": rep["id"], "userId": rep["id"], "email": rep["email"], "since": "all",
                                  "imap": dict(login, port=server.ports["imaps"]), "smtp": dict(login, port=server.ports["submissions"])})
        made += 1
    return made


def progress_line(views, started, before, width=28):
    done = sum((v.get("progress") or {}).get("done", 0) for v in views)
    total = sum((v.get("progress") or {}).get("total", 0) for v in views)
    filled = int(width * done / total) if total else 0
    rate = (done - before) / max(0.001, time.monotonic() - started)
    parts = "  ".join(f"{v['id']} {(v.get('progress') or {}).get('done', 0)}/{(v.get('progress') or {}).get('total', 0)}" for v in views)
    return f"[{'█' * filled}{'·' * (width - filled)}] {done:,}/{total:,}  {rate:,.0f}/s  {parts}"


def wait_synced(state, token, ledger, seconds=900):
    apis = [(rep["id"], Api(state, token, rep["id"])) for rep in ledger["reps"]]
    started, tty = time.monotonic(), sys.stdout.isatty()
    shown, before = 0, None
    while True:
        views = [api.get(f"/v1/accounts/{name}") for name, api in apis]
        if before is None:  # from a run before this one
            before = sum((v.get("progress") or {}).get("done", 0) for v in views)
        finished = all(v.get("state") == "connected" for v in views)
        if tty or finished or time.monotonic() - shown > 2:
            print(("\r\033[K" if tty else "") + progress_line(views, started, before), end="" if tty else "\n", flush=True)
            shown = time.monotonic()
        bad = [v for v in views if v.get("state") in ("authenticationError", "connectError")]
        if bad:
            raise Stop(f"account {bad[0]['id']}: {bad[0]['state']} {json.dumps(bad[0].get('lastError'))}", "scripts/mailweave logs fetcher")
        if finished:
            print("" if not tty else "\n", end="")
            return time.monotonic() - started
        if time.monotonic() - started > seconds:
            raise Stop(f"not synced after {seconds} s", "scripts/mailweave status; scripts/mailweave logs")
        time.sleep(0.2)


def summary(state, token, ledger):
    """Counts per rep, from what the API shows; the reasons of what was not linked."""
    messages = threads = linked = 0
    skipped, all_threads = {}, []
    for rep in ledger["reps"]:
        for thread in Api(state, token, rep["id"]).every("/v1/threads"):
            threads += 1
            messages += thread["messageCount"]
            all_threads.append((rep["id"], thread))
            if thread.get("link"):
                linked += 1
            else:
                reason = thread.get("linkSkipped") or "none"
                skipped[reason] = skipped.get(reason, 0) + 1
    accounts = [Api(state, token, r["id"]).get(f"/v1/accounts/{r['id']}") for r in ledger["reps"]]
    counts = {k: sum((a.get("counts") or {}).get(k, 0) for a in accounts) for k in ("screened", "setAside")}
    print(f"\n{messages:,} messages in {threads:,} threads; {linked:,} threads linked to a deal, lead or project")
    print("not linked: " + ", ".join(f"{n} {reason}" for reason, n in sorted(skipped.items(), key=lambda x: -x[1])))
    print(f"blocked addresses screened out {counts['screened']} messages; {counts['setAside']} set aside; trash and spam folders are not synced")
    return all_threads


def share_one_hide_one(state, token, ledger, threads):
    """One conversation private, one shared: they stay so whatever is synced later."""
    by_rep = {}
    for rep, thread in threads:
        if thread.get("link") and thread["messageCount"] > 1:
            by_rep.setdefault(rep, []).append(thread)
    rep, mine = max(by_rep.items(), key=lambda x: len(x[1]))
    api = Api(state, token, rep)
    hidden, shown = mine[0], mine[1]
    if hidden["sharing"] != "private" and not any(t["sharing"] == "private" for t in mine):
        api.request("PATCH", f"/v1/threads/{hidden['id']}", {"sharing": "private"})
        api.request("PATCH", f"/v1/threads/{shown['id']}", {"sharing": "shared"})
    hidden = next(t for t in api.every("/v1/threads") if t["sharing"] == "private")
    kind, item = hidden["link"]["kind"], hidden["link"]["id"]
    other = next(r["id"] for r in ledger["reps"] if r["id"] != rep)
    seen = any(t["id"] == hidden["id"] for t in Api(state, token, other).every(f"/v1/{kind}s/{item}/threads"))
    print(f"private: {rep} keeps “{' '.join(hidden['subject'].split())}” on {kind} {item} private; {other} sees it there: {'yes' if seen else 'no'}")
    return rep


def columns(text):
    """Columns of a terminal: East Asian letters take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cell(text, width):
    """One line of exactly so many columns."""
    text = " ".join((text or "").split())
    if columns(text) > width:
        while columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - columns(text))


def show_examples(state, token, ledger, threads, owner):
    """Three deals with the most conversations, as a colleague of their owner sees them."""
    deals = {}
    for _, thread in threads:
        link = thread.get("link")
        if link and link["kind"] == "deal":
            deals.setdefault(link["id"], []).append(thread)
    viewer = next(r["id"] for r in ledger["reps"] if r["id"] != owner)
    api = Api(state, token, viewer)
    for deal in sorted(deals, key=lambda d: -max(t["messageCount"] for t in deals[d]))[:3]:
        item = api.get(f"/v1/deals/{deal}")
        print(f"\n── {item['title']} ({deal}, {item['status']}), as {viewer} sees it")
        for thread in api.get(f"/v1/deals/{deal}/threads", limit=3)["data"]:
            print(f"   {cell(thread['subject'], 46)}{thread['messageCount']:>3} messages  {thread['lastMessageAt'][:10]}  {thread['sharing']}"
                  f"  linked {thread['link']['by'] if thread.get('link') else ''}")
            for message in api.get(f"/v1/threads/{thread['id']}/messages")["data"][:3]:
                sender = (message.get("from") or [{}])[0]
                print(f"      {cell(sender.get('name') or sender.get('email'), 22)}  {cell(message.get('preview'), 70).rstrip()}")


def closing(state, server, ledger):
    host, port = state.api_address()
    rep = ledger["reps"][0]
    usual = str(state.dir) == str(ROOT / "var")
    prefix = "" if usual else f"--dir {state.dir} "
    print(f"""
API          http://{host}:{port}/v1   (openapi.json there; token of the company: {state.dir}/demo.token)
mail server  imaps://127.0.0.1:{server.ports['imaps']}  user {rep['email']}  password {PASSWORD}  CA {server.ca}
try          scripts/mailweave {prefix}status --watch
             scripts/mailweave {prefix}doctor
             scripts/mailweave {prefix}logs -f
             curl -s -H "Authorization: Bearer $(cat {state.dir}/demo.token)" -H 'Acting-User: {rep['id']}' http://{host}:{port}/v1/threads?limit=3
stop         {"make stop" if usual else f"scripts/demo down --dir {state.dir}"}""")


def up(args):
    state = State(args.dir, args.build)
    server = mail_server(state.dir)
    ledger, mirror = prepare_mail(server, state.dir, args.messages)
    server.up()
    settings = [f"{stage}:ca_file={server.ca}" for stage in ("gateway", "fetcher", "sender")] + ["gateway:allow_private_hosts=yes"]
    words = ["--dir", str(state.dir), "--build", str(state.build), "up", *[w for s in settings for w in ("--set", s)]]
    if args.listen:
        words += ["--listen", args.listen]
    code = commands.main(words)
    if code:
        raise Stop("mailweave did not start", f"on another port: scripts/demo up --dir {state.dir} --listen 127.0.0.1:0 (once; it stays)")
    root = Api(state)
    token = company_token(state, root)
    push_mirror(Api(state, token), ledger, mirror)
    if add_accounts(state, token, ledger, server):
        print("accounts added; syncing")
    took = wait_synced(state, token, ledger)
    threads = summary(state, token, ledger)
    owner = share_one_hide_one(state, token, ledger, threads)
    show_examples(state, token, ledger, threads, owner)
    closing(state, server, ledger)
    return took


def down(args):
    state = State(args.dir, args.build)
    commands.main(["--dir", str(state.dir), "down"])
    mail_server(state.dir).down()


def main(argv):
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("action", choices=("up", "down", "clean"))
    parser.add_argument("--dir", default=str(ROOT / "var"))
    parser.add_argument("--build")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--listen")
    args = parser.parse_args(argv)
    try:
        if args.action == "up":
            up(args)
        else:
            down(args)
            if args.action == "clean":
                shutil.rmtree(mail_server(State(args.dir).dir).dir, ignore_errors=True)
                shutil.rmtree(args.dir, ignore_errors=True)
    except Stop as stop:
        print(f"demo: {stop.what}" + (f"\n  → {stop.remedy}" if stop.remedy else ""), file=sys.stderr)
        return 1
    return 0
