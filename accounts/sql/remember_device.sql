-- Remember a device of an account, and forget all but the newest others.
-- params   account  text, a digest
--          key      text, a digest
--          at       timestamptz
--          others   int, number to keep besides this one
-- returns  id  bigint, of each forgotten device
-- index    known_device_once
WITH remembered AS (
    INSERT INTO accounts_knowndevice (account, key, seen_at)
    VALUES (%(account)s, %(key)s, %(at)s)
    ON CONFLICT (account, key) DO UPDATE SET seen_at = excluded.seen_at
    RETURNING account, key
)
DELETE FROM accounts_knowndevice
WHERE id IN (
    SELECT device.id
    -- Read, so that waiting for this device comes before locking others: the reverse could deadlock.
    FROM remembered
    JOIN accounts_knowndevice AS device ON device.account = remembered.account AND device.key <> remembered.key
    ORDER BY device.seen_at DESC, device.id DESC
    OFFSET %(others)s
    -- A device that is being used right now stays.
    FOR UPDATE OF device SKIP LOCKED
)
RETURNING id;
