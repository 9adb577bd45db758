// A day at the desk and the box office, with the types of openapi-typescript and the client of openapi-fetch.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[] };

type Problem = components["schemas"]["Problem"];

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8000";
const unique = Date.now();

function clientOf(token?: string) {
  return createClient<paths>({ baseUrl, headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

type Client = ReturnType<typeof clientOf>;

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

function equal<Value>(actual: Value, expected: Value) {
  assert(actual === expected, `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

function ok<Data>(result: { data?: Data; error?: Problem; response: Response }): Data {
  assert(result.data !== undefined, `${result.response.status}: ${JSON.stringify(result.error)}`);
  return result.data;
}

function refused(result: { error?: Problem; response: Response }, status: number, code: string): Problem {
  assert(result.error !== undefined, `Not refused: ${result.response.status}`);
  equal(result.response.status, status);
  equal(result.error.code, code);
  return result.error;
}

const guest = clientOf();

async function signUp(name: string, type: "customer" | "admin"): Promise<[Client, number]> {
  const email = `${type}-${unique}@typescript.example`;
  const user = ok(await guest.POST("/users", { body: { name, email, type, password: "correct horse, battery" } }));
  const tokens = ok(await guest.POST("/auth/login", { body: { email, password: "correct horse, battery" } }));
  const client = clientOf(tokens.token);
  equal(ok(await client.GET("/auth/me")).isActive, true);
  return [client, user.id];
}

async function main() {
  const [customer, customerId] = await signUp("Typed Customer", "customer");
  const [admin] = await signUp("Typed Admin", "admin");
  refused(await guest.GET("/tickets"), 401, "unauthenticated");

  // The desk.
  const project = ok(await admin.POST("/projects", { body: { name: `TypeScript ${unique}` } }));
  const type = `ts-${unique}`;
  const plain = ok(await customer.POST("/ticket", { body: { title: "Only a title", type } }));
  equal(plain.status, "open");
  const full = ok(
    await customer.POST("/tickets", {
      params: { header: { "Idempotency-Key": `ticket-${unique}` } },
      body: {
        title: "Everything",
        description: "All of the optional fields",
        project: project.id,
        status: "in-progress",
        type,
        venue: "Hall 1",
        price: 12.5,
        priority: "high",
        dueDate: "2099-08-01T18:00:00Z",
        assignedUsers: [customerId],
      },
    }),
  );
  equal(full.assignedUsers[0]?.userId, customerId);
  const invalid = refused(await customer.POST("/ticket", { body: { title: "" } }), 400, "invalid");
  equal(invalid.errors?.[0]?.field, "title");

  const query = { type, ordering: "-createdDate", limit: 1 } as const;
  const first = ok(await customer.GET("/tickets", { params: { query } }));
  assert(first.nextCursor !== null, "There is no second page");
  const second = ok(await customer.GET("/tickets", { params: { query: { ...query, cursor: first.nextCursor } } }));
  equal([...first.items, ...second.items].map((ticket) => ticket.id).join(), `${full.id},${plain.id}`);
  equal(second.nextCursor, null);
  const started = await customer.GET("/tickets", { params: { query: { type, status: "in-progress" } } });
  equal(ok(started).items.length, 1);

  const path = { ticketId: plain.id };
  const read = await customer.GET("/tickets/{ticketId}", { params: { path } });
  equal(ok(read).sla.onHold, false);
  const tag = read.response.headers.get("ETag") ?? "";
  const change = { params: { path, header: { "If-Match": tag } }, body: { priority: "low", price: null } } as const;
  equal(ok(await customer.PATCH("/tickets/{ticketId}", change)).version, 2);
  const stale = { ...change, body: { title: "Too late" } };
  refused(await customer.PATCH("/tickets/{ticketId}", stale), 412, "precondition_failed");

  const comments = { params: { path }, body: { message: "Hello" } };
  equal(ok(await customer.POST("/tickets/{ticketId}/comments", comments)).internal, false);
  equal(ok(await customer.GET("/tickets/{ticketId}/comments", { params: { path } })).items.length, 1);
  const assignment = { params: { path }, body: { userId: customerId } };
  equal(ok(await customer.POST("/tickets/{ticketId}/assign", assignment)).message, "User assigned successfully");
  refused(await customer.POST("/tickets/{ticketId}/assign", assignment), 409, "already_assigned");
  const unassigned = await customer.DELETE("/tickets/{ticketId}/assign/{userId}", {
    params: { path: { ...path, userId: customerId } },
  });
  equal(unassigned.response.status, 204);
  equal(ok(await customer.GET("/tickets/{ticketId}/history", { params: { path } })).items[0]?.door, "api");
  refused(await customer.GET("/tickets/{ticketId}", { params: { path: { ticketId: 2 ** 40 } } }), 404, "ticket_not_found");

  equal(ok(await customer.GET("/tickets/analytics", { params: { query: { type } } })).totalTickets, 2);
  equal(ok(await customer.GET("/dashboard/analytics", { params: { query: { type } } })).priorityDistribution.high, 1);
  const csv = ok(await customer.GET("/tickets/export", { params: { query: { type } }, parseAs: "text" }));
  equal(csv.trim().split("\r\n").length, 3);

  // The box office.
  const newEvent = { name: `TypeScript ${unique}`, startsAt: "2099-08-01T18:00:00Z", capacity: 2, price: 25 };
  const event = ok(await admin.POST("/events", { body: newEvent }));
  refused(await customer.POST("/events", { body: newEvent }), 403, "forbidden");
  const bookings = { path: { eventId: event.id } };
  const person = { firstName: "Greta", lastName: "Guest", email: `guest-${unique}@typescript.example` };
  const ofGuest = ok(
    await guest.POST("/events/{eventId}/bookings", { params: bookings, body: { quantity: 2, guest: person } }),
  );
  equal(ofGuest.status, "confirmed");
  const impatient = await customer.POST("/events/{eventId}/bookings", { params: bookings, body: { joinWaitlist: false } });
  refused(impatient, 409, "not_enough_left");
  const waiting = ok(await customer.POST("/events/{eventId}/bookings", { params: bookings, body: { quantity: 1 } }));
  equal(waiting.status, "waiting");
  equal(waiting.position, 1);
  const availability = await guest.GET("/events/{eventId}/availability", { params: bookings });
  equal(ok(availability).available, 0);
  const current = { "If-None-Match": availability.response.headers.get("ETag") ?? "" };
  const unchanged = await guest.GET("/events/{eventId}/availability", { params: { ...bookings, header: current } });
  equal(unchanged.response.status, 304);
  const cancelled = await guest.POST("/bookings/{bookingId}/cancel", {
    params: { path: { bookingId: ofGuest.id }, header: { "X-Manage-Token": ofGuest.manageToken ?? "" } },
    body: { tickets: 1 },
  });
  equal(ok(cancelled).cancelled, 1);
  const promoted = await customer.GET("/bookings/{bookingId}", { params: { path: { bookingId: waiting.id } } });
  equal(ok(promoted).status, "confirmed");
  equal(ok(await customer.GET("/bookings", { params: { query: { event: event.id } } })).items.length, 1);
  equal(ok(await guest.GET("/events", { params: { query: { search: newEvent.name } } })).items[0]?.id, event.id);
}

await main();
