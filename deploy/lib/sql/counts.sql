-- :counts becomes the query that counts the rows of every table of the schema :service: (name, rows).
SELECT string_agg(format('SELECT %L AS name, count(*) AS rows FROM %s', relname, oid::regclass), ' UNION ALL ') AS counts
FROM pg_class WHERE relnamespace = :'service'::regnamespace AND relkind IN ('r', 'p') \gset
