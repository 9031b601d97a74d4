-- A journal as the first version of its schema made it, with work in flight.
PRAGMA journal_mode=WAL;
CREATE TABLE journal (
	id INTEGER NOT NULL,
	schema_version INTEGER NOT NULL,
	chain_id BIGINT NOT NULL,
	genesis_hash VARCHAR(66) NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE lane (
	wallet VARCHAR(42) NOT NULL,
	next_nonce BIGINT NOT NULL,
	state VARCHAR(16) NOT NULL,
	PRIMARY KEY (wallet)
);
CREATE TABLE attempt (
	id VARCHAR(32) NOT NULL,
	lane VARCHAR(42) NOT NULL,
	nonce BIGINT NOT NULL,
	"to" VARCHAR(42),
	data BLOB NOT NULL,
	gas BIGINT NOT NULL,
	raw BLOB,
	tx_hash VARCHAR(66),
	state VARCHAR(16) NOT NULL,
	block_number BIGINT,
	gas_used BIGINT,
	contract_address VARCHAR(42),
	revert_data BLOB,
	PRIMARY KEY (id),
	UNIQUE (lane, nonce),
	FOREIGN KEY(lane) REFERENCES lane (wallet)
);
CREATE INDEX attempt_state ON attempt (state, lane, nonce);
CREATE TABLE payment (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	id VARCHAR(32) NOT NULL,
	wallet VARCHAR(42) NOT NULL,
	"key" VARCHAR(255) NOT NULL,
	kind VARCHAR(64) NOT NULL,
	content TEXT NOT NULL,
	request_sha256 VARCHAR(64) NOT NULL,
	reference VARCHAR(255),
	state VARCHAR(16) NOT NULL,
	attempt VARCHAR(32) NOT NULL,
	error TEXT,
	created_at BIGINT NOT NULL,
	UNIQUE (wallet, "key"),
	UNIQUE (id),
	FOREIGN KEY(wallet) REFERENCES lane (wallet)
);
CREATE INDEX payment_attempt ON payment (attempt);
CREATE INDEX payment_reference ON payment (reference);
CREATE TABLE attempt_payment (
	attempt VARCHAR(32) NOT NULL,
	payment VARCHAR(32) NOT NULL,
	position INTEGER NOT NULL,
	PRIMARY KEY (attempt, payment),
	FOREIGN KEY(attempt) REFERENCES attempt (id),
	FOREIGN KEY(payment) REFERENCES payment (id)
);
CREATE INDEX attempt_payment_payment ON attempt_payment (payment);
INSERT INTO journal VALUES (1, 1, {chain}, '{genesis}', 1700000000);
INSERT INTO lane VALUES ('{wallet}', 8, 'OK'), ('0x0000000000000000000000000000000000000001', 3, 'HALTED');
INSERT INTO attempt (id, lane, nonce, "to", data, gas, raw, tx_hash, state, block_number, gas_used) VALUES
	('a4', '{wallet}', 4, '{wallet}', x'02', 200000, x'11', '0x' || replace(hex(zeroblob(32)), '0', '4'), 'REVERTED', 10, 30000),
	('a5', '{wallet}', 5, '{wallet}', x'02', 200000, x'22', '0x' || replace(hex(zeroblob(32)), '0', '5'), 'FINAL', 11, 40000),
	('a6', '{wallet}', 6, '{wallet}', x'03', 300000, x'33', '0x' || replace(hex(zeroblob(32)), '0', '6'), 'BROADCAST', NULL, NULL),
	('a7', '{wallet}', 7, NULL, x'04', 400000, NULL, NULL, 'RESERVED', NULL, NULL);
INSERT INTO payment (seq, id, wallet, key, kind, content, request_sha256, reference, state, attempt, created_at) VALUES
	(1, 'p1', '{wallet}', 'twice', 'test.call', '{}', '01', 'ref-1', 'FINAL', 'a5', 1700000001),
	(2, 'p2', '{wallet}', 'broadcast', 'test.call', '{}', '02', NULL, 'BROADCAST', 'a6', 1700000002),
	(3, 'p3', '{wallet}', 'reserved', 'test.create', '{}', '03', NULL, 'RESERVED', 'a7', 1700000003);
INSERT INTO attempt_payment VALUES ('a4', 'p1', 0), ('a5', 'p1', 0), ('a6', 'p2', 0), ('a7', 'p3', 0);
