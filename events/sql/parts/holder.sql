-- The name of the booking's user or guest.
coalesce(
    (SELECT name FROM accounts_user WHERE id = booking.user_id),
    booking.guest_first_name || ' ' || booking.guest_last_name
)
