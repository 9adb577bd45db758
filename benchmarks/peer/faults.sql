-- Events whose inventory in the peer differs from its bookings or exceeds the capacity. Should find none.
-- returns  event_id  bigint
SELECT inventory.event_id
FROM peer.events_inventory AS inventory
LEFT JOIN peer.events_booking AS booking ON booking.event_id = inventory.event_id
GROUP BY inventory.event_id
HAVING inventory.confirmed <> coalesce(sum(booking.seats), 0) OR inventory.confirmed > inventory.capacity;
