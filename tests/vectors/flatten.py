#!/usr/bin/env python3
"""Writes a Wycheproof file as lines: flatten.py IN.json OUT.txt

One test after the other, an empty line after each: `name=value`, the fields of its group first.
`ct` of the chunked-encryption vectors is zlib-compressed in the JSON; here it is plain hexadecimal.
"""
import json
import sys
import zlib


def main(source, target):
    with open(source, encoding="utf-8") as file:
        data = json.load(file)
    compressed = data["schema"].startswith("c2sp_chunked_encryption")
    with open(target, "w", encoding="ascii") as out:
        for group in data["testGroups"]:
            shared = {k: v for k, v in group.items() if isinstance(v, (int, str))}
            for test in group["tests"]:
                fields = shared | test
                if compressed:
                    fields["ct"] = zlib.decompress(bytes.fromhex(fields["ct"])).hex()
                for name, value in fields.items():
                    text = ",".join(value) if isinstance(value, list) else str(value)
                    out.write(f"{name}={text}\n".replace("\u2019", "'"))
                out.write("\n")


main(sys.argv[1], sys.argv[2])
