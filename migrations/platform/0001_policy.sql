-- Casbin rules of the service; the model is in docs/architecture.md.
--   p, role, domain, object, action, effect        g, User_<id>, role, domain
CREATE TABLE IF NOT EXISTS {service}."CasbinRule" (
	id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ptype  text NOT NULL CHECK (ptype IN ('p', 'g')),
	v0     text NOT NULL,
	v1     text NOT NULL,
	v2     text NOT NULL DEFAULT '',
	v3     text NOT NULL DEFAULT '',
	v4     text NOT NULL DEFAULT '',
	v5     text NOT NULL DEFAULT '',
	CONSTRAINT "UQ_CasbinRule_rule" UNIQUE (ptype, v0, v1, v2, v3, v4, v5),
	CONSTRAINT "CK_CasbinRule_effect" CHECK (ptype <> 'p' OR v4 IN ('allow', 'deny'))
);

-- Which rules were ever seeded: one that an administrator changed or removed is not brought back.
CREATE TABLE IF NOT EXISTS {service}."SeededRule" (
	role       text NOT NULL,
	object     text NOT NULL,
	action     text NOT NULL,
	seeded_at  timestamptz(3) NOT NULL DEFAULT now(),
	PRIMARY KEY (role, object, action)
);

-- For seeds: the role may do it, as long as no administrator decided otherwise.
CREATE FUNCTION {service}.seed_rule(of_role text, of_object text, of_action text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO {service}."SeededRule" (role, object, action)
	VALUES (of_role, of_object, of_action) ON CONFLICT DO NOTHING;
	IF FOUND THEN
		INSERT INTO {service}."CasbinRule" (ptype, v0, v1, v2, v3, v4)
		VALUES ('p', of_role, '*', of_object, of_action, 'allow') ON CONFLICT DO NOTHING;
	END IF;
END
$$;
