#!/usr/bin/env python3
"""Computes the vectors of docs/formats/key_tree.md and docs/formats/release.md from those documents,
with the standard library alone. Prints them one a line: NAME HEX."""
import hmac
import struct

SECRET = bytes(range(0x00, 0x20))
TENANT = bytes(range(0x20, 0x30))
OBJECT = bytes(range(0x30, 0x40))
COLLECTION = bytes(range(0x40, 0x50))
PRINCIPAL = bytes(range(0x50, 0x60))
TICKET = bytes(range(0x60, 0x70))
KEY_ID = bytes(range(0x70, 0x80))


def hkdf_expand_sha512(key, info, length):
    """RFC 5869, section 2.3."""
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha512")
        out, counter = out + block, counter + 1
    return out[:length]


def purpose_key(purpose, version):
    fields = [bytes([purpose]), TENANT, OBJECT, struct.pack(">I", version)]
    info = b"casemate/purpose@v1" + b"".join(bytes([len(f)]) + f for f in fields)
    return hkdf_expand_sha512(SECRET, info, 32)


def node_context(level, index, epoch):
    return b"casemate/key-tree@v1" + TENANT + struct.pack(">BIQ", level, index, epoch)


def leaf_entry():
    kind, label, state, version, source, created = 5, 2, 1, 1, 770, 1767225600
    return (SECRET + OBJECT + COLLECTION + struct.pack(">BBBx", kind, label, state)
            + struct.pack(">IIQ", version, source, created) + bytes(12))


def block(data):
    return struct.pack(">I", len(data)) + data


def ticket_request():
    return (PRINCIPAL + KEY_ID + bytes([5, 1]) + struct.pack(">H", 2 | 4) + bytes([2])
            + struct.pack(">I", 1) + COLLECTION + bytes([0]) + struct.pack(">III", 100, 0, 60000)
            + bytes(32) + block(b""))


def open_request():
    return TICKET + bytes([3]) + struct.pack(">I", 1) + OBJECT + struct.pack(">I", 771)


def open_reply():
    return struct.pack(">I", 30000) + struct.pack(">I", 1) + SECRET + struct.pack(">I", 1) + bytes([2])


def create_request():
    new_object = bytes([5, 2]) + COLLECTION + struct.pack(">I", 1) + OBJECT + struct.pack(">I", 770)
    return TICKET + struct.pack(">I", 1) + new_object + struct.pack(">I", 2) + bytes([3, 4])


if __name__ == "__main__":
    for name, value in [
        ("purpose_key_content_1", purpose_key(1, 1)),
        ("purpose_key_chunks_1", purpose_key(3, 1)),
        ("purpose_key_content_2", purpose_key(1, 2)),
        ("node_context", node_context(2, 3, 7)),
        ("leaf_entry", leaf_entry()),
        ("ticket_request", ticket_request()),
        ("open_request", open_request()),
        ("open_reply", open_reply()),
        ("create_request", create_request()),
    ]:
        print(name, value.hex())
