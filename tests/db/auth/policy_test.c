#include "db/support.h"

#include "bana/actor.h"
#include "bana/policy.h"

static const struct bana_actor owner = {
	.user_id = "1", .principal_type = "User", .roles = {"OWNER"}, .role_count = 1};
static const struct bana_actor cashier = {
	.user_id = "2", .principal_type = "User", .roles = {"CASHIER"}, .role_count = 1};
static const struct bana_actor both = {
	.user_id = "3", .principal_type = "User", .roles = {"GUEST", "OWNER"}, .role_count = 2};
static const struct bana_actor nobody = {.user_id = "4", .principal_type = "User"};
static const struct bana_actor service = {.user_id = "4", .principal_type = "Service"};

static void rule(struct db *db, const char *values)
{
	char sql[256];
	snprintf(sql, sizeof sql,
		"INSERT INTO outreach.\"CasbinRule\" (ptype, v0, v1, v2, v3, v4) VALUES (%s)",
		values);
	ask(db->admin, sql);
}

static bool permits(struct db *db, struct bana_policy *p, const struct bana_actor *actor,
	const char *object, const char *action)
{
	bana_res r = bana_policy_permit(db_fresh(db), p, actor, object, action);
	assert_true(r.fault == BANA_OK || r.fault == BANA_FORBIDDEN);
	return r.fault == BANA_OK;
}

static void rules_decide(void **state)
{
	/* clang-format off */
	static const struct { const struct bana_actor *actor; const char *object, *action; bool may; } rows[] = {
		{&owner, "Inquiry.find", "read", true}, {&owner, "Inquiry.export", "read", true},
		{&cashier, "Inquiry.find", "read", true}, {&cashier, "Inquiry.export", "read", false},
		{&cashier, "Inquiry.create", "create", false}, {&both, "Inquiry.find", "read", true},
		{&nobody, "Inquiry.find", "read", false}, {&owner, "Inquiry.find", "update", false},
		{&owner, "Inquiry", "read", false}, {&owner, "inquiry.find", "read", false}, {&owner, "", "", false},
		{&owner, "Inquiry.*", "read", false}, {&owner, "Unknown.find", "read", false},
		/* planted below */
		{&nobody, "X.user", "read", true}, {&service, "X.user", "read", false}, {&service, "X.service", "read", true},
		{&owner, "X.denied", "read", false}, {&cashier, "X.denied", "read", true}, {&both, "X.denied", "read", false},
		{&nobody, "X.grouped", "read", true}, {&service, "X.grouped", "read", false},
		{&nobody, "X.elsewhere", "read", false}, {&owner, "X.domain", "read", false}, {&owner, "X.anywhere", "read", true},
		{&nobody, "X.other", "read", false},
	};
	/* clang-format on */
	struct db db;
	db_open(&db, state);
	rule(&db, "'p', 'User_4', '*', 'X.user', 'read', 'allow'");
	rule(&db, "'p', 'Service_4', '*', 'X.service', 'read', 'allow'");
	rule(&db, "'p', 'OWNER', '*', 'X.denied', 'read', 'allow'");
	rule(&db, "'p', 'CASHIER', '*', 'X.denied', 'read', 'allow'");
	rule(&db, "'p', 'OWNER', '*', 'X.denied', 'read', 'deny'");
	rule(&db, "'p', 'EDITOR', '*', 'X.grouped', 'read', 'allow'");
	rule(&db, "'g', 'User_4', 'EDITOR', '*', '', ''");
	rule(&db, "'p', 'ABROAD', '*', 'X.elsewhere', 'read', 'allow'");
	rule(&db, "'g', 'User_4', 'ABROAD', 'Merchant_9', '', ''");
	rule(&db, "'p', 'OWNER', 'Merchant_9', 'X.domain', 'read', 'allow'");
	rule(&db, "'p', 'OWNER', '', 'X.anywhere', 'read', 'allow'");
	rule(&db, "'p', 'OTHER', '*', 'X.other', 'read', 'allow'");
	rule(&db, "'g', 'User_5', 'OTHER', '*', '', ''");
	struct bana_policy *p = bana_policy_new("outreach");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(permits(&db, p, rows[i].actor, rows[i].object, rows[i].action) ==
				   rows[i].may,
			"%zu %s %s", i, rows[i].object, rows[i].action);
	assert_fault(
		FORBIDDEN, bana_policy_permit(db_fresh(&db), p, &nobody, "Inquiry.find", "read"));
	assert_string_equal(db.u->ctx.failure.message,
		"Authorization denied | action: read | resource: Inquiry.find");
	bana_policy_free(p);
	bana_policy_free(NULL);
	db_close(&db);
}

static void a_change_works_within_three_seconds(void **state)
{
	struct db db;
	db_open(&db, state);
	struct bana_policy *p = bana_policy_new("outreach");
	assert_true(permits(&db, p, &cashier, "Inquiry.find", "read"));
	ask(db.admin, "DELETE FROM outreach.\"CasbinRule\" WHERE v0 = 'CASHIER'");
	int64_t begun = bana_tick_us();
	while (permits(&db, p, &cashier, "Inquiry.find", "read")) {
		assert_true(bana_tick_us() - begun < 3000000);
		usleep(20000);
	}
	assert_true(bana_tick_us() - begun > 1500000); /* and not one query a request */
	bana_policy_free(p);
	db_close(&db);
}

static void rules_at_hand_do_while_the_database_is_away(void **state)
{
	struct db db;
	db_open(&db, state);
	struct bana_policy *p = bana_policy_new("outreach"), *cold = bana_policy_new("outreach");
	assert_true(permits(&db, p, &owner, "Inquiry.find", "read"));
	PQfinish(db.admin);
	cluster("halt");
	usleep(2100000); /* until they are to be read again */
	assert_true(permits(&db, p, &owner, "Inquiry.find", "read"));
	assert_null(db.u->ctx.failure.why);
	assert_false(permits(&db, p, &nobody, "Inquiry.find", "read"));
	/* nothing was ever read: nobody is let in */
	assert_fault(UNAVAILABLE,
		bana_policy_permit(db_fresh(&db), cold, &owner, "Inquiry.find", "read"));
	cluster("resume");
	db.admin = admin_connect(db.name);
	bana_policy_free(p);
	bana_policy_free(cold);
	db_close(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(rules_decide),
		unit_case(a_change_works_within_three_seconds),
		unit_case(rules_at_hand_do_while_the_database_is_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
