"""Validators for the schemas of tests/data/schemas."""
import json

import jsonschema
import referencing

from harness import ROOT


def validator(name):
    """Of tests/data/schemas. What a schema refers to and is not there matches nothing."""
    folder = ROOT / "tests/data/schemas"
    schema = json.loads((folder / name).read_text())
    resources = [("http://cyclonedx.org/schema/cryptography-defs.schema.json",
                  json.loads((folder / "cryptography-defs.schema.json").read_text()))]
    resources += [(f"http://cyclonedx.org/schema/{other}", {"$schema": schema["$schema"], "not": {}, "definitions": {
        "signature": {"not": {}}}}) for other in ("spdx.schema.json", "jsf-0.82.schema.json")]
    registry = referencing.Registry().with_resources(
        (uri, referencing.Resource.from_contents(content)) for uri, content in resources)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, registry=registry)
