"""Fixtures of the flow tests."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import rig  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def programs():
    missing = [s for s in ("fetcher", "parser", "threader", "linker", "sender", "gateway") if not (rig.BUILD / s / s).exists()]
    if missing:
        pytest.exit(f"not built under {rig.BUILD}: {', '.join(missing)}; run make", 2)


@pytest.fixture(scope="session")
def small():
    """300 messages in two mailboxes, synced. Tests that use it leave it as they found it."""
    world = rig.World(messages=300, accounts=2, seed=3)
    try:
        world.add_accounts()
        world.wait_synced(60)
        yield world
    finally:
        world.close()


@pytest.fixture
def world(request):
    """A world of its own: @pytest.mark.world(messages=…, …)."""
    options = request.node.get_closest_marker("world")
    made = rig.World(**(options.kwargs if options else {}))
    yield made
    made.close()


def pytest_configure(config):
    config.figures = []
    config.addinivalue_line("markers", "world: what the world of this test is made of")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last log lines of every process of its world."""
    report = (yield).get_result()
    if report.failed and call.when == "call":
        made = item.funcargs.get("world") or item.funcargs.get("small")
        if made:
            report.sections.append(("last log lines", made.last_words()))


@pytest.fixture(scope="session")
def remember(request):
    """Figures that a person wants to see at the end of a run, asserted only loosely."""
    return request.config.figures.append


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several processes: the first of them tells all
        session.config.workeroutput["figures"] = session.config.figures


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.figures.extend(node.workeroutput.get("figures", []) if hasattr(node, "workeroutput") else [])


def pytest_terminal_summary(terminalreporter, config):
    for text in config.figures:
        terminalreporter.write_line(f"measured: {text}")


__all__ = ["subprocess"]
