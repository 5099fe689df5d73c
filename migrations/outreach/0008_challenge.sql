-- Challenges whose solution was used: each is good once. A row may go when the challenge has expired on every clock.
CREATE TABLE outreach."UsedChallenge" (
	digest      text PRIMARY KEY,         -- the challenge: SHA-256 in hexadecimal
	expires_at  timestamptz(3) NOT NULL
);
CREATE INDEX "IDX_UsedChallenge_expiresAt" ON outreach."UsedChallenge" (expires_at);
