#include "unit/support.h"

#include "bana/buf.h"
#include "bana/network.h"

#include <arpa/inet.h>
#include <sys/un.h>

/* The IANA registries of special purpose addresses, edges of each range; and both spellings of
 * IPv4. */
static void only_the_public_internet_is_public(void **state)
{
	/* clang-format off */
	static const struct { const char *address; bool good; } rows[] = {
		{"1.1.1.1", true}, {"8.8.8.8", true}, {"93.184.216.34", true}, {"223.255.255.255", true},
		{"0.0.0.0", false}, {"0.255.255.255", false}, {"1.0.0.0", true},
		{"9.255.255.255", true}, {"10.0.0.0", false}, {"10.255.255.255", false}, {"11.0.0.0", true},
		{"100.63.255.255", true}, {"100.64.0.0", false}, {"100.127.255.255", false}, {"100.128.0.0", true},
		{"126.255.255.255", true}, {"127.0.0.1", false}, {"127.255.255.255", false}, {"128.0.0.0", true},
		{"169.253.255.255", true}, {"169.254.0.0", false}, {"169.254.169.254", false}, {"169.255.0.0", true},
		{"172.15.255.255", true}, {"172.16.0.0", false}, {"172.31.255.255", false}, {"172.32.0.0", true},
		{"192.0.0.8", false}, {"192.0.1.0", true}, {"192.0.2.1", false}, {"192.88.99.1", false},
		{"192.167.255.255", true}, {"192.168.0.0", false}, {"192.168.255.255", false}, {"192.169.0.0", true},
		{"198.17.255.255", true}, {"198.18.0.0", false}, {"198.19.255.255", false}, {"198.20.0.0", true},
		{"198.51.100.1", false}, {"203.0.113.1", false}, {"203.0.114.0", true},
		{"224.0.0.1", false}, {"239.255.255.255", false}, {"240.0.0.1", false}, {"255.255.255.255", false},
		{"::", false}, {"::1", false}, {"::8.8.8.8", false}, {"::ffff:8.8.8.8", true},
		{"::ffff:127.0.0.1", false}, {"::ffff:10.0.0.1", false}, {"::ffff:a9fe:a9fe", false},
		{"64:ff9b::7f00:1", false}, {"64:ff9b:1::1", false}, {"100::1", false},
		{"2001::1", false}, {"2001:1ff:ffff::", false}, {"2001:200::1", true}, {"2001:db8::1", false},
		{"2001:4860:4860::8888", true}, {"2002:7f00:1::", false}, {"2003::1", true},
		{"2606:4700:4700::1111", true}, {"3fff::1", false}, {"3fff:1000::", true}, {"3ffe::1", true},
		{"4000::1", false}, {"5f00::1", false}, {"fc00::1", false}, {"fd12:3456::1", false},
		{"fdff:ffff::", false}, {"fd00:ec2::254", false}, {"fe80::1", false}, {"febf::1", false},
		{"fec0::1", false}, {"ff02::1", false},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_address address;
		assert_ok(bana_address_parse(bana_str_of(rows[i].address), &address));
		assert_row(bana_address_public(&address) == rows[i].good, "%s", rows[i].address);
	}
}

static void an_address_has_the_strict_spellings_only(void **state)
{
	/* clang-format off */
	static const bana_str rows[] = {
		BYTES(""), BYTES("1"), BYTES("127.1"), BYTES("0177.0.0.1"), BYTES("0x7f.0.0.1"), BYTES("2130706433"),
		BYTES("1.2.3.4 "), BYTES(" 1.2.3.4"), BYTES("1.2.3.4\0x"), BYTES("1.2.3.256"), BYTES("1.2.3.4.5"),
		BYTES("fe80::1%eth0"), BYTES("[::1]"), BYTES(":::"), BYTES("::1/128"), BYTES("localhost"),
		BYTES("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff:0000"),
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_address address;
		assert_row(bana_address_parse(rows[i], &address).fault == BANA_MALFORMED, "%s",
			rows[i].at);
	}
}

static void a_network_holds_what_its_prefix_says(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *networks, *address; bool within; } rows[] = {
		{"", "127.0.0.1", false}, {"  ", "127.0.0.1", false},
		{"127.0.0.0/8", "127.9.9.9", true}, {"127.0.0.0/8", "128.0.0.0", false},
		{"127.0.0.0/8", "::ffff:127.0.0.1", true}, {"::ffff:127.0.0.0/104", "127.0.0.1", true},
		{"10.0.0.0/8,192.168.1.0/24", "192.168.1.255", true}, {"10.0.0.0/8, 192.168.1.0/24", "192.168.2.0", false},
		{"192.168.1.128/25", "192.168.1.127", false}, {"192.168.1.128/25", "192.168.1.128", true},
		{"192.168.1.7", "192.168.1.7", true}, {"192.168.1.7", "192.168.1.6", false},
		{"0.0.0.0/0", "255.255.255.255", true}, {"0.0.0.0/0", "::1", false},
		{"::/0", "::1", true}, {"::/0", "1.2.3.4", true},
		{"fd00::/8", "fdff::1", true}, {"fd00::/8", "fe00::1", false}, {"::1", "::1", true}, {"::1", "::2", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_networks networks;
		struct bana_address address;
		assert_ok(bana_networks_parse(u->ctx.arena, rows[i].networks, &networks));
		assert_ok(bana_address_parse(bana_str_of(rows[i].address), &address));
		assert_row(bana_networks_contain(&networks, &address) == rows[i].within, "'%s' %s",
			rows[i].networks, rows[i].address);
	}
}

static void a_network_that_is_none_is_refused(void **state)
{
	struct unit *u = *state;
	static const char *const rows[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
		"10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8,,::1",
		"fd00::/129", "fd00::1/8", "a", "/8", "10.0.0.0 /8", "10/8", "localhost"};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_networks networks = {NULL, 7};
		assert_row(bana_networks_parse(u->ctx.arena, rows[i], &networks).fault ==
				   BANA_MALFORMED,
			"%s", rows[i]);
		assert_int_equal(7, networks.count);
	}
	struct bana_buf many;
	struct bana_networks networks;
	bana_buf_init(&many, u->ctx.arena);
	for (int i = 0; i < BANA_NETWORKS_MAX; i++)
		bana_buf_print(&many, "%s10.0.0.%d", i == 0 ? "" : ",", i);
	assert_ok(bana_networks_parse(u->ctx.arena, many.at, &networks));
	assert_int_equal(BANA_NETWORKS_MAX, networks.count);
	bana_buf_text(&many, ",::1");
	assert_fault(MALFORMED, bana_networks_parse(u->ctx.arena, many.at, &networks));
}

static void a_socket_address_is_one_of_the_internet_or_none(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct bana_address address, wanted;
	(void)state;
	assert_int_equal(1, inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr));
	assert_int_equal(1, inet_pton(AF_INET6, "fd00::7", &v6.sin6_addr));
	assert_true(bana_address_of((const struct sockaddr *)&v4, &address));
	assert_ok(bana_address_parse(BANA_STR("::ffff:10.1.2.3"), &wanted));
	assert_memory_equal(&wanted, &address, sizeof wanted);
	assert_true(bana_address_of((const struct sockaddr *)&v6, &address));
	assert_ok(bana_address_parse(BANA_STR("fd00::7"), &wanted));
	assert_memory_equal(&wanted, &address, sizeof wanted);
	assert_false(bana_address_of((const struct sockaddr *)&local, &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(only_the_public_internet_is_public),
		unit_case(an_address_has_the_strict_spellings_only),
		unit_case(a_network_holds_what_its_prefix_says),
		unit_case(a_network_that_is_none_is_refused),
		unit_case(a_socket_address_is_one_of_the_internet_or_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
