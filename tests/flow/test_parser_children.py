"""Bytes of mail are read in children of the parser that can do nothing but read; what becomes of one costs the message it was at."""
import os
import pathlib
import signal

import pytest

import rig

HTML = (b"From: x@elsewhere.example\r\nTo: me@us.example\r\nSubject: page\r\nMessage-ID: <page@up>\r\nContent-Type: text/html\r\n\r\n"
        b"<p onclick=x()>Hello<script>1</script></p>\r\n")


def children(parser):
    return {int(c) for task in pathlib.Path(f"/proc/{parser}/task").iterdir() for c in (task / "children").read_text().split()}


def ready(parser, known, count):
    """The pids of `count` children that are not in known, once they are in their sandbox."""
    def closed():
        fresh = children(parser) - known
        return fresh if len(fresh) == count and all("Seccomp:\t2" in status(c) for c in fresh) else None
    return rig.wait(closed, 30, f"{count} children in their sandbox")


def status(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def plain(subject):
    return f"From: x@elsewhere.example\r\nTo: me@us.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@up>\r\n\r\nhello\r\n".encode()


def subjects(world, rep):
    return {t["subject"] for t in world.threads(rep)}


@pytest.mark.world(messages=0, accounts=1)
def test_ops_05_children_may_do_nothing_and_cost_their_message_alone(world):
    """Proves OPS-05 and F100's sandbox: children have no privileges, no new files, no processes; a render child that hangs costs the page
    that was asked for, and meanwhile mail goes on; when all children are killed, pages and mail come from new ones."""
    rep = world.ledger["reps"][0]["id"]
    world.add_accounts()
    world.wait_synced(60)
    parser = world.pid("parser-1")
    readers = ready(parser, set(), 2)
    anna = world.user(rep)
    world.deliver(rep, HTML)
    rig.wait(lambda: subjects(world, rep) == {"page"}, 30, "committed")
    assert children(parser) == readers  # nobody asked for a page yet
    message = anna.every(f"/v1/threads/{anna.every('/v1/threads')[0]['id']}/messages")[0]["id"]
    page = f"/v1/messages/{message}/body"
    assert anna.get(page)["html"].strip() == "<p>Hello</p>"
    renderers = ready(parser, readers, 2)
    for pid in readers | renderers:
        said, limits = status(pid), pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert "NoNewPrivs:\t1" in said
        for name in ("core file size", "file size", "processes"):
            line = next(words for words in limits.splitlines() if words.startswith(f"Max {name}"))
            assert line.split(name)[1].split()[:2] == ["0", "0"], line
    for pid in renderers:
        os.kill(pid, signal.SIGSTOP)
    hung = anna.session.get(anna.base + page, timeout=60)
    assert hung.status_code in (200, 503), hung.text  # it waited for another child, or no longer than it may
    world.deliver(rep, plain("meanwhile"))
    rig.wait(lambda: subjects(world, rep) == {"page", "meanwhile"}, 30, "mail goes on beside it")
    rig.wait(lambda: anna.session.get(anna.base + page, timeout=60).status_code == 200, 60, "a new child renders")
    assert children(parser).isdisjoint(renderers)
    for pid in children(parser):
        os.kill(pid, signal.SIGKILL)
    world.deliver(rep, plain("afterwards"))
    rig.wait(lambda: subjects(world, rep) == {"page", "meanwhile", "afterwards"}, 60, "mail comes from new children")
    rig.wait(lambda: anna.session.get(anna.base + page, timeout=60).status_code == 200, 60, "pages too")
    assert anna.every("/v1/set-aside") == [] and world.pid("parser-1") == parser
