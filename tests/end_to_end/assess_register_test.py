"""What `casemate assess` writes for registers, dashboards and data-protection files."""
import csv
import io
import json
import pathlib
import tempfile
import unittest
import uuid

import jsonschema

from harness import ROOT, casemate, main
from schema_harness import validator

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


class ContradictionTest(unittest.TestCase):
    """A description with a service whose account has the abuse review on, which the description denies."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.pipeline = pathlib.Path(self.folder.name) / "p.yaml"
        self.pipeline.write_text(
            "casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nuse: azure-openai\nparties:\n"
            "  acme: {name: ACME GmbH, seat: DE, parent: none, affiliates: none, sub_processors: none}\n"
            "processors:\n  azure-engine: {review: {value: off, source: e-mail, date: 2026-10-01}}\n")
        self.evidence = str(ROOT / "tests/data/assess/azure-account-default.json")

    def report(self, format):
        return report(format, str(self.pipeline), more=("--today", "2026-11-23", "--evidence", self.evidence))

    def test_sarif_is_valid_and_points_at_the_line_of_the_claim(self):
        document = json.loads(self.report("sarif"))
        jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text())).validate(document)
        (result,) = [one for one in document["runs"][0]["results"] if one["ruleId"] == "assess/contradiction"]
        self.assertIn("assess/contradiction", {rule["id"] for rule in document["runs"][0]["tool"]["driver"]["rules"]})
        place = result["locations"][0]["physicalLocation"]
        line = self.pipeline.read_text().splitlines()[place["region"]["startLine"] - 1]
        self.assertIn("review: {value: off", line)
        self.assertEqual(result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"], f"file://{self.evidence}")

    def test_the_register_and_the_plan_have_it(self):
        rows = {row["risk_id"]: row for row in csv.DictReader(io.StringIO(self.report("register")))}
        row = rows["contradiction:azure-engine.review@p"]
        self.assertEqual((row["verdict"], row["status"], row["confidence"]), ("contradiction", "open", "measured"))
        self.assertTrue(all(len(one) == len(row) and None not in one for one in rows.values()))
        plan = json.loads(self.report("oscal-poam"))["plan-of-action-and-milestones"]
        (observation,) = plan["observations"]
        (item,) = [one for one in plan["poam-items"] if "azure-engine.review" in one["title"]]
        self.assertEqual(item["related-observations"], [{"observation-uuid": observation["uuid"]}])
        self.assertIn(item["related-risks"][0]["risk-uuid"], {risk["uuid"] for risk in plan["risks"]})


class CbomTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def files(self):
        yield from (str(ROOT / f"examples/pipelines/{name}.yaml")
                    for name in ("at-rest-eu-keys", "confidential-computing", "eu-processor"))
        known = {entry["id"] for entry in json.loads(casemate("assess", "catalogue", "--json").stdout)["entries"]}
        for service in sorted(known):
            path = pathlib.Path(self.folder.name) / f"{service}.yaml"
            path.write_text(f"casemate: pipeline\nname: {service}\ndate: 2026-11-22\nyou: acme\nuse: {service}\n"
                            "parties:\n  acme: {name: ACME GmbH, seat: DE}\n")
            yield str(path)

    def test_bills_of_the_reference_and_of_every_service_are_valid(self):
        for form, version in (("cbom", "1.6"), ("cbom17", "1.7")):
            check = validator(f"bom-{version}.schema.json")
            for file in self.files():
                with self.subTest(form=form, file=file):
                    bill = json.loads(report(form, file))
                    self.assertEqual([f"{error.json_path}: {error.message[:300]}" for error in check.iter_errors(bill)], [])
                    self.assertEqual(bill["specVersion"], version)
                    references = [component["bom-ref"] for component in bill["components"]]
                    self.assertEqual(len(references), len(set(references)))
                    for entry in bill["dependencies"]:
                        self.assertIn(entry["ref"], references)
                        self.assertLessEqual(set(entry["dependsOn"]), set(references))
                    self.assertEqual(bill, json.loads(report(form, file)))
            # It can fail: a report of which a required field is gone.
            bill.pop("specVersion")
            self.assertFalse(check.is_valid(bill))

    def test_several_pipelines_stand_in_one_bill(self):
        two = [str(ROOT / f"examples/pipelines/{name}.yaml") for name in ("at-rest-eu-keys", "eu-processor")]
        bill = json.loads(report("cbom", *two))
        protocols = [component["bom-ref"] for component in bill["components"]
                     if component.get("cryptoProperties", {}).get("assetType") == "protocol"]
        self.assertIn("hop:at-rest-eu-keys/ask", protocols)
        self.assertIn("hop:eu-processor/ask", protocols)
        self.assertNotIn('"value":null', json.dumps(bill))
        materials = [component["cryptoProperties"]["relatedCryptoMaterialProperties"] for component in bill["components"]
                     if component.get("cryptoProperties", {}).get("assetType") == "related-crypto-material"]
        self.assertTrue(materials and all("value" not in material for material in materials))


class OscalTest(unittest.TestCase):
    """By the required fields that docs/formats/register.md lists; there is no OSCAL validator here."""

    def test_references_lead_somewhere_and_ids_are_stable(self):
        results = json.loads(report("oscal-ar"))["assessment-results"]
        self.assertEqual(results["metadata"]["oscal-version"], "1.1.3")
        self.assertEqual(results["metadata"]["last-modified"], "2026-11-23T00:00:00Z")
        self.assertIn(results["import-ap"]["href"][1:], {item["uuid"] for item in results["back-matter"]["resources"]})
        (result,) = results["results"]
        risks = {risk["uuid"]: risk for risk in result["risks"]}
        observations = {item["uuid"] for item in result["observations"]}
        reviewed = {item["control-id"] for item in
                    result["reviewed-controls"]["control-selections"][0]["include-controls"]}
        for finding in result["findings"]:
            self.assertIn(finding["target"]["target-id"].removesuffix("_obj"), reviewed)
            self.assertEqual(finding["target"]["status"]["state"], "not-satisfied")
            for related in finding["related-risks"]:
                self.assertIn(related["risk-uuid"], risks)
            for related in finding["related-observations"]:
                self.assertIn(related["observation-uuid"], observations)
        ids = [uuid.UUID(item["uuid"]) for part in ("risks", "observations", "findings") for item in result[part]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual({one.version for one in ids}, {5})
        later = json.loads(report("oscal-ar", more=("--today", "2026-12-24")))["assessment-results"]
        self.assertNotEqual(later["uuid"], results["uuid"])
        self.assertEqual({risk["uuid"] for risk in later["results"][0]["risks"]}, set(risks))
        plan = json.loads(report("oscal-poam"))["plan-of-action-and-milestones"]
        self.assertEqual({risk["uuid"] for risk in plan["risks"]}, set(risks))
        for item in plan["poam-items"]:
            self.assertIn(item["related-risks"][0]["risk-uuid"], risks)
            self.assertTrue(item["title"] and item["description"])


    def test_the_plan_has_the_members_of_its_model_and_no_empty_array(self):
        """Members of the POA&M metaschema 1.0.0 (NIST); its groups have at least one member where they are there."""
        with tempfile.TemporaryDirectory() as folder:
            stopped = pathlib.Path(folder) / "p.yaml"
            stopped.write_text("casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nparties:\n  acme: {seat: DE, parent: none, affiliates: none, sub_processors: none}\n"
                               "processors:\n  own: {operator: you, sees: ciphertext, updates_by: acme, firmware_by: none}\n")
            for file in (HOSTED, str(ROOT / "examples/pipelines/eu-processor.yaml"), str(stopped)):
                plan = json.loads(report("oscal-poam", file))["plan-of-action-and-milestones"]
                self.assertLessEqual({"uuid", "metadata", "poam-items"}, set(plan))
                self.assertLessEqual(set(plan), {"uuid", "metadata", "import-ssp", "system-id", "local-definitions",
                                                 "observations", "risks", "poam-items", "back-matter"})
                for item in plan["poam-items"]:
                    self.assertLessEqual({"title", "description"}, set(item))
                    self.assertLessEqual(set(item), {"uuid", "title", "description", "props", "links", "origins",
                                                     "related-observations", "related-risks", "remarks"})
                for form in ("oscal-poam", "oscal-ar"):
                    self.assertNotIn("[]", json.dumps(json.loads(report(form, file))))


class DataProtectionTest(unittest.TestCase):
    def test_a_transfer_assessment_cites_the_use_case_and_leaves_the_rest_to_people(self):
        text = report("tia")
        for part in ("## 1. Know your transfers", "## 6. Re-evaluation", "use case 7", "order-parent@vendor",
                     "**to be done by ACME GmbH**", "2027-05-22"):
            self.assertIn(part, text)
        own = report("tia", str(ROOT / "examples/pipelines/eu-processor.yaml"))
        self.assertNotIn("use case 6", own)

    def test_an_impact_assessment_of_a_catalogue_service_shows_unknowns(self):
        with tempfile.TemporaryDirectory() as folder:
            pipeline = pathlib.Path(folder) / "p.yaml"
            pipeline.write_text("casemate: pipeline\nname: p\ndate: 2026-11-22\nyou: acme\nuse: scaleway-generative-apis\n"
                                "parties:\n  acme: {name: ACME GmbH, seat: DE}\n")
            text = report("dpia", str(pipeline), more=("--lang", "de"))
            rows = list(csv.DictReader(io.StringIO(report("register", str(pipeline)))))
            results = json.loads(report("sarif", str(pipeline)))["runs"][0]["results"]
        for row in rows:
            if row["verdict"] == "unknown" and not row["risk_id"].startswith("exit@"):
                self.assertIn("find out first: ", row["treatment"])
        uris = {place["physicalLocation"]["artifactLocation"]["uri"] for result in results for place in result["locations"]}
        self.assertEqual(uris, {f"file://{pipeline}"})
        self.assertIn("## 0. Angaben zur Verarbeitung", text)
        self.assertIn("unknown", text)
        self.assertIn("zu erledigen durch ACME GmbH", text)


if __name__ == "__main__":
    main()
