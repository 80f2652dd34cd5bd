#!/usr/bin/env python3
"""Reads and makes receipts from docs/formats/receipt.md alone, sharing no code with Casemate.

receipt_reference.py                        prints the vector of that page
receipt_reference.py FILE VKEYS [SALT REQUEST ANSWER]
                                            verifies a receipt: Ed25519 here (RFC 8032, section 5.1,
                                            unhurried), ML-DSA-44 with `openssl pkeyutl` 3.5 or later
"""
import base64
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile

# --- Ed25519 -------------------------------------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P:
        raise ValueError("no point")
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return ((x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


def multiply(k, point):
    result = (0, 1)
    while k:
        if k & 1:
            result = add(result, point)
        point, k = add(point, point), k >> 1
    return result


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(data):
    value = int.from_bytes(data, "little")
    y = value & (1 << 255) - 1
    return recover_x(y, value >> 255), y


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def secret(seed):
    digest = hashlib.sha512(seed).digest()
    return int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254, digest[32:]


def public(seed):
    return encode(multiply(secret(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = secret(seed)
    r = number(prefix, message) % L
    point = encode(multiply(r, BASE))
    return point + ((r + number(point, public(seed), message) * scalar) % L).to_bytes(32, "little")


def ed25519_verifies(key, message, signature):
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    challenge = number(signature[:32], key, message) % L
    return multiply(s, BASE) == add(decode(signature[:32]), multiply(challenge, decode(key)))


def ml_dsa_44_verifies(key, message, signature):
    # SubjectPublicKeyInfo of id-ml-dsa-44, 2.16.840.1.101.3.4.3.17 (RFC 9881).
    spki = bytes.fromhex("30820532300b06096086480165030403110382052100") + key
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for name, data in (("key", spki), ("message", message), ("signature", signature)):
            names[name] = os.path.join(folder, name)
            with open(names[name], "wb") as file:
                file.write(data)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names["key"],
                               "-rawin", "-in", names["message"], "-sigfile", names["signature"]],
                              capture_output=True, check=False)
    return done.returncode == 0


# --- Notes ---------------------------------------------------------------------------------------
ED25519, ML_DSA_44 = 1, 6


def b64(data):
    return base64.b64encode(data).decode()


def key_id(name, kind, key):
    kind_bytes = b"\x01" if kind == ED25519 else b"\xffcasemate.local/ML-DSA-44"
    return hashlib.sha256(name.encode() + b"\n" + kind_bytes + key).digest()[:4]


def vkey(name, kind, key):
    plain_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]
    return f"{name}+{plain_id.hex()}+{b64(bytes([kind]) + key)}"


def parse_vkey(text):
    name, _, material = text.split("+", 2)
    material = base64.b64decode(material, validate=True)
    if vkey(name, material[0], material[1:]) != text:
        raise ValueError("a verifier key whose id is another's")
    return name, material[0], material[1:]


def note(text, name, seed):
    return f"{text}\n\u2014 {name} {b64(key_id(name, ED25519, public(seed)) + sign(seed, text.encode()))}\n"


def open_note(data, keys):
    """The text, when every key has signed and nobody else."""
    text, lines = data.rsplit("\n\n", 1)
    text += "\n"
    if not lines.endswith("\n"):
        raise ValueError("the last line is not ended")
    lines = lines[:-1].split("\n")
    if len(lines) != len(keys):
        raise ValueError(f"{len(lines)} signatures, {len(keys)} keys")
    for name, kind, key in keys:
        for line in lines:
            prefix, blob = line.rsplit(" ", 1)
            blob = base64.b64decode(blob, validate=True)
            if prefix == f"\u2014 {name}" and blob[:4] == key_id(name, kind, key):
                verifies = ed25519_verifies if kind == ED25519 else ml_dsa_44_verifies
                if not verifies(key, text.encode(), blob[4:]):
                    raise ValueError(f"a signature of {name} does not verify")
                break
        else:
            raise ValueError(f"no signature of {name}")
    return text


# --- Receipts ------------------------------------------------------------------------------------
TITLES = ["casemate/receipt/custodian@v1", "casemate/receipt/server@v1", "casemate/receipt/client@v1"]
LEAF = struct.Struct(">BBq32s32s32sBBHBBBIIIIQ32s32s")
LEAF_FIELDS = ("version type time tenant principal ticket justification level actions label purpose rule count "
               "max_objects max_partitions duration epoch objects request").split()
LEVELS = ["none", "asserted", "session", "signed", "attested"]
ACTIONS = ["list", "read", "search", "seal", "erase", "index"]


def facts(ticket, closed):
    actions = "+".join(name for bit, name in enumerate(ACTIONS) if ticket["actions"] >> bit & 1) or "none"
    return [f"justification {ticket['justification']}", f"level {LEVELS[ticket['level']]}", f"actions {actions}",
            f"label {ticket['label']}", f"openings {closed['count']}", f"objects {b64(closed['objects'])}",
            f"request {b64(ticket['request'])}"]


def leaf(data):
    return dict(zip(LEAF_FIELDS, LEAF.unpack(data)))


def request_digest(salt, body):
    return hashlib.sha256(salt + body).digest()


def answer_digest(salt, body):
    return hashlib.sha256(salt + b"casemate/answer@v1\n" + body).digest()


def values(text, word):
    return [line[len(word) + 1:] for line in text.splitlines() if line.startswith(word + " ")]


def verify(data, log_keys):
    """The three texts of a receipt that verifies; ValueError of one that does not."""
    first, rest = re.split("\n\n" + TITLES[1] + "\n", data, maxsplit=1)
    second, third = re.split("\n\n" + TITLES[2] + "\n", rest, maxsplit=1)
    custodian = open_note(first + "\n", log_keys)
    (ticket_index, ticket), (closed_index, closed) = (values(custodian, word)[0].split(" ") for word in
                                                      ("ticket-entry", "closed-entry"))
    ticket, closed = (leaf(base64.b64decode(entry, validate=True)) for entry in (ticket, closed))
    origin = values(custodian, "origin")[0]
    if custodian.splitlines()[4:11] != facts(ticket, closed) or ticket["type"] != 1 or closed["type"] != 4:
        raise ValueError("facts that are not those of the entries")
    if any(ticket[field] != closed[field] for field in ("tenant", "principal", "ticket", "request")):
        raise ValueError("entries of two tickets")
    if not int(ticket_index) < int(closed_index) < int(values(custodian, "log-size")[0]):
        raise ValueError("indexes out of order")
    keys = [parse_vkey(key) for key in values(custodian, "server-key")]
    if any(name != origin + "/server" for name, _, _ in keys) or any(name != origin for name, _, _ in log_keys):
        raise ValueError("a key of another name")
    server = open_note(TITLES[1] + "\n" + second + "\n", keys)
    client = open_note(TITLES[2] + "\n" + third, keys)
    for text, word in ((server, "server-block"), (client, "client-block")):
        if values(custodian, word) != [b64(hashlib.sha256(text.encode()).digest())]:
            raise ValueError(f"another {word}")
    for word in ("origin", "receipt"):
        if len({tuple(values(text, word)) for text in (custodian, server, client)}) != 1:
            raise ValueError("blocks of different receipts")
    if values(client, "tls-minimum") not in ([], ["classical"]):
        raise ValueError("a tls-minimum that is not classical")
    if values(client, "request") != [b64(ticket["request"])]:
        raise ValueError("another request than the ticket's")
    return custodian, server, client


def vector():
    """The receipt of the page: fixed values, Ed25519 alone (ML-DSA-44 signs with fresh randomness)."""
    origin, salt = "casemate.local/test", b"\x5a" * 32
    request, answer = b'{"model":"m"}', b'{"choices":[]}'
    receipt = "rcpt_" + base64.b32encode(b"\x77" * 16).decode().rstrip("=").lower()
    asked = request_digest(salt, request)

    def entry(kind, time, count, objects):
        return LEAF.pack(1, kind, time, b"\x11" * 32, b"\x22" * 32, b"\x33" * 32, 5, 1, 5, 2, 0, 0, count, 1024, 0,
                         60000, 0, objects, asked)
    ticket = entry(1, 1767225600000, 0, bytes(32))
    closed = entry(4, 1767225601500, 12, b"\x44" * 32)
    head = [f"origin {origin}", f"receipt {receipt}"]
    server = "\n".join([TITLES[1], *head, "opened 1767225600000", "closed 1767225601400", "duration-ms 1400",
                        "outcome complete", "isolation process", "engine libllama",
                        f"model {'66' * 32} casemate-answer", "prompt-tokens 41", "completion-tokens 7",
                        f"region request {len(request)}", f"region answer {len(answer)}", "scrub leases",
                        "scrub request", "scrub answer"]) + "\n"
    client = "\n".join([TITLES[2], *head, "tls X25519MLKEM768", "method POST", "path /v1/chat/completions", "status 200",
                        "streamed no", f"request {b64(asked)}", f"answer {b64(answer_digest(salt, answer))}",
                        f"answer-bytes {len(answer)}"]) + "\n"
    log_seed, server_seed = b"\x01" * 32, b"\x03" * 32
    custodian = "\n".join([TITLES[0], *head, "time 1767225602000", *facts(leaf(ticket), leaf(closed)),
                           f"ticket-entry 17 {b64(ticket)}", f"closed-entry 19 {b64(closed)}", "log-size 20",
                           f"server-key {vkey(origin + '/server', ED25519, public(server_seed))}",
                           f"server-block {b64(hashlib.sha256(server.encode()).digest())}",
                           f"client-block {b64(hashlib.sha256(client.encode()).digest())}"]) + "\n"
    text = "\n".join([note(custodian, origin, log_seed), note(server, origin + "/server", server_seed),
                      note(client, origin + "/server", server_seed)])
    verify(text, [(origin, ED25519, public(log_seed))])
    return text


def main(arguments):
    if not arguments:
        sys.stdout.write(vector())
        return
    with open(arguments[0], encoding="utf-8", newline="") as file:
        data = file.read()
    with open(arguments[1], encoding="utf-8") as file:
        keys = [parse_vkey(line) for line in file.read().split("\n") if line and not line.startswith("#")]
    _, _, client = verify(data, keys)
    if len(arguments) == 5:
        salt = bytes.fromhex(arguments[2])
        bodies = []
        for path in arguments[3:]:
            with open(path, "rb") as file:
                bodies.append(file.read())
        if (values(client, "request"), values(client, "answer")) != (
                [b64(request_digest(salt, bodies[0]))], [b64(answer_digest(salt, bodies[1]))]):
            raise ValueError("another request or answer")
    print("verifies")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, KeyError, IndexError) as error:
        sys.exit(f"refused: {error}")
