-- Deliveries with what their messages are made of. A column is named after the field that it belongs to.
-- params   ids  bigint[]
-- returns  id, kind, about, user_id, address, name, ticket_id, booking_id, payload, state, attempts, last_error,
--          next_attempt_at, created_at, sent_at  of the delivery
--          user.…           of its user, if it has one
--          booking.…        of its booking, if it has one
--          booking.event.…  of that booking's event
-- index    notifications_delivery_pkey, accounts_user_pkey, events_booking_pkey, events_event_pkey
SELECT
    delivery.id,
    delivery.kind,
    delivery.about,
    delivery.user_id,
    delivery.address,
    delivery.name,
    delivery.ticket_id,
    delivery.booking_id,
    delivery.payload,
    delivery.state,
    delivery.attempts,
    delivery.last_error,
    delivery.next_attempt_at,
    delivery.created_at,
    delivery.sent_at,
    person.id AS "user.id",
    person.email AS "user.email",
    person.name AS "user.name",
    person.type AS "user.type",
    person.is_active AS "user.is_active",
    person.password AS "user.password",
    person.last_login AS "user.last_login",
    person.revocations AS "user.revocations",
    booking.id AS "booking.id",
    booking.event_id AS "booking.event_id",
    booking.unit_price AS "booking.unit_price",
    event.id AS "booking.event.id",
    event.name AS "booking.event.name",
    event.starts_at AS "booking.event.starts_at",
    event.ends_at AS "booking.event.ends_at",
    event.time_zone AS "booking.event.time_zone",
    event.venue AS "booking.event.venue",
    event.currency AS "booking.event.currency"
FROM notifications_delivery AS delivery
LEFT JOIN accounts_user AS person ON person.id = delivery.user_id
LEFT JOIN events_booking AS booking ON booking.id = delivery.booking_id
LEFT JOIN events_event AS event ON event.id = booking.event_id
WHERE delivery.id = ANY(%(ids)s::bigint[])
