-- The peer's own copies of the tables that bookings write, with the same columns, indexes, checks and foreign keys but
-- without triggers, so that its rows stay apart from the product's. Events, users and tickets are shared.
CREATE SCHEMA peer;
CREATE TABLE peer.events_inventory (LIKE public.events_inventory INCLUDING ALL);
CREATE TABLE peer.events_booking (LIKE public.events_booking INCLUDING ALL);
CREATE TABLE peer.events_bookingentry (LIKE public.events_bookingentry INCLUDING ALL);
CREATE TABLE peer.notifications_delivery (LIKE public.notifications_delivery INCLUDING ALL);
ALTER TABLE peer.events_inventory ADD FOREIGN KEY (event_id) REFERENCES public.events_event;
ALTER TABLE peer.events_booking
    ADD FOREIGN KEY (event_id) REFERENCES public.events_event,
    ADD FOREIGN KEY (user_id) REFERENCES public.accounts_user;
ALTER TABLE peer.events_bookingentry
    ADD FOREIGN KEY (event_id) REFERENCES public.events_event,
    ADD FOREIGN KEY (booking_id) REFERENCES peer.events_booking;
ALTER TABLE peer.notifications_delivery
    ADD FOREIGN KEY (user_id) REFERENCES public.accounts_user,
    ADD FOREIGN KEY (booking_id) REFERENCES peer.events_booking;
