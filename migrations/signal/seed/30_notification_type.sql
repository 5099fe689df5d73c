-- The texts an administrator may change; a text that is there is left alone.
INSERT INTO signal."NotificationType" (type, locale, content, action_url) VALUES
	('PAYMENT_SUCCESS', 'en', 'Payment received: {payment.subject}', '/payments/{payment.id}'),
	('PAYMENT_SUCCESS', 'de', 'Zahlung eingegangen: {payment.subject}', '/payments/{payment.id}')
ON CONFLICT DO NOTHING;
