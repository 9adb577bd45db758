// Calls what docs/clients.md defines. The test puts that file's blocks in front of this one.
declare const process: { argv: string[] };

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

async function tour(url: string, apiKey: string) {
  const client = connect(url, apiKey);
  const key = crypto.randomUUID();
  const ticket = await report(client, "The projector flickers", key);
  check((await report(client, "The projector flickers", key)).id === ticket.id, "The retry created another ticket");
  const found: number[] = [];
  for await (const each of tickets(client, `tour-${key}`)) found.push(each.id);
  check(found.join() === `${ticket.id}`, `Found ${found.join()}`);

  const cursor = await cursorOfNow(client);
  check((await raisePriority(client, ticket.id)).priority === "high", "The priority was not raised");
  const copy = new Map<number, Schemas["Ticket"]>();
  check((await catchUp(client, copy, cursor, 10)) !== cursor, "The cursor stands still");
  check(copy.get(ticket.id)?.priority === "high", "The copy is outdated");

  const query = { status: "published", startDate: new Date().toISOString(), limit: 1 } as const;
  const [event] = (await send(() => client.GET("/events", { params: { query } }))).items;
  check(event !== undefined, "There are no events");
  const booking = await book(client, event.id, 1, crypto.randomUUID());
  check(["confirmed", "waiting"].includes(booking.status), booking.status);
  const missing = await raisePriority(client, 2 ** 40).catch((error: unknown) => error);
  check(missing instanceof Refused && missing.problem.code === "ticket_not_found", String(missing));
}

async function receiver() {
  const secret = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
  const body = JSON.stringify({ type: "ticket.created", timestamp: "2024-07-01T18:00:00Z", data: { id: 7 } });
  const key = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const signer = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const stored: string[] = [];
  async function post(age: number, sent: string) {
    const timestamp = Math.floor(Date.now() / 1000) - age;
    const signed = new TextEncoder().encode(`msg_1.${timestamp}.${body}`);
    const signature = String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", signer, signed)));
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": `${timestamp}`,
      "webhook-signature": `v1,${btoa("of an earlier secret")} v1,${btoa(signature)}`,
    };
    const request = new Request("https://receiver.example/hooks", { method: "POST", headers, body: sent });
    return (await receive(request, secret, async (id, delivery) => void stored.push(`${id} ${delivery.type}`))).status;
  }
  check((await post(0, body)) === 204, "Refused a delivery");
  check((await post(0, body.replace("7", "8"))) === 400, "Accepted another body");
  check((await post(600, body)) === 400, "Accepted an old delivery");
  check(stored.join() === "msg_1 ticket.created", stored.join());
}

await tour(process.argv[2] ?? "", process.argv[3] ?? "");
await receiver();
