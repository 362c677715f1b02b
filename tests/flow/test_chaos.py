"""A short run of the chaos harness: SYN-10, SND-06, SND-07, SHR-06 and OPS-01 while everything dies at random."""
import pathlib
import subprocess
import sys

import rig

CHAOS = pathlib.Path(__file__).resolve().parents[1] / "chaos" / "chaos.py"


def test_syn10_nothing_lost_nothing_twice_in_chaos():
    """Proves SYN-10, SND-07: 30 kills and 3 Redis crashes with a torn log among other faults; the run names its seed and keeps its world if it fails."""
    run = subprocess.run([sys.executable, CHAOS, "--build", rig.BUILD, "--seed", "5", "--kills", "30", "--torn", "3", "--messages", "600", "--accounts", "2"],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-6000:]
    print(run.stdout.splitlines()[-1])
