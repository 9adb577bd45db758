-- Give the peer its own inventories of these events, as empty as the product's.
-- params   event_ids  bigint[]
INSERT INTO peer.events_inventory SELECT * FROM public.events_inventory WHERE event_id = ANY(%(event_ids)s);
