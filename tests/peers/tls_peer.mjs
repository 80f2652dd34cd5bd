// Node's tls with its defaults, as a client of Casemate's port and as a server for its clients.
//   client HOST PORT CA [CURVE]    one GET /health; prints what was negotiated
//   server CERT KEY [CURVE]        answers every request with "{}"; prints its address
import fs from "node:fs";
import https from "node:https";

const [mode, ...rest] = process.argv.slice(2);
const curve = (name) => (name ? { ecdhCurve: name } : {});
if (mode === "client") {
  const [host, port, ca, name] = rest;
  const request = https.get({ host, port, path: "/health", ca: fs.readFileSync(ca), ...curve(name) }, (answer) => {
    const group = answer.socket.getEphemeralKeyInfo();
    answer.resume().on("end", () => {
      console.log(JSON.stringify({ node: process.version, openssl: process.versions.openssl, status: answer.statusCode,
                                   group: group.name ?? null }));
      process.exit(0);
    });
  });
  request.on("error", (error) => {
    console.log(`${error.code}: ${error.message}`);
    process.exit(1);
  });
} else {
  const [certificate, key, name] = rest;
  const server = https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key), ...curve(name) },
                                    (_, answer) => answer.setHeader("content-type", "application/json").end("{}"));
  server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
}
