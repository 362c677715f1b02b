"""The parser and the threader over a corpus of other people's mail with its scorers, if there is one (MAILWEAVE_CORPUS, else
../shared/corpus beside the repository): nothing below the goals of the message's issue. The corpus is no part of this repository."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

from rig import BUILD, ROOT

CORPUS = pathlib.Path(os.environ.get("MAILWEAVE_CORPUS", ROOT.parent / "shared" / "corpus"))
PARSER, THREADER = str(BUILD / "parser" / "parser"), str(BUILD / "threader" / "threader")

pytestmark = pytest.mark.skipif(not (CORPUS / "score.py").exists(), reason=f"no corpus at {CORPUS} (MAILWEAVE_CORPUS)")


def score(scorer, folder, *command):
    done = subprocess.run([sys.executable, str(CORPUS / scorer), str(CORPUS / folder), "--", *command], stdout=subprocess.PIPE, check=True, text=True)
    print(done.stdout)
    return done.stdout


def percent(text, field):
    return float(re.search(rf"^{re.escape(field)} .*? ([0-9.]+)%", text, re.M).group(1))


def total(text, pattern):
    return float(re.search(pattern, text.splitlines()[-1]).group(1))


def test_real_mail_is_read_as_most_parsers_read_it():
    text = score("score.py", ".", PARSER, "--json")
    assert total(text, r"fields ([0-9.]+)%") >= 99.0 and total(text, r"hard \S+ ([0-9.]+)%") >= 93
    assert total(text, r"all fields right ([0-9]+)") >= 1115 and "crashes 0 timeouts 0" in text
    assert percent(text, "text") >= 99.4 and percent(text, "attachments.sha256") >= 99
    assert percent(text, "class") >= 98 and percent(text, "bounce.recipient") >= 95 and percent(text, "bounce.status") >= 90


def test_damaged_mail_is_read_as_most_parsers_read_it():
    text = score("score.py", "mutants", PARSER, "--json")
    assert total(text, r"fields ([0-9.]+)%") >= 99.0 and total(text, r"hard \S+ ([0-9.]+)%") >= 92
    assert "crashes 0 timeouts 0" in text


def test_new_words_and_signatures_are_found():
    text = score("score_replies.py", "replies", sys.executable, str(ROOT / "tests" / "flow" / "reply_lines.py"), PARSER)
    right, replies, signed, signatures = re.search(r"replies (\d+)/(\d+) \| signatures (\d+)/(\d+) \| no answer 0", text).groups()
    assert (right, signed) == (replies, signatures)


def test_thr01_threads_are_exact_in_every_order():
    text = score("score_threads.py", "threads", THREADER, "--json")
    cases, exact = re.search(r"cases (\d+) exact (\d+)", text).groups()
    assert cases == exact and "pair F1 over all 1.0000" in text
