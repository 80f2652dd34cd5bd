"""What `casemate assess` writes for registers, dashboards and data-protection files."""
import csv
import io
import json
import pathlib
import tempfile
import unittest

import jsonschema

from harness import ROOT, casemate, main

HOSTED = str(ROOT / "examples/pipelines/at-rest-eu-keys.yaml")
SCHEMAS = ROOT / "tests/data/schemas"


def report(format, *files, more=("--today", "2026-11-23")):
    return casemate("assess", *(files or (HOSTED,)), "--format", format, *more).stdout


class RegisterTest(unittest.TestCase):
    def test_customer_managed_keys_are_filed_under_storage_and_exit_and_refused_for_third_countries(self):
        rows = {row["risk_id"]: row for row in csv.DictReader(io.StringIO(report("register")))}
        keys = "Encryption at rest with customer-managed keys"
        for risk in ("storage-thief", "storage-breach", "exit"):
            row = rows[risk + "@at-rest-eu-keys"]
            self.assertIn(keys, row["existing_controls"])
            self.assertEqual((row["status"], row["verdict"]), ("treated", "stops"))
        for risk in ("cloud-act", "fisa-702", "civil-discovery", "processor-staff"):
            row = rows[risk + "@at-rest-eu-keys"]
            self.assertNotIn(keys, row["existing_controls"])
            self.assertIn(keys, row["refused_controls"])
            self.assertIn("The path that is left passes none of them", row["refused_controls"])
            self.assertEqual(row["status"], "open")
        self.assertIn("order-parent@vendor", rows["cloud-act@at-rest-eu-keys"]["vulnerability"])
        self.assertIn("to be done by ACME GmbH", rows["cloud-act@at-rest-eu-keys"]["responsible"])

    def test_the_table_can_be_replaced_and_a_wrong_one_is_refused_with_its_place(self):
        with tempfile.TemporaryDirectory() as folder:
            table = pathlib.Path(folder) / "table.yaml"
            text = (ROOT / "data/register.yaml").read_text()
            table.write_text(text.replace("existential: [medium,", "existential: [very-high,"))
            rows = list(csv.DictReader(io.StringIO(report("register", more=("--register", str(table))))))
            self.assertIn("very high", {row["level"] for row in rows if row["adversary"] == "memory interposer"})
            table.write_text(text.replace("claimed_for: [quantum-recorder]", "claimed_for: [quantum-recoder]"))
            refused = casemate("assess", HOSTED, "--format", "register", "--register", str(table), check=False)
            self.assertEqual(refused.returncode, 2)
            self.assertRegex(refused.stderr, r'table.yaml:\d+:\d+: no risk "quantum-recoder" \(did you mean "quantum-recorder"')

    def test_german_and_unknown_formats(self):
        self.assertIn("Als Maßnahme abgelehnt", report("register-md", more=("--lang", "de")))
        wrong = casemate("assess", HOSTED, "--format", "registre", check=False)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("register-md", wrong.stderr)


class SarifTest(unittest.TestCase):
    def test_sarif_is_valid_and_points_at_the_facts(self):
        schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text())
        document = json.loads(report("sarif"))
        jsonschema.Draft7Validator(schema).validate(document)
        (run,) = document["runs"]
        results = {result["ruleId"]: result for result in run["results"]}
        self.assertEqual(results["assess/cloud-act"]["level"], "error")
        place = results["assess/co-tenant"]["locations"][0]["physicalLocation"]
        line = pathlib.Path(HOSTED).read_text().splitlines()[place["region"]["startLine"] - 1]
        self.assertIn("tenancy: shared", line)
        self.assertNotIn("assess/storage-thief", results)
        self.assertEqual(document, json.loads(report("sarif")))
        jsonschema.Draft7Validator(schema).validate(json.loads(report("sarif", str(ROOT / "examples/pipelines/eu-processor.yaml"))))


if __name__ == "__main__":
    main()
