"""`casemate model check`: what a model file can do, without a deployment."""
import json
import pathlib
import subprocess
import sys
import tempfile

from harness import CASEMATE, ROOT, EndToEnd, main

sys.path.insert(0, str(ROOT / "bench"))
import random_gguf  # noqa: E402

SHIPPED = ROOT / "models/casemate-answer-q8_0.gguf"


def check(*arguments):
    return subprocess.run([CASEMATE, "model", "check", *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)


class ModelCheck(EndToEnd):
    def findings(self, run):
        report = json.loads(run.stdout)
        self.assertEqual((report["report"], report["format"]), ("casemate-model-check", 1))
        return report, {finding["id"]: finding["finding"] for finding in report["findings"]}

    def test_the_shipped_model_does_what_clients_use(self):
        run = check(SHIPPED, "--context-tokens", 320, "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        report, found = self.findings(run)
        for one in ("template", "system", "functions", "json", "greedy", "context", "overflow"):
            self.assertEqual(found[one], "good", report)
        # It answers from passages; without any it goes on and on.
        self.assertEqual(found["stop"], "warning")
        self.assertEqual(report["weights_bytes"] // 1_000_000, SHIPPED.stat().st_size // 1_000_000)
        self.assertGreater(report["tenant_bytes"], 0)
        self.assertGreater(report["prompt_tokens_per_s"], 0)

    def test_an_embedding_model(self):
        run = check(SHIPPED, "--task", "embedding", "--context-tokens", 320, "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        report, found = self.findings(run)
        self.assertEqual(set(found.values()), {"good"}, report)
        self.assertGreater(report["texts_per_s"], 0)

    def test_a_model_of_random_weights_writes_json_too(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "random.gguf"
            random_gguf.write(file, "tiny", 7)
            run = check(file, "--context-tokens", 1024, "--sequences", 1)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertRegex(run.stdout, r"json +good +writes JSON by a schema")
            self.assertRegex(run.stdout, r"(?m)^memory: \d+ MiB of weights.*1 answers of 1024 tokens")

    def test_what_is_no_model_is_refused_with_the_reason(self):
        with tempfile.TemporaryDirectory() as folder:
            cut = pathlib.Path(folder) / "cut.gguf"
            cut.write_bytes(SHIPPED.read_bytes()[:100_000])
            run = check(cut)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn("the model file is damaged", run.stderr)
        run = check(ROOT / "README.md")
        self.assertIn("GGUF expected", run.stderr)
        run = check("/nonexistent.gguf")
        self.assertEqual(run.returncode, 4, run.stderr)
        run = check(SHIPPED, "--task", "poetry")
        self.assertEqual(run.returncode, 2, run.stderr)


main()
