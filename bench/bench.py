#!/usr/bin/env python3
"""Measures Casemate beside what it is compared with: ./dev bench [NAME...] [--quick] [--json] [--write].

Pairs are measured one after the other, so that both see the same machine; a ratio is given as its median over the
pairs with the 10th and 90th percentile. Nothing here is asserted, and nothing is run in CI but the smoke run.
"""
import argparse
import concurrent.futures
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/end_to_end"), str(ROOT / "bench")]
import random_gguf  # noqa: E402
from harness import BIN, Deployment, write_documents  # noqa: E402

MICRO = BIN.parent / "bench/casemate_bench_micro"
SYNTHETIC = "random-weights"
TEXT = ("The keeper of the vault writes down who came, what was read and why, and closes the window when the last "
        "copy of the text is gone. ")


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def median(values):
    return percentile(values, 0.5)


class Report:
    """Rows of the table: what, ours, theirs, ratio with its spread, the target."""

    def __init__(self):
        self.rows = []

    def add(self, what, unit, ours, theirs=None, against="", target="", better="higher"):
        """`ours` and `theirs` are lists, pair by pair. A ratio over 1 is in our favour."""
        row = {"what": what, "unit": unit, "ours": median(ours), "target": target}
        if theirs:
            ratios = [(a / b if better == "higher" else b / a) for a, b in zip(ours, theirs)]
            row |= {"theirs": median(theirs), "against": against, "ratio": median(ratios),
                    "ratio_p10": percentile(ratios, 0.1), "ratio_p90": percentile(ratios, 0.9), "pairs": len(ratios)}
        self.rows.append(row)
        print(self.line(row), file=sys.stderr, flush=True)

    @staticmethod
    def number(value):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"

    def line(self, row):
        text = f"{row['what']}: {self.number(row['ours'])} {row['unit']}"
        if "ratio" in row:
            text += (f"; {row['against']} {self.number(row['theirs'])}; {row['ratio']:.2f} x "
                     f"[{row['ratio_p10']:.2f}, {row['ratio_p90']:.2f}]")
        return text + (f"; target {row['target']}" if row["target"] else "")

    def table(self):
        lines = ["| what | unit | Casemate | beside it | | ratio (10th to 90th percentile) | to reach |",
                 "|---|---|---|---|---|---|---|"]
        for row in self.rows:
            theirs, ratio = "", ""
            if "ratio" in row:
                theirs = self.number(row["theirs"])
                ratio = f"{row['ratio']:.2f} ({row['ratio_p10']:.2f} to {row['ratio_p90']:.2f}, {row['pairs']} pairs)"
            lines.append(f"| {row['what']} | {row['unit']} | {self.number(row['ours'])} | {theirs} | "
                         f"{row.get('against', '')} | {ratio} | {row['target']} |")
        return "\n".join(lines)


def micro(*arguments):
    run = subprocess.run([MICRO, *map(str, arguments)], capture_output=True, text=True, check=True)
    values = {}
    for line in run.stdout.splitlines():
        values |= json.loads(line)
    return values


def openssl_speed(seconds, size):
    run = subprocess.run(["openssl", "speed", "-mr", "-seconds", str(seconds), "-bytes", str(size), "-evp",
                          "aes-256-gcm"], capture_output=True, text=True, check=True)
    return float(re.search(r"^\+F:\d+:[^:]+:([\d.]+)", run.stdout, re.M).group(1))


def bench_seal(report, quick):
    pairs = 2 if quick else 5
    ours, theirs = [], []
    for _ in range(pairs):
        ours.append(micro("seal", 0.1 if quick else 0.5))
        theirs.append(openssl_speed(1, 16384))
    for name, what in (("seal_stream", "sealing a stream of 64 MiB"), ("open_stream", "opening a stream of 64 MiB"),
                       ("seal_memory", "sealing 64 MiB in memory"), ("open_memory", "opening 64 MiB in memory")):
        report.add(what, "B/s, one core", [run[f"{name}_bytes_per_s"] for run in ours], theirs,
                   "openssl speed, 16 KiB", ">= 0.9")
    for size in (1024, 4096):
        report.add(f"opening objects of {size} B", "objects/s, one core",
                   [run[f"open_{size}_objects_per_s"] for run in ours], target="reported")


def bench_vector(report, quick):
    for count in [2000] if quick else [2000, 10000, 50000]:
        runs = [micro("search", 0.1 if quick else 0.5, count) for _ in range(1 if quick or count > 10000 else 3)]
        recalls = {effort: runs[0][f"hnsw_ef{effort}_{count}_recall"] for effort in (16, 64, 200)}
        effort = next((e for e, recall in recalls.items() if recall >= 0.95), 200)
        report.add(f"vector search, {count} x 256, exact", "queries/s", [r[f"flat_{count}_queries_per_s"] for r in runs],
                   [r[f"hnsw_ef{effort}_{count}_queries_per_s"] for r in runs],
                   f"hnswlib, recall@10 {recalls[effort]:.3f} (ef {effort})", ">= 0.9")


def bench_disk(report, quick, folder=None):
    """What the ticket's durable write costs on this disk."""
    def syncs(where):
        times = []
        with tempfile.NamedTemporaryFile(dir=where) as file:
            for _ in range(20 if quick else 200):
                os.write(file.fileno(), b"x" * 512)
                begin = time.perf_counter()
                os.fdatasync(file.fileno())
                times.append((time.perf_counter() - begin) * 1e3)
        return times
    times = syncs(folder or "/var/tmp")
    report.add("fdatasync of 512 appended bytes, median", "ms", [median(times)])
    report.add("fdatasync of 512 appended bytes, p99", "ms", [percentile(times, 0.99)])


class Client:
    """One kept-alive connection, TLS to Casemate or plain to llama-server."""

    def __init__(self, address, ca=None, key=None):
        host, port = address.rsplit(":", 1)
        if ca:
            self.connection = http.client.HTTPSConnection(host, int(port), timeout=300,
                                                          context=ssl.create_default_context(cafile=str(ca)))
        else:
            self.connection = http.client.HTTPConnection(host, int(port), timeout=300)
        self.headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self.plain = ca is None
        self.connect()

    def connect(self):
        self.connection.close()
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        data = answer.read()
        assert answer.status < 300, f"{path}: {answer.status} {data[:300]}"
        return json.loads(data) if data else None

    def stream(self, body):
        """(seconds to the first text, seconds of the rest, tokens, prompt tokens) of one streamed chat."""
        if self.plain:
            self.connect()  # llama-server closes what was idle for some seconds; not counted
        begin = time.perf_counter()
        self.connection.request("POST", "/v1/chat/completions",
                                json.dumps(body | {"stream": True, "stream_options": {"include_usage": True}}),
                                self.headers)
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.read()[:300]
        first = last = None
        usage = {}
        for line in answer:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            usage = event.get("usage") or usage
            if event.get("choices") and event["choices"][0].get("delta", {}).get("content"):
                last = time.perf_counter()
                first = first or last
        answer.read()
        now = time.perf_counter()
        first, last = first or now, last or now
        return first - begin, last - first, usage.get("completion_tokens", 0), usage.get("prompt_tokens", 0)


class LlamaServer:
    def __init__(self, model, threads, slots, context):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.process = subprocess.Popen(
            ["llama-server", "-m", str(model), "--host", "127.0.0.1", "--port", self.address.split(":")[1], "-t",
             str(threads), "-np", str(slots), "-c", str(context * slots), "--offline", "--no-webui"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://{self.address}/health", timeout=2).read()
                return
            except OSError:
                assert self.process.poll() is None, f"llama-server ended with {self.process.returncode}"
                time.sleep(0.1)
        raise AssertionError("llama-server did not answer in 60 s")

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def prompt(index, words):
    """Distinct from its first word on, so that no cache of prefixes helps."""
    text = f"{index * 7919 % 9973} {TEXT * (words // len(TEXT.split()) + 1)}"
    return " ".join(text.split()[:words])


def chat(model, index, words, tokens):
    return {"model": model, "max_tokens": tokens, "temperature": 0,
            "messages": [{"role": "user", "content": prompt(index, words)}]}


def at_once(clients, bodies):
    """Streams all at the same time; the results of Client.stream."""
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        return [job.result() for job in [pool.submit(c.stream, b) for c, b in zip(clients, bodies)]]


def bench_inference(report, quick):
    work = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-", dir="/var/tmp"))
    words, tokens, pairs = (40, 8, 2) if quick else (150, 32, 5)
    deployment = llama = None
    try:
        model = work / "model.gguf"
        shape = "tiny" if quick else "0.5b"
        random_gguf.write(model, shape, 1)
        deployment = Deployment(base=work).start()
        deployment.casemate("model", "add", model, "--name", SYNTHETIC, "--context-tokens", 2048)
        key = deployment.key()
        threads = os.cpu_count()
        llama = LlamaServer(model, threads, 4, 2048)
        ours = [Client(deployment.address, deployment.dir / "tls/ca.pem", key) for _ in range(4)]
        theirs = [Client(llama.address) for _ in range(4)]
        index = 0
        for streams in (1, 4):
            firsts, decodes, prefills = ([], []), ([], []), ([], [])
            for pair in range(-1, pairs if streams == 1 else max(2, pairs - 2)):  # the first warms both
                index += streams
                for side in ((0, 1) if pair % 2 else (1, 0)):
                    bodies = [chat(SYNTHETIC, index + i, words, tokens) for i in range(streams)]
                    if side == 1:
                        bodies = [body | {"cache_prompt": False} for body in bodies]
                    results = at_once((ours, theirs)[side][:streams], bodies)
                    if pair < 0:
                        continue
                    first = median([r[0] for r in results])
                    firsts[side].append(first * 1e3)
                    prefills[side].append(sum(r[3] for r in results) / max(r[0] for r in results))
                    rest = max(r[0] + r[1] for r in results) - min(r[0] for r in results)
                    decodes[side].append(sum(max(r[2] - 1, 1) for r in results) / max(rest, 1e-6))
            name = f"{streams} stream{'s' if streams > 1 else ''}, {shape} q8_0, {words} words"
            against = "llama-server, plain HTTP"
            target = ">= 0.98" if streams == 1 else "ahead"
            report.add(f"time to first token, {name}", "ms", *firsts, against, target, better="lower")
            report.add(f"prompt tokens, {name}", "tokens/s", *prefills, against, target)
            report.add(f"answer tokens, {name}", "tokens/s", *decodes, against, target)
    finally:
        if llama:
            llama.stop()
        if deployment:
            deployment.close()
        shutil.rmtree(work, ignore_errors=True)


def documents_of(folder, count):
    return write_documents(folder, count, lambda i: f"# Widget {i}\n\nThe widget {i} is a device of kind {i % 7}.\n\n"
                           + "\n\n".join(f"Paragraph {p} of {i}. " + TEXT * 3 for p in range(5)))


def service_times(base, quick):
    """Milliseconds of searches and of first tokens of short chats, and the seconds of an ingest, in one folder."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-", dir=base))
    deployment = llama = None
    try:
        deployment = Deployment("--mirror", work / "mirror", base=work).start()
        paths = documents_of(work / "documents", 10 if quick else 100)
        size = sum(path.stat().st_size for path in paths)
        begin = time.perf_counter()
        deployment.ingest(work / "documents", timeout=600)
        ingest = time.perf_counter() - begin
        client = Client(deployment.address, deployment.dir / "tls/ca.pem", deployment.key())
        store = client.call("GET", "/v1/vector_stores")["data"][0]["id"]
        searches = []
        for i in range(12 if quick else 200):
            begin = time.perf_counter()
            client.call("POST", f"/v1/vector_stores/{store}/search", {"query": f"What is the widget {i % len(paths)}?"})
            searches.append((time.perf_counter() - begin) * 1e3)
        searches = searches[2:]  # the first opens the index
        llama = LlamaServer(ROOT / "models/casemate-answer-q8_0.gguf", 1, 1, 320)
        plain = Client(llama.address)
        ours, theirs = [], []
        for i in range(4 if quick else 40):
            body = chat("casemate-answer", i, 12, 4)
            ours.append(client.stream(body)[0] * 1e3)
            theirs.append(plain.stream(body | {"cache_prompt": False})[0] * 1e3)
        return {"documents": len(paths), "bytes": size, "ingest_s": ingest, "searches": searches, "first": ours[1:],
                "llama_first": theirs[1:]}
    finally:
        if llama:
            llama.stop()
        if deployment:
            deployment.close()
        shutil.rmtree(work, ignore_errors=True)


def bench_service(report, quick):
    disk = service_times("/var/tmp", quick)
    memory = service_times("/dev/shm", quick)
    report.add("ingest of Markdown, every acknowledged document durable", "documents/s",
               [disk["documents"] / disk["ingest_s"]], target="reported")
    report.add("ingest of Markdown", "KB/s", [disk["bytes"] / 1e3 / disk["ingest_s"]], target="reported")
    report.add("search over TLS, median (embedding, ticket with durable write, both indexes)", "ms",
               [median(disk["searches"])], [median(memory["searches"])], "the same in memory files, no durable write",
               better="lower")
    report.add("search over TLS, p99", "ms", [percentile(disk["searches"], 0.99)],
               [percentile(memory["searches"], 0.99)], "the same in memory files", better="lower")
    for name, times in (("no durable write", memory), ("durable write", disk)):
        extra = [a - b for a, b in zip(times["first"], times["llama_first"])]
        target = "<= 2 ms" if times is memory else "<= 2 ms + one fdatasync"
        report.add(f"first token of a 12-word chat, {name}", "ms", times["first"], times["llama_first"],
                   "llama-server, plain HTTP, no audit", better="lower")
        report.add(f"of that, more than llama-server's, {name}", "ms", extra, target=target)


def handshakes(address, seconds):
    run = subprocess.run(["openssl", "s_time", "-connect", address, "-new", "-time", str(seconds), "-tls1_3"],
                         capture_output=True, text=True)
    found = re.search(r"(\d+) connections in (\d+) real seconds", run.stdout)
    return float(found.group(1)) / float(found.group(2)) if found else 0.0


def bench_tls(report, quick):
    work = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-", dir="/var/tmp"))
    deployment = server = None
    try:
        deployment = Deployment(base=work).start()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-keyout", work / "key.pem", "-out", work / "cert.pem"],
                       check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        server = subprocess.Popen(["openssl", "s_server", "-accept", address, "-key", work / "key.pem", "-cert",
                                   work / "cert.pem", "-tls1_3", "-groups", "X25519MLKEM768", "-num_tickets", "0",
                                   "-quiet"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        ours, theirs = [], []
        for _ in range(1 if quick else 3):
            ours.append(handshakes(deployment.address, 1 if quick else 3))
            theirs.append(handshakes(address, 1 if quick else 3))
        if all(ours) and all(theirs):
            report.add("TLS 1.3 handshakes, X25519MLKEM768, one client", "1/s", ours, theirs, "openssl s_server",
                       "reported")
        else:
            print("tls: openssl s_time counted nothing", file=sys.stderr)
    finally:
        if server:
            server.kill()
            server.wait(10)
        if deployment:
            deployment.close()
        shutil.rmtree(work, ignore_errors=True)


BENCHES = {"seal": bench_seal, "vector": bench_vector, "disk": bench_disk, "tls": bench_tls, "service": bench_service,
           "inference": bench_inference}


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split(" (")[0].strip()
    return (f"{cpu.group(1) if cpu else platform.processor()}, {os.cpu_count()} cores, "
            f"{int(memory.group(1)) >> 20} GiB, Linux {platform.release().split('-')[0]}, {version}, "
            f"load {os.getloadavg()[0]:.1f} at the beginning")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small and short: whether it works, not how fast it is")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # servers and folders go too
    for name in options.names:
        if name not in BENCHES:
            parser.error(f"no bench '{name}'; there are {', '.join(BENCHES)}")
    where, report, begin = machine(), Report(), time.monotonic()
    for name in options.names or BENCHES:
        BENCHES[name](report, options.quick)
    took = time.monotonic() - begin
    if options.json:
        print(json.dumps({"machine": where, "seconds": took, "rows": report.rows}))
    else:
        print(report.table())
    if options.write:
        page = ROOT / "docs/performance.md"
        command = " ".join(["./dev bench", *options.names, *(["--quick"] if options.quick else [])])
        section = (f"{datetime.date.today()}, {where}. `{command}`, {took:.0f} s.\n\n{report.table()}\n")
        head, rest = page.read_text().split("<!-- table -->\n", 1)
        _, tail = rest.split("<!-- end of table -->\n", 1)
        page.write_text(f"{head}<!-- table -->\n{section}<!-- end of table -->\n{tail}")


if __name__ == "__main__":
    main()
