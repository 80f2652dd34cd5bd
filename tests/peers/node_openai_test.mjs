// OpenAI's client for Node, unmodified. Environment: BASE_URL, API_KEY; prints one line of JSON.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.env.CASEMATE_PEER_MODULES + "/"));
const { default: OpenAI, toFile } = require("openai");

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const model = "casemate-answer";
const messages = [{ role: "user", content: "What is a tower?" }];
const done = [];

async function step(name, work) {
  await work();
  done.push(name);
}

await step("models", async () => {
  const ids = (await client.models.list()).data.map((entry) => entry.id);
  assert.ok(ids.includes(model), ids.join());
});

await step("chat", async () => {
  const whole = await client.chat.completions.create({ model, messages, max_tokens: 16, temperature: 0 });
  let streamed = "";
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, temperature: 0, stream: true });
  for await (const event of stream) streamed += event.choices[0]?.delta?.content ?? "";
  assert.equal(streamed, whole.choices[0].message.content);
  assert.ok(streamed.length > 0);
});

await step("embeddings", async () => {
  const answer = await client.embeddings.create({ model: "casemate-embed", input: ["a tower", "a gate"] });
  assert.equal(answer.data.length, 2);
  const length = answer.data[0].embedding.reduce((sum, x) => sum + x * x, 0);
  assert.ok(Math.abs(length - 1) < 1e-3, String(length));
});

await step("files and responses with file_search", async () => {
  const text = "# Glossary\n\n## portcullis\n\nA portcullis is a heavy iron gate that slides down in grooves.\n";
  const file = await client.files.create({ file: await toFile(Buffer.from(text), "glossary.md"), purpose: "assistants" });
  const store = await client.vectorStores.create({ name: "castle" });
  let entry = await client.vectorStores.files.create(store.id, { file_id: file.id });
  for (let i = 0; entry.status === "in_progress" && i < 600; ++i) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    entry = await client.vectorStores.files.retrieve(file.id, { vector_store_id: store.id });
  }
  assert.equal(entry.status, "completed");
  const tools = [{ type: "file_search", vector_store_ids: [store.id] }];
  const stream = await client.responses.create({ model, input: "What is a portcullis?", tools, temperature: 0, stream: true });
  let last;
  let streamed = "";
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") streamed += event.delta;
    if (event.type.startsWith("response.")) last = event;
  }
  assert.equal(last.type, "response.completed");
  assert.match(streamed, /gate/);
  assert.ok((await client.files.delete(file.id)).deleted);
});

await step("errors", async () => {
  await assert.rejects(client.chat.completions.create({ model: "gpt-4", messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    return true;
  });
  const stranger = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "cm-not-a-key", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

await step("abort", async () => {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 200, stream: true });
  for await (const _ of stream) break;  // leaves the loop: the client ends the request
  assert.ok((await client.models.list()).data.length > 0);
});

console.log(JSON.stringify({ node: process.version, openssl: process.versions.openssl, done }));
process.exit(0);
