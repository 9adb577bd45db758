-- Confirm a waiting booking because an admin says so, even if others are ahead of it or bookings have closed. The
-- setting lets the trigger enter_changes tell this from a mistake.
CREATE OR REPLACE FUNCTION events_promote_by_hand(chosen_booking bigint, context text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF context <> '' THEN
        PERFORM set_config('pghistory.context_metadata', context, true);
    END IF;
    PERFORM set_config('ticketing.promoted_by_hand', 'on', true);
    UPDATE events_booking SET status = 'confirmed' WHERE id = chosen_booking AND status = 'waiting';
    PERFORM set_config('ticketing.promoted_by_hand', 'off', true);
END $$;
