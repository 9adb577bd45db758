-- The columns of a comment that the API shows, with its keys: those of CommentSerializer.
    comment.id,
    comment.message,
    comment.is_internal AS internal,
    json_build_object('id', author.id, 'name', author.name) AS author,
    kit_utc_text(comment.created_at) AS "createdDate"
