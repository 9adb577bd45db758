// Reads of tickets. Each combination of filters is one named statement, which PostgreSQL plans once per connection.
const COLUMNS = `
  ticket.id::int, title, description, ticket.type, venue, status, price::float8, priority, due_at AS "dueDate",
  created_by_id::int AS "createdBy",
  (
    SELECT coalesce(
      json_agg(json_build_object('userId', person.id, 'name', person.name, 'email', person.email) ORDER BY assignment.id),
      '[]'
    )
    FROM tickets_assignment AS assignment JOIN accounts_user AS person ON person.id = assignment.user_id
    WHERE assignment.ticket_id = ticket.id
  ) AS "assignedUsers",
  project_id::int AS project, ticket.created_at AS "createdDate", updated_at AS "updatedDate",
  CASE WHEN held_at IS NULL THEN sla_due_at END AS "slaDue", labels, version`;

const VISIBLE = (viewer) => `(
  project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
  OR created_by_id = ${viewer}
  OR EXISTS (SELECT FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = ${viewer})
)`;

export async function one(pool, caller, id) {
  if (!/^\d{1,18}$/.test(id)) return undefined;
  const { rows } = await pool.query({
    name: caller.isStaff ? "ticket" : "visible ticket",
    text: `SELECT ${COLUMNS} FROM tickets_ticket AS ticket WHERE id = $1 ${caller.isStaff ? "" : `AND ${VISIBLE("$2")}`}`,
    values: caller.isStaff ? [id] : [id, caller.id],
  });
  return rows[0];
}

export async function page(pool, caller, query) {
  const limit = Math.max(1, Math.min(Math.trunc(Number(query.limit)) || 20, 100));
  const values = [];
  const conditions = [];
  const value = (item) => `$${values.push(item)}`;
  if (query.status) conditions.push(`status = ${value(query.status)}`);
  if (query.priority) conditions.push(`priority = ${value(query.priority)}`);
  if (query.cursor) {
    const [createdAt, id] = JSON.parse(Buffer.from(query.cursor, "base64url"));
    conditions.push(`(ticket.created_at, ticket.id) < (${value(createdAt)}, ${value(id)})`);
  }
  if (!caller.isStaff) conditions.push(VISIBLE(value(caller.id)));
  const { rows } = await pool.query({
    // With the limit as a parameter, PostgreSQL would expect more rows and plan each request anew.
    name: `tickets ${["status", "priority", "cursor"].filter((name) => query[name])} ${limit} ${caller.isStaff}`,
    text: `
      SELECT ${COLUMNS} FROM tickets_ticket AS ticket
      ${conditions.length ? `WHERE ${conditions.join(" AND ")}` : ""}
      ORDER BY ticket.created_at DESC, ticket.id DESC LIMIT ${limit + 1}`,
    values,
  });
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items[limit - 1] : undefined;
  const cursor = last && Buffer.from(JSON.stringify([last.createdDate, last.id])).toString("base64url");
  return { items, nextCursor: cursor ?? null };
}
