-- Users whose name has words that begin with each word of a text, or whose address begins with it.
-- params   text           text  not empty
--          address        text  beginning of the address, in lower case
--          after_address  text  sorted after all addresses that begin so
-- returns  id bigint
-- index    user_name, user_name_words, user_address_start
WITH
\ir parts/found.sql
SELECT id FROM found;
