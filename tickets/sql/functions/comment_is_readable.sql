-- Return whether a user of this type may read a comment on a ticket that they can see: internal ones are staff only.
-- A NULL type is a user who was deleted. Called by CommentQuerySet.readable_by and by the trigger announce_comment.
CREATE OR REPLACE FUNCTION comment_is_readable(is_internal boolean, user_type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NOT is_internal OR coalesce(user_type IN ('agent', 'admin'), false);
