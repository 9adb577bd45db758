// The peer of `make bench`: what a team would write instead, with Express and node-postgres.
//
// It does the same work on the same tables: it verifies the token, looks up the caller, applies the visibility rules and
// returns the same JSON. Bookings lock the event's inventory and never oversell it. It leaves out:
//   - tokens: revocation when the password changes
//   - tickets: `sla`, `statistics`, `watching`, `activityDate` and merges; the other filters and orderings, and the
//     search; ETags; exports
//   - bookings: the waiting list, idempotency keys, manage tokens, the limit per guest, currency, drafts, and, unless
//     PEER_OUTBOX is on, the ledger and the mail
//   - everything else: history, rate limits, request log and request ids, problem+json, validation of bodies beyond the
//     basics, the documentation, the admin
// The environment has JWT_SECRET, PORT, WORKERS, POOL, and what node-postgres reads (PGHOST, PGDATABASE …).
import cluster from "node:cluster";

import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";

import { book, refusal } from "./bookings.js";
import { one, page } from "./tickets.js";

const { JWT_SECRET, PORT, WORKERS, POOL } = process.env;

function serve() {
  const pool = new pg.Pool({ max: Number(POOL), application_name: "peer", options: "-c search_path=peer,public" });
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(express.json());

  app.get("/healthz", (request, response) => response.json({ status: "ok" }));
  app.get("/tickets", signedIn(pool), async (request, response) => {
    response.json(await page(pool, request.caller, request.query));
  });
  app.get("/tickets/:id", signedIn(pool), async (request, response) => {
    const ticket = await one(pool, request.caller, request.params.id);
    if (!ticket) throw refusal(404, "Ticket not found");
    response.json(ticket);
  });
  app.post("/events/:id/bookings", maybeSignedIn(pool), async (request, response) => {
    response.status(201).json(await book(pool, request.caller, request.params.id, request.body));
  });

  app.use((error, request, response, next) => {
    if (!error.status) console.error(error);
    response.status(error.status ?? 500).json({ message: error.status ? error.message : "Internal server error" });
  });
  app.listen(Number(PORT), "127.0.0.1");
}

function signedIn(pool) {
  return async (request, response, next) => {
    request.caller = await caller(pool, request.get("authorization"));
    if (!request.caller) throw refusal(401, "Sign in first");
    next();
  };
}

function maybeSignedIn(pool) {
  return async (request, response, next) => {
    request.caller = await caller(pool, request.get("authorization"));
    next();
  };
}

/** Return the user whom a valid access token names, undefined without a token. */
async function caller(pool, header) {
  if (!header?.startsWith("Bearer ")) return undefined;
  let claims;
  try {
    claims = jwt.verify(header.slice(7), JWT_SECRET, { algorithms: ["HS256"], clockTolerance: 10 });
  } catch {
    throw refusal(401, "Invalid or expired token");
  }
  const { rows } = await pool.query({
    name: "caller",
    text: "SELECT id::int, type, is_active FROM accounts_user WHERE id = $1",
    values: [claims.user_id],
  });
  if (claims.token_type !== "access" || !rows[0]?.is_active) throw refusal(401, "Invalid or expired token");
  return { id: rows[0].id, isStaff: rows[0].type !== "customer" };
}

if (cluster.isPrimary) {
  for (let number = 0; number < Number(WORKERS); number += 1) cluster.fork();
  cluster.on("exit", () => process.exit(1));
} else {
  serve();
}
