-- Who may do what, as long as no administrator decided otherwise.
WITH wanted (object, action, owner, employee, cashier) AS (VALUES
	('Inquiry.find',            'read',   true, true,  true),
	('Inquiry.findById',        'read',   true, true,  true),
	('Inquiry.findOne',         'read',   true, true,  true),
	('Inquiry.count',           'read',   true, true,  true),
	('Inquiry.statistics',      'read',   true, true,  true),
	('Inquiry.observe',         'read',   true, true,  true),
	('Inquiry.timeline',        'read',   true, true,  true),
	('Inquiry.readPersonal',    'read',   true, true,  false),
	('Inquiry.create',          'create', true, true,  false),
	('Inquiry.updateById',      'update', true, true,  false),
	('Inquiry.restore',         'update', true, true,  false),
	('Inquiry.updateBy',        'update', true, false, false),
	('Inquiry.deleteById',      'delete', true, false, false),
	('Inquiry.deleteBy',        'delete', true, false, false),
	('Inquiry.export',          'read',   true, false, false),
	('Subscriber.find',         'read',   true, true,  false),
	('Subscriber.findById',     'read',   true, true,  false),
	('Subscriber.findOne',      'read',   true, true,  false),
	('Subscriber.count',        'read',   true, true,  false),
	('Subscriber.statistics',   'read',   true, true,  false),
	('Subscriber.readPersonal', 'read',   true, true,  false),
	('Subscriber.updateById',   'update', true, true,  false),
	('Subscriber.create',       'create', true, false, false),
	('Subscriber.updateBy',     'update', true, false, false),
	('Subscriber.deleteById',   'delete', true, false, false),
	('Subscriber.deleteBy',     'delete', true, false, false),
	('Subscriber.restore',      'update', true, false, false),
	('Subscriber.export',       'read',   true, false, false),
	('Subscriber.links',        'read',   true, false, false),
	('Consent.find',            'read',   true, false, false),
	('AuditLog.find',           'read',   true, false, false),
	('Privacy.export',          'read',   true, false, false),
	('Privacy.erase',           'delete', true, false, false),
	('Socket.endUser',          'delete', true, false, false),
	('Webhook.find',            'read',   true, false, false),
	('Webhook.findById',        'read',   true, false, false),
	('Webhook.create',          'create', true, false, false),
	('Webhook.updateById',      'update', true, false, false),
	('Webhook.deleteById',      'delete', true, false, false),
	('Webhook.rotate',          'update', true, false, false),
	('Webhook.test',            'create', true, false, false),
	('WebhookDelivery.find',    'read',   true, false, false),
	('WebhookDelivery.findById', 'read',  true, false, false),
	('WebhookDelivery.replay',  'update', true, false, false)
), granted AS (
	SELECT role, object, action
	FROM wanted, LATERAL (VALUES
		('OWNER', owner), ('EMPLOYEE', employee), ('CASHIER', cashier)) AS r (role, may)
	WHERE may
	UNION ALL
	VALUES ('SERVICE', 'Subscriber.links', 'read')  -- a mailing tool: the links of a newsletter, and nothing else
), fresh AS (
	INSERT INTO outreach."SeededRule" (role, object, action)
	SELECT role, object, action FROM granted
	ON CONFLICT DO NOTHING
	RETURNING role, object, action
)
INSERT INTO outreach."CasbinRule" (ptype, v0, v1, v2, v3, v4)
SELECT 'p', role, '*', object, action, 'allow' FROM fresh
ON CONFLICT DO NOTHING;
