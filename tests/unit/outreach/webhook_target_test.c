#include "unit/support.h"

#include "bana/network.h"
#include "outreach/outreach.h"
#include "outreach/webhook.h"

static void a_url_leads_to_the_public_internet_or_is_refused(void **state)
{
	struct unit *u = *state;
	static const char characters[] = "it holds a character that a URL cannot, or a fragment",
			  host[] = "its host is none", port[] = "its port is none",
			  https[] = "expected https://", address[] = "its address is not allowed",
			  credentials[] = "it holds credentials";
	/* clang-format off */
	static const struct { const char *url, *refused; } rows[] = {
		{"https://example.com", NULL}, {"https://example.com/", NULL}, {"https://example.com?a=b", NULL},
		{"https://example.com:8443/a/b?c=d%20e", NULL}, {"https://EXAMPLE.com./x", NULL}, {"https://a_b.example/", NULL},
		{"https://93.184.216.34/", NULL}, {"https://[2606:4700:4700::1111]:1/", NULL}, {"https://1e100.net/", NULL},
		{"https://10.9.8.7/", NULL}, {"https://[::ffff:10.9.8.7]/", NULL}, /* allowed below */
		{"http://example.com/", https}, {"HTTPS://example.com/", https}, {"file:///etc/passwd", https}, {"", https},
		{"https://", https}, {"https:/example.com", https}, {"//example.com", https}, {"gopher://example.com", https},
		{"https:///x", host}, {"https://?x", host}, {"https://:443/", host}, {"https://exa%6dple.com/", host},
		{"https://a,b/", host}, {"https://[]/", host}, {"https://[1.2.3.4]/", host}, {"https://::1/", host},
		{"https://[::1%25lo]/", host}, {"https://[fe80::1%lo]/", host}, {"https://[::1/", host}, {"https://[example.com]/", host},
		{"https://2130706433/", host}, {"https://0x7f000001/", host}, {"https://127.1/", host}, {"https://0177.0.0.1/", host},
		{"https://127.0.0.1./", host}, {"https://1.2.3.0x4/", host}, {"https://1.2.3.4.5/", host},
		{"https://example.com:/", port}, {"https://example.com:0/", port}, {"https://example.com:65536/", port},
		{"https://example.com:00443/", port}, {"https://example.com:80:90/", host},
		{"https://a@example.com/", credentials}, {"https://a:b@example.com/", credentials}, {"https://@example.com/", credentials},
		{"https://example.com@127.0.0.1/", credentials}, {"https://example.com:1@127.0.0.1/", credentials},
		{"https://example.com/#x", characters}, {"https://example.com/a b", characters}, {"https://example.com\\@127.0.0.1/", characters},
		{"https://example.com/\n", characters}, {"https://ex\xc3\xa4mple.com/", characters}, {"https://example.com/\x7f", characters},
		{"https://127.0.0.1/", address}, {"https://127.9.9.9:8080/x", address}, {"https://0.0.0.0/", address},
		{"https://192.168.0.1/", address}, {"https://100.64.0.1/", address}, {"https://169.254.169.254/latest/", address},
		{"https://[::1]/", address}, {"https://[::]/", address}, {"https://[fd00:ec2::254]/", address},
		{"https://[::ffff:127.0.0.1]/", address}, {"https://[64:ff9b::7f00:1]/", address}, {"https://224.0.0.1/", address},
	};
	/* clang-format on */
	struct bana_networks networks;
	assert_ok(bana_networks_parse(u->ctx.arena, "10.9.0.0/16", &networks));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *refused =
			outreach_webhook_refused(bana_str_of(rows[i].url), &networks, false);
		assert_row(refused == rows[i].refused ||
				   (refused != NULL && rows[i].refused != NULL &&
					   strcmp(refused, rows[i].refused) == 0),
			"'%s': %s", rows[i].url, refused == NULL ? "taken" : refused);
	}
	assert_null(outreach_webhook_refused(BANA_STR("http://example.com/"), &networks, true));
	assert_string_equal("expected https:// or http://",
		outreach_webhook_refused(BANA_STR("ftp://example.com/"), &networks, true));
}

/* The example of github.com/standard-webhooks/standard-webhooks, spec: "webhook signature". */
static void a_signature_is_that_of_the_specification(void **state)
{
	struct unit *u = *state;
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	const char *one[2] = {secret, NULL}, *both[2] = {secret, secret};
	const bana_str body = BANA_STR("{\"test\": 2432232314}");
	const char *wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
	const char *id = "msg_p5jXN8AQM9LWM0D4loKWxJek", *at = "1614265330";
	assert_string_equal(wanted, outreach_webhook_sign(&u->ctx, one, id, at, body));
	assert_string_equal(bana_join(u->ctx.arena, wanted, " ", wanted, NULL),
		outreach_webhook_sign(&u->ctx, both, id, at, body));
}

static void a_secret_is_32_random_bytes(void **state)
{
	struct unit *u = *state;
	const char *a = outreach_webhook_secret(&u->ctx), *b = outreach_webhook_secret(&u->ctx);
	bana_str key;
	assert_memory_equal("whsec_", a, 6);
	assert_ok(bana_base64_decode(u->ctx.arena, bana_str_of(a + 6), &key));
	assert_int_equal(32, key.len);
	assert_string_not_equal(a, b);
}

static void pauses_come_one_after_the_other_and_end(void **state)
{
	/* clang-format off */
	static const struct { const char *schedule; int64_t attempts, pause_s; } rows[] = {
		{"5,60,300", 1, 5}, {"5,60,300", 2, 60}, {"5, 60 ,300", 3, 300}, {"5,60,300", 4, 0}, {"5,60,300", 900, 0},
		{"7", 1, 7}, {"7", 2, 0}, {"5,x,300", 2, 3600}, {"5,,300", 2, 3600},
	};
	static const struct { const char *schedule; bool good; } lists[] = {
		{"1", true}, {"604800", true}, {"5, 60", true}, {"5,60,300,1800,7200,18000,28800,30240", true},
		{"0", false}, {"604801", false}, {"-1", false}, {"a", false}, {"5,,6", false}, {"5;6", false}, {"1.5", false},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t pause_s = 0;
		bool more = outreach_webhook_pause(rows[i].schedule, rows[i].attempts, &pause_s);
		assert_row(pause_s == rows[i].pause_s && more == (rows[i].pause_s > 0), "%s %d",
			rows[i].schedule, (int)rows[i].attempts);
	}
	for (size_t i = 0; i < COUNT(lists); i++)
		assert_row((outreach_webhook_schedule_check(lists[i].schedule).fault == BANA_OK) ==
				   lists[i].good,
			"%s", lists[i].schedule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_url_leads_to_the_public_internet_or_is_refused),
		unit_case(a_signature_is_that_of_the_specification),
		unit_case(a_secret_is_32_random_bytes),
		unit_case(pauses_come_one_after_the_other_and_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
