-- The peer's own copies of the tables that bookings write, with the same columns, indexes, checks and foreign keys but
-- without triggers, so that its rows stay apart from the product's. Events, users and tickets are shared.
CREATE SCHEMA peer;
CREATE TABLE peer.events_inventory (LIKE public.events_inventory INCLUDING ALL EXCLUDING CONSTRAINTS);
CREATE TABLE peer.events_booking (LIKE public.events_booking INCLUDING ALL EXCLUDING CONSTRAINTS);
CREATE TABLE peer.events_bookingentry (LIKE public.events_bookingentry INCLUDING ALL EXCLUDING CONSTRAINTS);
CREATE TABLE peer.notifications_delivery (LIKE public.notifications_delivery INCLUDING ALL);
-- A check by a function of the product's row does not fit other tables. Its rules follow, as anybody would write them.
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN
        SELECT relname, pg_get_constraintdef(pg_constraint.oid) AS definition
        FROM pg_constraint
        JOIN pg_class ON pg_class.oid = conrelid
        WHERE contype = 'c' AND relnamespace = 'public'::regnamespace
        AND relname IN ('events_inventory', 'events_booking', 'events_bookingentry')
        AND pg_get_constraintdef(pg_constraint.oid) NOT LIKE '%.*%'
    LOOP
        EXECUTE format('ALTER TABLE peer.%I ADD %s', own.relname, own.definition);
    END LOOP;
END $$;
ALTER TABLE peer.events_inventory
    ADD CHECK (capacity BETWEEN 1 AND 1000000),
    ADD CHECK (confirmed >= 0 AND withheld >= 0 AND confirmed + withheld <= capacity),
    ADD CHECK (waiting >= 0);
ALTER TABLE peer.events_booking
    ADD CHECK (quantity BETWEEN 1 AND 1000000),
    ADD CHECK (cancelled BETWEEN 0 AND quantity),
    ADD CHECK (
        status = 'cancelled' AND cancelled = quantity
        OR status IN ('confirmed', 'waiting') AND cancelled < quantity
    ),
    ADD CHECK (status <> 'waiting' OR queue_number IS NOT NULL),
    ADD CHECK ((user_id IS NULL) <> (guest_email = '')),
    ADD CHECK (unit_price BETWEEN 0 AND 99999999.99);
ALTER TABLE peer.events_bookingentry
    ADD CHECK (kind IN ('requested', 'confirmed', 'promoted', 'by-hand', 'cancelled')),
    ADD CHECK (quantity >= 0);
ALTER TABLE peer.events_inventory ADD FOREIGN KEY (event_id) REFERENCES public.events_event;
ALTER TABLE peer.events_booking
    ADD FOREIGN KEY (event_id) REFERENCES public.events_event,
    ADD FOREIGN KEY (user_id) REFERENCES public.accounts_user;
ALTER TABLE peer.events_bookingentry
    ADD FOREIGN KEY (event_id, booking_id) REFERENCES peer.events_booking (event_id, id);
ALTER TABLE peer.notifications_delivery
    ADD FOREIGN KEY (user_id) REFERENCES public.accounts_user,
    ADD FOREIGN KEY (booking_id) REFERENCES peer.events_booking;
