"""`casemate assess --live`: a running deployment assesses itself by the same rules, without favour."""
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from harness import CASEMATE, PASSPHRASE, Deployment, casemate, main

OPERATOR = """casemate: pipeline
name: ours
date: 2026-11-23
you: acme
use: casemate-live
parties:
  acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}
processors:
  casemate-engine: {updates_by: acme, updates: reviewed, firmware_by: none}
keys:
  casemate-root: {holder: acme, beside_data: no}
"""


def has_plain_swap():
    """What the machine of the test gives away by itself, whatever Casemate does."""
    areas = [line for line in pathlib.Path("/proc/swaps").read_text().splitlines()[1:] if "zram" not in line]
    crash = pathlib.Path("/sys/kernel/kexec_crash_loaded")
    return bool(areas) or (crash.exists() and crash.read_text().strip() == "1")


def is_virtual():
    return " hypervisor" in pathlib.Path("/proc/cpuinfo").read_text()


def cells(report):
    return {cell["adversary"]: cell for cell in report["assessments"][0]["cells"]}


def live(deployment, *arguments, check=True):
    return casemate("assess", "--live", "--dir", deployment.dir, *arguments, check=check)


def start_handed_over(deployment):
    """As somebody types it: the passphrase comes through a pipe and is kept by nobody."""
    deployment.ready.unlink()
    reader, writer = os.pipe()
    os.write(writer, PASSPHRASE.encode() + b"\n")
    os.close(writer)
    with open(deployment.log, "ab") as log:
        deployment.server = subprocess.Popen(
            [CASEMATE, "serve", "--dir", deployment.dir, "--listen", "127.0.0.1:0", "--ready-file", deployment.ready,
             "--passphrase-fd", str(reader)], pass_fds=(reader,), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    os.close(reader)
    end = time.monotonic() + 60
    while not deployment.ready.exists():
        if deployment.server.poll() is not None or time.monotonic() > end:
            raise AssertionError(deployment.log_text())
        time.sleep(0.05)


class LiveTest(unittest.TestCase):
    def serve(self, *arguments):
        deployment = Deployment(*arguments)
        self.addCleanup(deployment.close)
        deployment.start()
        return deployment

    def test_a_pin_beside_the_token_does_not_stop_a_thief(self):
        deployment = self.serve("--insecure-pin-file", "--no-mirror")
        emitted = deployment.base / "own.yaml"
        report = json.loads(live(deployment, "--json", "--emit", emitted).stdout)
        found = cells(report)
        self.assertEqual(found["storage-thief"]["verdict"], "does-not-stop")
        self.assertEqual(found["storage-breach"]["verdict"], "does-not-stop")
        self.assertEqual(found["host-root"]["verdict"], "does-not-stop")
        for row in ("civil-discovery", "cloud-act", "fisa-702"):
            self.assertEqual(found[row]["verdict"], "unknown", row)
        if is_virtual():
            self.assertEqual(found["processor-staff"]["verdict"], "unknown")
        text = emitted.read_text()
        self.assertIn("beside_data: {value: yes,", text)
        self.assertIn("confidence: measured", text)
        self.assertIn("# casemate doctor: PIN: ", text)
        # What was written is assessed to the same table.
        again = cells(json.loads(casemate("assess", emitted, "--json").stdout))
        self.assertEqual({row: cell["verdict"] for row, cell in again.items()},
                         {row: cell["verdict"] for row, cell in found.items()})
        table = live(deployment).stdout
        self.assertIn("storage thief", table)
        why = casemate("assess", "explain", "storage-thief", "--live", "--dir", deployment.dir).stdout
        self.assertTrue(why.startswith("storage-thief@"), why)
        self.assertIn("casemate-root.beside_data = yes (measured;", " ".join(why.split()))
        wrong = casemate("assess", "explain", "storage-thief@other", "--live", "--dir", deployment.dir, check=False)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("there are storage-thief@", wrong.stderr)

    def test_a_passphrase_that_was_handed_over_raises_the_cost(self):
        deployment = self.serve()
        found = cells(json.loads(live(deployment, "--json").stdout))
        thief = "does-not-stop" if has_plain_swap() else "unknown"
        self.assertEqual(found["storage-thief"]["verdict"], thief)  # the passphrase came from a file
        self.assertEqual(found["storage-thief"]["worst"], "does-not-stop")
        deployment.stop()
        start_handed_over(deployment)
        report = live(deployment, "--json")
        found = cells(json.loads(report.stdout))
        seen = os.geteuid() == 0  # whether the server keeps a passphrase is seen by root alone
        # On a virtual machine it stays unknown what its host writes down; it is never better than this.
        best = "does-not-stop" if has_plain_swap() else "raises-cost" if seen else "stops"
        self.assertEqual(found["storage-thief"]["best"], best)
        self.assertNotEqual(found["storage-thief"]["verdict"], "stops")
        # What the operator says, and what he cannot say.
        declared = deployment.base / "operator.yaml"
        declared.write_text(OPERATOR)
        said = live(deployment, "--json", "--operator", declared)
        found = cells(json.loads(said.stdout))
        if seen:
            (contradiction,) = json.loads(said.stdout)["assessments"][0]["contradictions"]
            self.assertEqual((contradiction["id"], contradiction["claimed"], contradiction["found"]),
                             ("contradiction:casemate-root.beside_data@ours", "no", "passphrase"))
            self.assertTrue(contradiction["claimed_at"].startswith(f"{declared}:11:"), contradiction["claimed_at"])
            self.assertIn("contradictions between the description and evidence: 1", said.stderr)
            closed = live(deployment, "--operator", declared, "--fail-on", "contradiction", check=False)
            self.assertEqual(closed.returncode, 1)
        self.assertEqual(found["cloud-act"]["verdict"], "unknown" if is_virtual() else "stops")
        # Its keys stay where they are.
        everything = report.stdout + said.stdout + said.stderr
        self.assertNotIn("correct horse", everything)

    def test_what_does_not_go_together_is_refused_with_the_remedy(self):
        with tempfile.TemporaryDirectory() as folder:
            for arguments, status, words in (
                    (["--live"], 2, "--dir D"),
                    (["--dir", folder], 2, "go with --live"),
                    (["--live", "--dir", folder, "--reference"], 2, "no other descriptions"),
                    (["--live", "--dir", folder], 4, "casemate init")):
                refused = casemate("assess", *arguments, check=False)
                self.assertEqual(refused.returncode, status, arguments)
                self.assertIn(words, refused.stderr)


if __name__ == "__main__":
    main()
