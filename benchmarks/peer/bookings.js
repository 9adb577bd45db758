// Bookings: BEGIN, lock the event's inventory, insert the booking, update the inventory, COMMIT. PEER_OUTBOX=on adds a
// ledger row and a mail in an outbox, in the same transaction.
const HAS_OUTBOX = process.env.PEER_OUTBOX === "on";

const LOCK = {
  name: "lock",
  text: `
    SELECT event.price, event.status, event.bookings_close_at, event.max_per_booking,
      inventory.capacity - inventory.withheld - inventory.confirmed AS available
    FROM events_inventory AS inventory JOIN events_event AS event ON event.id = inventory.event_id
    WHERE inventory.event_id = $1 AND event.deleted_at IS NULL
    FOR NO KEY UPDATE OF inventory`,
};
const INSERT = {
  name: "insert",
  text: `
    INSERT INTO events_booking (
      event_id, user_id, guest_first_name, guest_last_name, guest_email, quantity, status, unit_price, origin, created_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, 'confirmed', $7, 'api', now())
    RETURNING id::int, event_id::int AS event, user_id::int AS user, quantity, cancelled, status,
      unit_price::float8 AS "unitPrice", created_at AS "createdAt", version::int`,
};
const UPDATE = {
  name: "update",
  text: "UPDATE events_inventory SET confirmed = confirmed + $2, version = version + 1 WHERE event_id = $1",
};
const LEDGER = {
  name: "ledger",
  text: `
    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)
    VALUES ($1, $2, 'confirmed', $3::int, $3, 0, $3 * $4::numeric)`,
};
const OUTBOX = {
  name: "outbox",
  text: `
    INSERT INTO notifications_delivery (kind, about, user_id, address, name, booking_id, payload)
    SELECT 'booking-confirmed', 'booking/' || $1::bigint, person.id, coalesce(person.email, $3), coalesce(person.name, $4),
      $1, jsonb_build_object('quantity', $5::int)
    FROM (SELECT $2::bigint AS id) AS holder LEFT JOIN accounts_user AS person ON person.id = holder.id`,
};

export function refusal(status, message) {
  return Object.assign(new Error(message), { status });
}

export async function book(pool, caller, eventId, body) {
  const quantity = Number(body?.quantity ?? 1);
  const guest = caller ? null : body?.guest;
  if (!Number.isInteger(quantity) || quantity < 1) throw refusal(400, "quantity must be a positive integer");
  if (!caller && !(guest?.firstName && guest?.lastName && /^\S+@\S+$/.test(guest?.email))) {
    throw refusal(400, "Sign in, or book as a guest");
  }
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const booking = await insert(client, caller, guest, eventId, quantity);
    await client.query("COMMIT");
    return { ...booking, guest, position: null };
  } catch (error) {
    await client.query("ROLLBACK");
    if (error.constraint === "booking_once") throw refusal(409, "This user already has a booking for this event");
    throw error;
  } finally {
    client.release();
  }
}

async function insert(client, caller, guest, eventId, quantity) {
  const { rows: events } = await client.query({ ...LOCK, values: [eventId] });
  const event = events[0];
  if (!event || event.status === "draft") throw refusal(404, "Event not found");
  if (event.status !== "published") throw refusal(409, "This event has been cancelled");
  if (event.bookings_close_at && event.bookings_close_at <= new Date()) throw refusal(409, "Bookings have closed");
  if (event.max_per_booking && quantity > event.max_per_booking) throw refusal(400, "Too many tickets at once");
  if (quantity > event.available) throw refusal(409, "Not enough tickets are left");
  const names = [guest?.firstName ?? "", guest?.lastName ?? "", guest?.email ?? ""];
  const values = [eventId, caller?.id ?? null, ...names, quantity, event.price];
  const { rows: bookings } = await client.query({ ...INSERT, values });
  const booking = bookings[0];
  await client.query({ ...UPDATE, values: [eventId, quantity] });
  if (HAS_OUTBOX) {
    await client.query({ ...LEDGER, values: [eventId, booking.id, quantity, event.price] });
    const name = `${guest?.firstName ?? ""} ${guest?.lastName ?? ""}`.trim();
    await client.query({ ...OUTBOX, values: [booking.id, caller?.id ?? null, guest?.email ?? null, name, quantity] });
  }
  return booking;
}
