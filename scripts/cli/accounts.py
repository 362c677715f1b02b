"""Companies, users, tokens and mail accounts from the command line: small clients of the API."""
import getpass
import re
import sys

from .api import Api, Problem
from .state import Stop


def host_port(text, fallback):
    host, _, port = text.rpartition(":") if re.search(r":\d+$", text) else (text, "", "")
    return host, int(port or fallback)


def ensure_company(root, company):
    try:
        root.get(f"/v1/companies/{company}")
    except Problem as problem:
        if problem.status != 404:
            raise
        root.put(f"/v1/companies/{company}", {"name": company})
        print(f"made company {company}")


def company_api(state, root, company):
    """(API as the company, id of the token made for this command: its caller deletes it)."""
    made = root.post("/v1/tokens", {"kind": "company", "companyId": company})
    return Api(state, made["token"]), made["id"]


def ensure_user(api, user, email):
    try:
        api.get(f"/v1/users/{user}")
    except Problem as problem:
        if problem.status != 404:
            raise
        api.put(f"/v1/users/{user}", {"name": user, "loginEmail": email, "emails": [email], "role": "regular", "groups": []})
        print(f"made user {user}")


def add(state, args):
    if "@" not in args.email:
        raise Stop(f"{args.email} is not an address")
    user = args.user or re.sub(r"[^A-Za-z0-9_.-]", "-", args.email.partition("@")[0])[:64]
    password = sys.stdin.readline().rstrip("\n") if args.password_stdin else getpass.getpass(f"password of {args.email}: ")
    body = {"userId": user, "email": args.email}
    if args.id:
        body["id"] = args.id
    if args.provider:
        body["provider"] = args.provider
    if args.since:
        body["since"] = args.since
    login = {"user": args.login or args.email, "password": password}
    if args.imap:
        host, port = host_port(args.imap, 993)
        body["imap"] = dict(login, host=host, port=port, security="tls")
    if args.smtp:
        host, port = host_port(args.smtp, 465)
        body["smtp"] = dict(login, host=host, port=port, security="starttls" if port == 587 else "tls")
    root = Api(state)
    ensure_company(root, args.company)
    company, token = company_api(state, root, args.company)
    try:
        ensure_user(company, user, args.email)
        api = company.acting(user)
        if not (args.imap and args.smtp) and not args.provider:
            discover(api, args.email, body, login)
        account = api.post("/v1/accounts", body)
        print(f"account {account['id']} of {user}: {account.get('state', 'init')}")
        print(f"follow it:  scripts/mailweave status --watch\nits state:  scripts/mailweave account show {account['id']} --company {args.company}")
    except Problem as problem:
        findings(problem.body)
        raise
    finally:
        root.request("DELETE", f"/v1/tokens/{token}", query={"companyId": args.company})


def discover(api, email, body, login):
    """The provider's published servers, where they are known; else the flags are needed."""
    try:
        found = (api.get("/v1/autoconfig", email=email)["data"] or [{}])[0]
    except Problem:
        found = {}
    if found.get("advice"):
        print(found["advice"])
    for way in ("imap", "smtp"):
        if way not in body and isinstance(found.get(way), dict) and found[way].get("host"):
            body[way] = dict(login, **{k: found[way][k] for k in ("host", "port", "security") if k in found[way]})
    missing = [f"--{way} HOST:PORT" for way in ("imap", "smtp") if way not in body]
    if missing:
        raise Stop(f"the servers of {email.partition('@')[2]} are not known here", f"say {' and '.join(missing)}")


def findings(body):
    """What was tried for each direction, what failed, and what to do."""
    for way in ("incoming", "outgoing"):
        found = (body.get("findings") or {}).get(way)
        if found:
            print(f"  {way:<9} {found.get('host')}:{found.get('port')} ({found.get('security')})  {'works' if found.get('ok') else found.get('code')}"
                  f"  {found.get('detail') or ''}", file=sys.stderr)
            if found.get("remedy"):
                print(f"            → {found['remedy']}", file=sys.stderr)


def show(state, args):
    root = Api(state)
    api, token = company_api(state, root, args.company)
    try:
        accounts = [api.get(f"/v1/accounts/{args.email}")] if args.email else list(api.every("/v1/accounts"))
        for account in accounts:
            progress = account.get("progress") or {}
            error = account.get("lastError") or {}
            print(f"{account['id']:<24}{account.get('email', ''):<32}{account.get('state', ''):<20}"
                  f"{progress.get('done', 0)}/{progress.get('total', 0)}  {error.get('code', '')}")
    finally:
        root.request("DELETE", f"/v1/tokens/{token}", query={"companyId": args.company})


def token(state, args):
    root = Api(state)
    if args.action != "new" and not args.company:
        raise Stop("tokens are kept by company", "say --company COMPANY")
    if args.action == "list":
        for one in root.every("/v1/tokens", companyId=args.company):
            print(f"{one['id']:<24}{one.get('kind', ''):<10}{one.get('companyId') or '':<20}{one.get('userId') or ''}")
    elif args.action == "delete":
        root.request("DELETE", f"/v1/tokens/{args.id}", query={"companyId": args.company})
    else:
        if not args.company:
            raise Stop("a token acts inside a company", "say --company COMPANY")
        ensure_company(root, args.company)
        body = {"kind": "user" if args.user else "company", "companyId": args.company}
        if args.user:
            body["userId"] = args.user
        print(root.post("/v1/tokens", body)["token"])
