-- What a notification says, by type of event and language. `{payment.subject}` stands for that member
-- of the event's data.
CREATE TABLE signal."NotificationType" (
	type        text NOT NULL,
	locale      text NOT NULL,
	content     text NOT NULL,
	action_url  text,
	PRIMARY KEY (type, locale)
);
