"""`casemate assess evidence` and `--evidence` as a user has them."""
import json
import pathlib
import tempfile
import unittest

from harness import ROOT, casemate, main

SAMPLES = ROOT / "tests/data/assess"
BEGIN = """casemate: pipeline
name: p
date: 2026-11-22
you: acme
lifetimes: 10
parties:
  acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}
"""


class EvidenceTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def describe(self, text):
        path = pathlib.Path(self.folder.name) / "p.yaml"
        path.write_text(BEGIN + text)
        return path

    def assess(self, *arguments, check=True):
        return casemate("assess", *arguments, check=check)

    def test_every_sample_reads(self):
        samples = sorted(SAMPLES.glob("*.json"))
        seen = json.loads(self.assess("evidence", "--json", *samples).stdout)
        self.assertEqual([pathlib.Path(file["file"]).name for file in seen["files"]],
                         [sample.name for sample in samples])
        for file in seen["files"]:
            self.assertTrue(file["facts"] or file["notes"], file["file"])

    def test_a_contradiction_ends_with_1_and_names_both_sides(self):
        pipeline = self.describe("use: azure-openai-modified-abuse-monitoring\n")
        run = self.assess("evidence", SAMPLES / "azure-account-default.json", "--pipeline", pipeline, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("contradiction: azure-engine.review: the description says automated (documented;", run.stdout)
        self.assertIn("says human (properties.capabilities", run.stdout)
        agrees = self.assess("evidence", SAMPLES / "azure-account.json", "--pipeline", pipeline)
        self.assertIn("nothing contradicts it", agrees.stdout)

    def test_a_gate_closes_on_a_contradiction(self):
        pipeline = self.describe("use: azure-openai-modified-abuse-monitoring\n")

        def status(sample):
            return self.assess(pipeline, "--evidence", SAMPLES / sample, "--fail-on", "contradiction", check=False).returncode

        self.assertEqual(status("azure-account-default.json"), 1)
        self.assertEqual(status("azure-account.json"), 0)

    def test_a_contradiction_stands_in_the_reports_and_in_the_comparison(self):
        pipeline = self.describe("use: azure-openai-modified-abuse-monitoring\n")
        evidence = ("--evidence", SAMPLES / "azure-account-default.json")
        table = self.assess(pipeline, *evidence)
        self.assertIn("\nContradictions\n", table.stdout)
        self.assertIn("azure-engine.review: the description says automated", " ".join(table.stdout.split()))
        self.assertIn("contradictions between the description and evidence: 1, listed in the report", table.stderr)
        for option in ("--markdown", "--html", "--json"):
            self.assertIn("azure-engine.review", self.assess(pipeline, option, *evidence).stdout)
        report = json.loads(self.assess(pipeline, "--json", *evidence).stdout)
        (found,) = report["assessments"][0]["contradictions"]
        self.assertEqual((found["id"], found["claimed"], found["found"]),
                         ("contradiction:azure-engine.review@p", "automated", "human"))
        folder = pathlib.Path(self.folder.name)
        (folder / "with.json").write_text(json.dumps(report))
        (folder / "without.json").write_text(self.assess(pipeline, "--json").stdout)
        come = self.assess("diff", folder / "without.json", folder / "with.json", "--json", check=False)
        self.assertEqual(come.returncode, 1)
        self.assertEqual([(one["id"], one["change"]) for one in json.loads(come.stdout)["contradictions"]],
                         [("contradiction:azure-engine.review@p", "new")])

    def test_the_table_rests_on_evidence(self):
        pipeline = self.describe("use: openai-api\n")
        probe = SAMPLES / "flows-probe.json"

        def verdict(*options):
            report = json.loads(self.assess(pipeline, "--json", *options).stdout)
            return next(cell["verdict"] for cell in report["assessments"][0]["cells"]
                        if cell["adversary"] == "quantum-recorder")

        self.assertEqual(verdict(), "unknown")
        self.assertEqual(verdict("--evidence", f"openai-request={probe}"), "does-not-stop")
        unbound = self.assess(pipeline, "--evidence", probe)
        self.assertIn("not used", unbound.stderr)

    def test_wrong_and_truncated_files_are_refused_with_the_place(self):
        broken = pathlib.Path(self.folder.name) / "cut.json"
        broken.write_text((SAMPLES / "azure-account.json").read_text()[:400])
        run = self.assess("evidence", broken, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertRegex(run.stderr, r"cut\.json: .*line [0-9]+")
        broken.write_text('{"hello": "world"}')
        self.assertIn("az cognitiveservices account show", self.assess("evidence", broken, check=False).stderr)
        nobody = self.assess(self.describe("use: openai-api\n"), "--evidence", f"openai-reqest={SAMPLES}/flows-probe.json",
                             check=False)
        self.assertNotEqual(nobody.returncode, 0)
        self.assertIn('did you mean "openai-request"?', nobody.stderr)


if __name__ == "__main__":
    main()
