// fal's own JavaScript client at our fal door, through its proxyUrl: node fal.mjs http://127.0.0.1:PORT KEY POOR_KEY
import { createFalClient } from "@fal-ai/client";
const [base, key, poor] = process.argv.slice(2);
const client = createFalClient({ credentials: key, proxyUrl: { url: `${base}/fal/proxy`, when: "always" } });
const check = (truth, what) => { if (!truth) throw new Error(`not so: ${what}`); };
const PICTURES = "podium/sandbox-pictures", CLIPS = "podium/sandbox-clips";
const refusal = async (call) => { try { await call(); } catch (error) { return error; } throw new Error("not refused"); };

const updates = [];
const made = await client.subscribe(PICTURES, { input: { prompt: "a fox", image_size: "square" }, logs: true, pollInterval: 50, onQueueUpdate: (each) => updates.push(each.status) });
check(made.data.images[0].width === 512 && made.requestId.startsWith("job_"), JSON.stringify(made));
check(updates.at(-1) === "COMPLETED", updates);
const streamed = await client.subscribe(PICTURES, { input: { prompt: "a fox" }, mode: "streaming", logs: true, onQueueUpdate: (each) => updates.push(each.status) });
check(streamed.data.images.length === 1, JSON.stringify(streamed));
const bytes = await (await fetch(made.data.images[0].url)).blob();
const link = await client.storage.upload(new File([bytes], "fox.png", { type: "image/png" }));
check((await (await fetch(link)).arrayBuffer()).byteLength === bytes.size, link);
const edited = await client.run(`${PICTURES}/edit`, { input: { prompt: "blue", image_url: bytes } });
check(edited.data.images.length === 1, JSON.stringify(edited));
const large = new File([bytes, new Uint8Array(95_000_000)], "large.png", { type: "image/png" });
const whole = await client.storage.upload(large);  // from 90 MB on in parts
const came = await fetch(whole, { method: "HEAD" });
check(came.headers.get("content-length") === `${large.size}` && came.headers.get("content-type") === "image/png", whole);
const words = await client.stream("podium/sandbox-words", { input: { prompt: "a fox" } });
let last; for await (const each of words) last = each;
check((await words.done()).partial === false && last, "a stream");
const { request_id } = await client.queue.submit(CLIPS, { input: { prompt: "long", duration: 10 } });
await client.queue.cancel(CLIPS, { requestId: request_id });
check((await client.queue.status(CLIPS, { requestId: request_id })).status === "COMPLETED", "canceled");
const wrong = await refusal(() => client.run(PICTURES, { input: { prompt: "x", num_images: 9 } }));
check(wrong.name === "ValidationError" && wrong.status === 422 && wrong.fieldErrors.length === 1, wrong);
const broke = createFalClient({ credentials: poor, proxyUrl: { url: `${base}/fal`, when: "always" } });
check((await refusal(() => broke.run(PICTURES, { input: { prompt: "x" } }))).status === 402, "no money");
