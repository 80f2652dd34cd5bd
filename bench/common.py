"""What every bench of this folder uses: the table, and clients of both servers."""
import concurrent.futures
import http.client
import json
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/end_to_end"), str(ROOT / "bench")]

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

    def events(self, body):
        """The events of one streamed chat as they come: (perf_counter, event)."""
        if self.plain:
            self.connect()  # llama-server closes what was idle for some seconds; not counted
        self.connection.request("POST", "/v1/chat/completions",
                                json.dumps(body | {"stream": True, "stream_options": {"include_usage": True}}),
                                self.headers)
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.read()[:300]
        for line in answer:
            if line.startswith(b"data: {"):
                yield time.perf_counter(), json.loads(line[6:])
        answer.read()

    def stream(self, body):
        """One streamed chat, to its end."""
        result = Stream(time.perf_counter())
        for now, event in self.events(body):
            usage = event.get("usage") or {}
            result.tokens = usage.get("completion_tokens", result.tokens)
            result.prompt_tokens = usage.get("prompt_tokens", result.prompt_tokens)
            if has_text(event):
                result.times.append(now)
        return result


def has_text(event):
    return bool(event.get("choices") and event["choices"][0].get("delta", {}).get("content"))


class Stream:
    """When the pieces of an answer's text came, in seconds of perf_counter, and its tokens."""

    def __init__(self, begin):
        self.begin = begin
        self.times = []
        self.tokens = self.prompt_tokens = 0

    @property
    def first(self):
        """Seconds to the first text."""
        return self.times[0] - self.begin

    def tokens_after(self, moment):
        """Tokens that came later: a piece of text can hold several, the same number in each."""
        return self.tokens * sum(1 for at in self.times if at > moment) / len(self.times)


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
    """Streams all at the same time; a Stream each."""
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        return [job.result() for job in [pool.submit(c.stream, b) for c, b in zip(clients, bodies)]]
