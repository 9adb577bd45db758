-- Whether each word of a text begins a word of the user's name, or the text begins the address; '' matches anyone. As
-- UserQuerySet.called.
(
    %(text)s::text = ''
    OR search_split(search_fold(person.name))::tsvector @@ search_query(%(text)s)
    OR lower(person.email) COLLATE "C" >= %(address)s::text
    AND lower(person.email) COLLATE "C" < %(after_address)s::text
)
