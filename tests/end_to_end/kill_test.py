"""Kills at random moments of an ingest: every acknowledged document is there, the store opens, the
log verifies. 20 seeded rounds; 100 with CASEMATE_LONG, which writes the result to docs/evidence.md."""
import contextlib
import json
import os
import random
import signal
import subprocess
import time

from harness import CASEMATE, LONG, ROOT, Deployment, EndToEnd, main, write_documents

VICTIMS = ("supervisor", "keeper", "custodian")


class KillTest(EndToEnd):
    started = False

    def one_round(self, seed):
        chance = random.Random(seed)
        victim = VICTIMS[seed % len(VICTIMS)]
        deployment = self.deployment
        if deployment.server is None:
            deployment.start()
        documents = deployment.base / f"documents-{seed}"
        write_documents(documents, 12, lambda i: f"# Item {seed}-{i}\n\nThe item {seed}-{i} is a thing of round "
                                                f"{seed} with the number {i}.\n")
        ingest = subprocess.Popen([CASEMATE, "ingest", documents, "--dir", deployment.dir, "--collection", "docs",
                                   "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(chance.uniform(0.02, 1.2))
        with contextlib.suppress(ProcessLookupError, AssertionError, OSError):
            os.kill(deployment.pid_of(victim), signal.SIGKILL)
        output, _ = ingest.communicate(timeout=120)
        acknowledged = {document["path"] for line in output.splitlines()
                        for document in json.loads(line).get("documents", [])
                        if document["outcome"] in ("added", "unchanged", "replaced")}
        self.acknowledged |= acknowledged
        # The server goes on by itself after a keeper or custodian died; a dead supervisor ends it.
        time.sleep(0.3)
        if victim == "supervisor" or deployment.server.poll() is not None:
            deployment.server.wait(timeout=15)
            deployment.server = None
            deployment.start()
        listed = self.listed()
        missing = self.acknowledged - listed
        self.assertFalse(missing, f"seed {seed}, {victim} killed: acknowledged but gone: {sorted(missing)}")
        return victim, len(acknowledged)

    def listed(self):
        """The names in the collection; a server that is starting again gets ten seconds."""
        end = time.monotonic() + 10
        while True:
            shown = self.deployment.casemate("file", "list", "--collection", "docs", "--json", check=False)
            if shown.returncode == 0 or time.monotonic() > end:
                break
            time.sleep(0.2)
        self.assertEqual(shown.returncode, 0, shown.stderr + self.deployment.log_text())
        return {file["filename"] for file in json.loads(shown.stdout)["files"]}

    def test_every_acknowledged_document_survives_every_kill(self):
        self.acknowledged = set()
        rounds = 100 if LONG else 20
        results = [self.one_round(seed) for seed in range(rounds)]
        total = sum(count for _, count in results)
        self.assertGreater(total, rounds, "the kills came before anything was acknowledged: nothing was tested")
        self.assertEqual(self.deployment.stop(), 0)
        verified = self.deployment.casemate("audit", "verify")
        self.assertIn("verif", verified.stdout)
        if LONG:
            by_victim = {v: sum(1 for name, _ in results if name == v) for v in VICTIMS}
            evidence = ROOT / "docs/evidence.md"
            text = evidence.read_text() if evidence.exists() else "# Evidence\n"
            head = "## Kills at random moments of ingest"
            text = text.split(head)[0].rstrip() + "\n\n"
            evidence.write_text(
                f"{text}{head}\n\n`./dev test kill --long`, {time.strftime('%Y-%m-%d')}: {rounds} kills "
                f"({', '.join(f'{v} {n}' for v, n in by_victim.items())}), {total} documents acknowledged in the "
                f"rounds, all of them there after each; the log verified at the end.\n")


if __name__ == "__main__":
    main()
