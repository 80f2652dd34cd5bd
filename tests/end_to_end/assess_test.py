"""`casemate assess` as a user has it, and the JSON Schema against the parser."""
import csv
import io
import json
import pathlib
import re
import tempfile
import unittest

import jsonschema
import yaml

from harness import ROOT, casemate, main

EXAMPLES = sorted((ROOT / "examples/pipelines").glob("*.yaml"))
CATALOGUE = sorted((ROOT / "data/catalogue").glob("*.yaml"))


class Yaml12(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: no, off and dates are texts."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in (("bool", r"^(true|false)$", "tf"), ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
                            ("null", r"^(~|null|)$", ["~", "n", ""])):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))

SMALL = """casemate: pipeline
name: small
date: 2026-11-22
you: acme
parties:
  acme: {seat: DE, parent: none}
processors:
  engine: {operator: acme, tee: none, swap: off}
keys:
  k: {holder: acme, released_to: [engine], cache_minutes: 5}
stores:
  s: {operator: acme, holds: [content], key: k, retention_days: unknown}
hops:
  ask: {from: acme, to: engine, key_exchange: {value: hybrid, source: probe, date: 2026-11-20, confidence: measured}}
"""
# What is wrong with each is seen without knowing which ids there are.
WRONG = [
    ("swap: off", "swp: off"), ("swap: off", "swap: maybe"), ("seat: DE", "seat: Germany"),
    ("date: 2026-11-22", "date: yesterday"), ("name: small", "name: Not An Id"), ("you: acme\n", ""),
    ("cache_minutes: 5", "cache_minutes: -1"), ("cache_minutes: 5", "cache_minutes: soon"),
    ("confidence: measured", "confidence: certain"), ("value: hybrid, ", ""), ("value: hybrid", "valeu: hybrid"),
    ("operator: acme, tee", "operator: [acme, acme2], tee"), ("holds: [content]", "holds: []"),
    ("holds: [content]", "holds: [content, content]"), ("hops:", "hpos:"), ("acme: {seat", "you: {seat"),
    ("casemate: pipeline", "casemate: pipline"), ("parent: none", "parent: No One"),
    ("operator: acme, tee", "operator: none, tee"), ("you: acme", "you: acme\nvendor: V"),
]


def assess(*arguments, check=True, stdin=None):
    return casemate("assess", *arguments, check=check, stdin=stdin)


class ReferenceTest(unittest.TestCase):
    def test_the_reference_table_comes_out_of_the_three_files(self):
        rows = list(csv.DictReader(io.StringIO(assess("--reference", "--format", "csv").stdout)))
        table = {}
        for row in rows:
            table.setdefault(row["adversary"], []).append(row["verdict"])
        no, cost, stops = "does-not-stop", "raises-cost", "stops"
        self.assertEqual(table, {
            "storage-thief": [stops, stops, stops], "storage-breach": [stops, stops, stops],
            "physical-insider": [stops, stops, stops], "co-tenant": [cost, stops, stops],
            "processor-staff": [no, cost, "not-applicable"], "civil-discovery": [no, no, stops],
            "cloud-act": [no, no, stops], "fisa-702": [no, no, stops], "quantum-recorder": [no, no, "controllable"]})

    def test_the_files_of_the_tree_say_the_same_as_those_built_in(self):
        names = ["at-rest-eu-keys", "confidential-computing", "eu-processor"]
        files = [str(ROOT / f"examples/pipelines/{name}.yaml") for name in names]
        built_in = json.loads(assess("--reference", "--json").stdout)["assessments"]
        own = json.loads(assess(*files, "--json").stdout)["assessments"]
        for a, b in zip(built_in, own):
            verdicts = {cell["id"]: cell["verdict"] for cell in b["cells"]}
            for cell in a["cells"]:
                self.assertEqual(cell["verdict"], verdicts[cell["id"]])
            self.assertEqual(len(b["cells"]), 14)

    def test_the_table_reads_in_both_languages(self):
        self.assertIn("does not stop (window,", assess("--reference").stdout)
        self.assertIn("hält nicht auf", assess("--reference", "--lang", "de").stdout)


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.validator = jsonschema.Draft202012Validator(json.loads(assess("schema").stdout))

    def both(self, text):
        document = yaml.load(text, Loader=Yaml12)
        return self.validator.is_valid(document), assess("-", check=False, stdin=text).returncode == 0

    def test_schema_and_parser_accept_what_is_right(self):
        for path in EXAMPLES:
            self.assertEqual(self.both(path.read_text()), (True, True), path)
        self.assertEqual(self.both(SMALL), (True, True))
        for path in CATALOGUE:
            errors = list(self.validator.iter_errors(yaml.load(path.read_text(), Loader=Yaml12)))
            self.assertEqual(errors, [], path)

    def test_schema_and_parser_refuse_what_is_wrong(self):
        for before, after in WRONG:
            self.assertIn(before, SMALL)
            with self.subTest(after=after):
                self.assertEqual(self.both(SMALL.replace(before, after, 1)), (False, False))


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.hosted = str(ROOT / "examples/pipelines/at-rest-eu-keys.yaml")

    def test_the_first_example_of_the_page_reads_and_asks_for_what_is_missing(self):
        page = (ROOT / "docs/assess.md").read_text()
        example = re.search(r"```yaml\n(casemate: pipeline.*?)```", page, re.S).group(1)
        result = assess("-", stdin=example)
        self.assertIn("unknown", result.stdout)
        self.assertIn("missing: ", result.stdout)

    def test_a_gate_closes_and_an_accepted_risk_opens_it_until_its_end(self):
        gate = ("--fail-on", "cloud-act=does-not-stop@confidential")
        closed = assess(self.hosted, *gate, check=False)
        self.assertEqual(closed.returncode, 1)
        self.assertIn("cloud-act@at-rest-eu-keys is does-not-stop", closed.stderr)
        self.assertEqual(assess(str(ROOT / "examples/pipelines/eu-processor.yaml"), *gate).returncode, 0)
        risks = self.folder / "risks.yaml"
        risks.write_text("casemate: accepted\nrisks:\n  - {cell: cloud-act@at-rest-eu-keys, verdict: does-not-stop, "
                         "owner: CISO, until: 2027-01-31, reason: pilot}\n")
        accept = ("--accept", str(risks), "--today")
        self.assertEqual(assess(self.hosted, *gate, *accept, "2027-01-31").returncode, 0)
        over = assess(self.hosted, *gate, *accept, "2027-02-01", check=False)
        self.assertEqual(over.returncode, 1)
        self.assertIn("which is over", over.stdout)

    def test_two_runs_are_compared(self):
        before, after = self.folder / "a.json", self.folder / "b.json"
        assess(self.hosted, "--json", "--out", str(before))
        text = pathlib.Path(self.hosted).read_text().replace("tenancy: shared", "tenancy: dedicated")
        changed = self.folder / "p.yaml"
        changed.write_text(text)
        assess(str(changed), "--json", "--out", str(after))
        better = assess("diff", str(before), str(after), "--json")
        (change,) = json.loads(better.stdout)["changes"]
        self.assertEqual((change["cell"], change["change"]), ("co-tenant@at-rest-eu-keys", "better"))
        self.assertIn("engine.tenancy: shared → dedicated", change["facts"])
        self.assertEqual(assess("diff", str(after), str(before), check=False).returncode, 1)
        self.assertIn("nothing has changed", assess("diff", str(before), str(before)).stdout)

    def test_an_explanation_is_an_argument(self):
        text = assess("explain", "cloud-act", self.hosted).stdout
        self.assertLess(text.index("[order-seat@vendor-inc]"), text.index("[order-parent@vendor from 1]"))
        self.assertIn("18 U.S.C. § 2713", text)
        wrong = assess("explain", "cloud-axt", self.hosted, check=False)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn('did you mean "cloud-act"?', wrong.stderr)

    def test_the_page_loads_nothing(self):
        page = assess("--reference", "--html").stdout
        self.assertNotRegex(page, r"<script|<img|<link|src=|url\(h|http-equiv=\"refresh")
        self.assertEqual(page.count("<details "), 27)
        self.assertIn("| storage thief, disk mishandling | stops | stops | stops |",
                      assess("--reference", "--markdown").stdout)

    def test_bad_input_is_refused_with_its_place_and_the_remedy(self):
        bomb = "a: &a [x]\n" + "".join(f"{chr(98 + i)}: [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(9))
        hop = SMALL + "  lost: {from: acme}\n"
        cases = [
            (bomb, "-:1:4: anchors"), (hop, 'hop "lost" leads nowhere'), ("x" * 10_000_001, "10000001 bytes"),
            (SMALL.replace("parent: none", "parent: acme"), "a circle"),
            (SMALL.replace("operator: acme, tee", "operator: amce, tee"), '(did you mean "acme"?)'),
            (SMALL.replace("operator: acme, tee", "operator: [acme, acme], tee"), "make two elements of it"),
            (SMALL.replace("tee: none", "tea: none"), '-:8:28: a processor has no "tea" (did you mean "tee"?)'),
        ]
        for text, message in cases:
            with self.subTest(message=message):
                result = assess("-", check=False, stdin=text)
                self.assertIn(result.returncode, (1, 2))
                self.assertIn(message, result.stderr)
                self.assertEqual(result.stdout, "")

    def test_rules_and_legal_facts_can_be_replaced(self):
        legal = (ROOT / "data/legal.yaml").read_text()
        other = self.folder / "legal.yaml"
        other.write_text(re.sub(r"countries: \[.*\]", "countries: [FR]", legal))
        cells = json.loads(assess(self.hosted, "--json", "--legal", str(other)).stdout)["assessments"][0]["cells"]
        self.assertEqual({cell["verdict"] for cell in cells if cell["adversary"] in ("cloud-act", "fisa-702")}, {"stops"})
        same = assess(self.hosted, "--csv", "--rules", str(ROOT / "data/rules"), "--catalogue", str(ROOT / "data/catalogue"))
        self.assertEqual(same.stdout, assess(self.hosted, "--csv").stdout)
        broken = self.folder / "rules"
        broken.mkdir()
        (broken / "r.yaml").write_text("casemate: rules\nrules:\n  - {id: x}\n")
        self.assertIn("r.yaml:3:5: \"en\" is missing",
                      assess(self.hosted, "--rules", str(broken), check=False).stderr)

    def test_models_of_other_tools_are_imported(self):
        model = self.folder / "threagile.yaml"
        model.write_text((ROOT / "tests/fuzz/corpus/assess_data_fuzz/threagile.yaml").read_text())
        pipeline = self.folder / "imported.yaml"
        assess("import", str(model), "--out", str(pipeline))
        self.assertIn("# Left out: link", pipeline.read_text())
        self.assertIn("unknown", assess(str(pipeline)).stdout)
        refused = assess("import", self.hosted, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("expected a Threagile model", refused.stderr)

    def test_a_file_that_is_not_there_is_said_so(self):
        missing = assess(str(self.folder / "missing.yaml"), check=False)
        self.assertEqual(missing.returncode, 4)
        self.assertIn("missing.yaml", missing.stderr)

    def test_a_thousand_hops_are_judged(self):
        text = pathlib.Path(self.hosted).read_text() + "".join(
            f"  h{i}: {{from: acme, to: engine, transport: tls, key_exchange: classical, carries: content, "
            "crosses: internet}\n" for i in range(1000))
        (report,) = json.loads(assess("-", "--json", stdin=text).stdout)["assessments"]
        (cell,) = [cell for cell in report["cells"] if cell["adversary"] == "quantum-recorder"]
        self.assertEqual((cell["verdict"], cell["reached_count"]), ("does-not-stop", 1002))


if __name__ == "__main__":
    main()
