-- Who may do what, as long as no administrator decided otherwise. One's own notifications need no
-- permission.
WITH wanted (object, action, owner, service) AS (VALUES
	('Membership.find',        'read',   true, true),
	('Membership.findById',    'read',   true, true),
	('Membership.findOne',     'read',   true, true),
	('Membership.count',       'read',   true, true),
	('Membership.create',      'create', true, true),
	('Membership.upsert',      'update', true, true),
	('Membership.updateById',  'update', true, true),
	('Membership.updateBy',    'update', true, true),
	('Membership.restore',     'update', true, true),
	('Membership.deleteById',  'delete', true, true),
	('Membership.deleteBy',    'delete', true, true),
	('DeadLetter.find',        'read',   true, true),
	('DeadLetter.findById',    'read',   true, true),
	('DeadLetter.count',       'read',   true, true),
	('DeadLetter.replay',      'update', true, true),
	('DeadLetter.discard',     'update', true, true),
	('Socket.broadcast',       'create', true, true),
	('Socket.sendToRoom',      'create', true, true),
	('Socket.sendToClient',    'create', true, true),
	('Socket.endUser',         'delete', true, false),
	('AuditLog.find',          'read',   true, false)
)
SELECT signal.seed_rule(role, object, action)
FROM wanted, LATERAL (VALUES ('OWNER', owner), ('SERVICE', service)) AS r (role, may)
WHERE may;
