#!/usr/bin/env python3
"""Seals as docs/formats/seal.md says, from the Python standard library alone: prints its vectors.

Written from the specification (c2sp.org/chunked-encryption, FIPS 197, NIST SP 800-38D) and not from
src/crypto, so that the two can disagree. Slow, and not constant-time: for vectors only.
"""
import hashlib
import hmac

CHUNK = 16384


def aes_tables():
    sbox, p, q = [0] * 256, 1, 1
    while True:
        p ^= ((p << 1) ^ (0x1B if p & 0x80 else 0)) & 0xFF
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        x = q
        for shift in (1, 2, 3, 4):
            x ^= ((q << shift) | (q >> (8 - shift))) & 0xFF
        sbox[p] = x ^ 0x63
        if p == 1:
            break
    sbox[0] = 0x63
    return sbox


SBOX = aes_tables()


def times2(b):
    return ((b << 1) ^ (0x1B if b & 0x80 else 0)) & 0xFF


class Aes256:
    def __init__(self, key):
        words = [list(key[i:i + 4]) for i in range(0, 32, 4)]
        rcon = 1
        for i in range(8, 60):
            word = list(words[i - 1])
            if i % 8 == 0:
                word = [SBOX[b] for b in word[1:] + word[:1]]
                word[0] ^= rcon
                rcon = times2(rcon)
            elif i % 8 == 4:
                word = [SBOX[b] for b in word]
            words.append([a ^ b for a, b in zip(words[i - 8], word)])
        self.round_keys = [sum(words[i:i + 4], []) for i in range(0, 60, 4)]

    def encrypt(self, block):
        state = [a ^ b for a, b in zip(block, self.round_keys[0])]
        for number in range(1, 15):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 14:
                mixed = []
                for c in range(0, 16, 4):
                    a = state[c:c + 4]
                    every = a[0] ^ a[1] ^ a[2] ^ a[3]
                    mixed += [a[i] ^ every ^ times2(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
                state = mixed
            state = [a ^ b for a, b in zip(state, self.round_keys[number])]
        return bytes(state)


def gf_times(x, y):
    product = 0
    for bit in range(127, -1, -1):
        if (x >> bit) & 1:
            product ^= y
        y = (y >> 1) ^ (0xE1 << 120 if y & 1 else 0)
    return product


def gcm_seal(key, nonce, plaintext):
    aes = Aes256(key)
    h = int.from_bytes(aes.encrypt(bytes(16)), "big")
    out = b""
    for i in range(0, len(plaintext), 16):
        stream = aes.encrypt(nonce + (i // 16 + 2).to_bytes(4, "big"))
        out += bytes(a ^ b for a, b in zip(plaintext[i:i + 16], stream))
    y = 0
    for i in range(0, len(out), 16):
        y = gf_times(y ^ int.from_bytes(out[i:i + 16].ljust(16, b"\0"), "big"), h)
    y = gf_times(y ^ (8 * len(out)), h)
    mask = int.from_bytes(aes.encrypt(nonce + b"\0\0\0\1"), "big")
    return out + (y ^ mask).to_bytes(16, "big")


def expand(key, info, size):
    out, block, count = b"", b"", 1
    while len(out) < size:
        block = hmac.new(key, block + info + bytes([count]), hashlib.sha512).digest()
        out, count = out + block, count + 1
    return out[:size]


def padme(size):
    if size <= 8:
        return 8
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-size // step) * step


def seal(key, context, content, salt):
    message = len(content).to_bytes(8, "big") + content
    message = message.ljust(padme(len(message)), b"\0")
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    derived = expand(key, info, 32 + 12 + 32)
    aead_key, base, commitment = derived[:32], int.from_bytes(derived[32:44], "big"), derived[44:]
    sealed = salt + commitment
    for i in range(len(message) // CHUNK + 1):
        nonce = (base ^ i).to_bytes(12, "big")
        sealed += gcm_seal(aead_key, nonce, message[CHUNK * i:CHUNK * (i + 1)])
    return sealed


def main():
    # FIPS 197, appendix C.3: this AES is AES.
    assert Aes256(bytes(range(32))).encrypt(bytes.fromhex("00112233445566778899aabbccddeeff")) == \
        bytes.fromhex("8ea2b7ca516745bfeafc49904b496089")
    key, salt = bytes(range(32)), bytes(range(0x40, 0x58))
    for context, content in ((b"", b""), (b"casemate", b"Casemate seals."),
                             (b"casemate", b"\x5a" * 16400)):
        sealed = seal(key, context, content, salt)
        shown = sealed.hex() if len(sealed) < 200 else "SHA-256 " + hashlib.sha256(sealed).hexdigest()
        print(f"key {key.hex()}\nsalt {salt.hex()}\ncontext {context.hex() or '(empty)'}")
        print(f"content {content.hex() if len(content) < 32 else f'{len(content)} bytes of 5a'}")
        print(f"sealed ({len(sealed)} bytes) {shown}\n")


main()
