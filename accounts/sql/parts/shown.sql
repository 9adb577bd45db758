-- The columns of a user that the API shows, with its keys: those of UserSerializer.
    person.id,
    person.name,
    person.email,
    person.type,
    person.is_active AS "isActive",
    kit_utc_text(person.created_at) AS "createdAt",
    person.version
