-- Beside what the platform's seed gives.
GRANT INSERT ON ALL TABLES IN SCHEMA signal TO signal_app;
REVOKE INSERT ON signal."Migration", signal."CasbinRule", signal."SeededRule", signal."NotificationType" FROM signal_app;
GRANT UPDATE ON signal."Membership", signal."ActivityNotification", signal."RecipientState", signal."DeadLetter" TO signal_app;
-- What has expired.
GRANT DELETE ON signal."ActivityNotification", signal."ConsumedEvent", signal."DeadLetter" TO signal_app;
