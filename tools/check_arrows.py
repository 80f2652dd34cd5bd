#!/usr/bin/env python3
"""Checks the arrows between the folders of src/.

1. A file includes headers of its own folder and of the folders that its CMakeLists.txt names
   (USES, PRIVATE_USES) and nothing else of ours.
2. A foreign API is included in the folder that wraps it and nowhere else.
3. No object file outside that folder depends on the foreign headers, through whatever header (from
   the build's own dependency records, when a build is given).
4. Every TLS context is made where the policy for it stands.

usage: tools/check_arrows.py [BUILD_FOLDER]
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# Foreign header prefix -> the folder (below src/) that wraps it.
FOREIGN = {
    "boost/": ["net"],
    "openssl/ssl": ["net"],
    "openssl/": ["crypto", "net"],
    "p11-kit/": ["custody"],
    "sqlite3.h": ["storage"],
    "lexbor/": ["retrieval/parsing"],
    "poppler": ["retrieval/parsing"],
    "archive": ["retrieval/parsing"],
    "expat": ["retrieval/parsing"],
    "cbor": ["attestation/cbor"],
    "libxml/": ["attestation/rim"],
    "xmlsec/": ["attestation/rim"],
    "llama": ["inference/room"],
    "ggml": ["inference/room"],
    "gguf.h": ["inference/room"],
    "minja/": ["inference/room"],
    "nlohmann/": ["inference/room"],
    "yyjson.h": ["json"],
    "yaml.h": ["assess/yaml"],
    "pcap": ["flows"],
    "toml++/": ["config"],
    "spdlog/": ["base"],
    "fmt/": ["base"],
    "seccomp.h": ["sandbox"],
    "linux/landlock.h": ["sandbox"],
    "CLI/": ["app"],
}
# Calls that stand in one file: every TLS connection is held to the policy.
ONE_PLACE = {"SSL_CTX_new": "net/tls_policy.cc"}
# Headers that cost whole seconds in every unit that sees them.
HEAVY = re.compile(r"/(boost/asio|boost/beast|spdlog|fmt|nlohmann|minja|toml\+\+|CLI|glaze)/")
HEAVY_FOLDERS = {"boost": ["net"], "spdlog": ["base"], "fmt": ["base"], "nlohmann": ["inference/room"],
                 "minja": ["inference/room"], "toml++": ["config"], "CLI": ["app"], "glaze": []}

CALL = re.compile(r"casemate_(library|executable|test|fuzz)\s*\(\s*([\w-]+)(.*?)\)", re.S)
KEYWORDS = {"SOURCES", "USES", "PRIVATE_USES", "FOREIGN", "LABELS", "TIMEOUT", "RELEASE"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def words(text):
    """The arguments of one call, as {keyword: [values]}."""
    found, key = {}, "SOURCES"
    for word in re.sub(r"#[^\n]*", "", text).split():
        if word in KEYWORDS:
            key = word
        else:
            found.setdefault(key, []).append(word)
    return found


def read_targets():
    """Library name -> folder, and folder -> names of the libraries that its targets may use."""
    homes, uses, source_uses = {}, {}, {}
    for lists in sorted(SRC.rglob("CMakeLists.txt")):
        folder = lists.parent
        for kind, name, rest in CALL.findall(lists.read_text()):
            arguments = words(rest)
            allowed = set(arguments.get("USES", [])) | set(arguments.get("PRIVATE_USES", []))
            places = {folder}
            for source in arguments.get("SOURCES", []):
                places.add((folder / source).parent)
                source_uses.setdefault((folder / source).resolve(), set()).update(allowed)
            if kind == "library":
                homes.setdefault(name, set()).update(places)
            for place in places:
                uses.setdefault(place, set()).update(allowed)
    return homes, uses, source_uses


def reachable(folder, homes, uses):
    """Folders whose headers a file of `folder` may include: what its targets use, and what those use."""
    seen, todo = set(), list(uses.get(folder, ()))
    while todo:
        library = todo.pop()
        if library in seen:
            continue
        seen.add(library)
        for home in homes.get(library, ()):
            todo.extend(uses.get(home, ()))
    return {home for library in seen for home in homes.get(library, ())} | {folder}


def main():
    homes, uses, _ = read_targets()
    problems = []
    for path in sorted([*SRC.rglob("*.h"), *SRC.rglob("*.cc")]):
        folder = path.parent
        allowed = reachable(folder, homes, uses)
        # A side of a folder (custody/client) may include what stands directly in the folder.
        allowed |= {parent for parent in folder.parents if SRC in parent.parents}
        relative = folder.relative_to(SRC).as_posix()
        for kind, name in INCLUDE.findall(path.read_text()):
            ours = SRC / name
            if kind == '"' and ours.exists():
                if ours.parent not in allowed and not (path.name.endswith("_test.cc")):
                    problems.append(f"{path.relative_to(ROOT)}: may not include {name}: "
                                    f"no target of src/{relative} uses that folder")
                continue
            for prefix, owners in FOREIGN.items():
                if name.startswith(prefix) and not any(
                        relative == o or relative.startswith(o + "/") for o in owners):
                    if prefix == "openssl/" and relative == "net":
                        continue
                    problems.append(f"{path.relative_to(ROOT)}: includes <{name}>, which belongs to "
                                    f"src/{owners[0]} alone")
                    break
        for call, owner in ONE_PLACE.items():
            if call + "(" in path.read_text() and path.relative_to(SRC).as_posix() != owner and "test" not in path.name:
                problems.append(f"{path.relative_to(ROOT)}: calls {call}, which src/{owner} alone may")
    if len(sys.argv) > 1:
        problems += check_dependencies(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    print(f"arrows: {len(problems)} problems" if problems else "arrows: ok")
    return 1 if problems else 0


def check_dependencies(build):
    """Objects that see a heavy foreign header outside the folder that wraps it."""
    listing = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True,
                             check=True).stdout
    problems, target, reported = [], None, set()
    for line in listing.splitlines():
        if line and not line.startswith(" "):
            target = line.split(":")[0]
            continue
        match = HEAVY.search(line) if target else None
        if not match or not target.startswith("src/"):
            continue
        top = match.group(1).split("/")[0]
        place = target[len("src/"):].split("/CMakeFiles/")[0]
        inner = re.sub(r"^.*?\.dir/", "", target)
        inside = f"{place}/{inner}"
        if not any(inside.startswith(owner + "/") for owner in HEAVY_FOLDERS[top]):
            if (target, top) not in reported:
                reported.add((target, top))
                problems.append(f"{target}: depends on {line.strip()} ({top} belongs to "
                                f"{HEAVY_FOLDERS[top]})")
    return problems


if __name__ == "__main__":
    sys.exit(main())
