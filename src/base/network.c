#include "bana/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "bana/arena.h"

enum { MAPPED_BITS = 96, ALL_BITS = 128, TEXT_BYTES = 64 };

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool bana_address_is_v4(const struct bana_address *a)
{
	return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

static void take_v4(const void *four, struct bana_address *address)
{
	memcpy(address->bytes, mapped, sizeof mapped);
	memcpy(address->bytes + sizeof mapped, four, 4);
}

/* *v4: it was written as IPv4, so a prefix counts its 32 bits. */
static BANA_RES parse(bana_str text, struct bana_address *address, bool *v4)
{
	char copy[TEXT_BYTES];
	unsigned char four[4];
	struct bana_address read;
	if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, '\0', text.len) != NULL)
		return BANA_IS(MALFORMED);
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	*v4 = inet_pton(AF_INET, copy, four) == 1;
	if (*v4)
		take_v4(four, address);
	else if (inet_pton(AF_INET6, copy, read.bytes) == 1)
		*address = read;
	else
		return BANA_IS(MALFORMED);
	return BANA_DONE;
}

BANA_RES bana_address_parse(bana_str text, struct bana_address *address)
{
	bool v4;
	return parse(text, address, &v4);
}

bool bana_address_of(const struct sockaddr *from, struct bana_address *address)
{
	if (from->sa_family == AF_INET)
		take_v4(&((const struct sockaddr_in *)(const void *)from)->sin_addr, address);
	else if (from->sa_family == AF_INET6)
		memcpy(address->bytes,
			&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
			sizeof address->bytes);
	return from->sa_family == AF_INET || from->sa_family == AF_INET6;
}

/* The address with every bit beyond the prefix cleared. */
static struct bana_address cut(const struct bana_address *address, unsigned bits)
{
	struct bana_address head = *address;
	for (unsigned i = 0; i < sizeof head.bytes; i++) {
		unsigned kept = bits <= i * 8 ? 0 : bits - i * 8 >= 8 ? 8 : bits - i * 8;
		head.bytes[i] &= (unsigned char)(0xFF00 >> kept);
	}
	return head;
}

static bool within(const struct bana_network *network, const struct bana_address *address)
{
	struct bana_address head = cut(address, network->bits);
	return memcmp(&head, &network->address, sizeof head) == 0;
}

static BANA_RES parse_network(bana_str text, struct bana_network *network)
{
	bana_str digits;
	bool v4, bare = memchr(text.at, '/', text.len) == NULL;
	bana_str address = bana_str_cut(text, '/', &digits);
	int64_t bits;
	TRY(parse(address, &network->address, &v4));
	bits = v4 ? ALL_BITS - MAPPED_BITS : ALL_BITS;
	if (!bare)
		TRY(bana_parse_int(digits, 0, bits, &bits));
	network->bits = (unsigned)bits + (v4 ? MAPPED_BITS : 0);
	struct bana_address head = cut(&network->address, network->bits);
	return memcmp(&head, &network->address, sizeof head) == 0 ? BANA_DONE : BANA_IS(MALFORMED);
}

BANA_RES bana_networks_parse(
	struct bana_arena *arena, const char *list, struct bana_networks *networks)
{
	struct bana_network *rows = bana_alloc(arena, BANA_NETWORKS_MAX * sizeof *rows);
	size_t count = 0;
	bana_str rest = bana_utf8_trim(bana_str_of(list));
	bool more = rest.len > 0;
	while (more) {
		more = memchr(rest.at, ',', rest.len) != NULL;
		bana_str item = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		if (count == BANA_NETWORKS_MAX)
			return BANA_IS(MALFORMED);
		TRY(parse_network(item, &rows[count++]));
	}
	*networks = (struct bana_networks){rows, count};
	return BANA_DONE;
}

bool bana_networks_contain(const struct bana_networks *networks, const struct bana_address *address)
{
	for (size_t i = 0; i < networks->count; i++) {
		if (within(&networks->rows[i], address))
			return true;
	}
	return false;
}

/* clang-format off */
#define V4(a, b, c, d, n) {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d}}, MAPPED_BITS + (n)}
static const struct bana_network special_v4[] = {
	V4(0, 0, 0, 0, 8),          /* this host on this network */
	V4(10, 0, 0, 0, 8),         /* private */
	V4(100, 64, 0, 0, 10),      /* shared: carrier-grade NAT */
	V4(127, 0, 0, 0, 8),        /* loopback */
	V4(169, 254, 0, 0, 16),     /* link-local; 169.254.169.254 tells clouds' secrets */
	V4(172, 16, 0, 0, 12),      /* private */
	V4(192, 0, 0, 0, 24),       /* protocol assignments */
	V4(192, 0, 2, 0, 24),       /* documentation */
	V4(192, 88, 99, 0, 24),     /* 6to4 relays, deprecated */
	V4(192, 168, 0, 0, 16),     /* private */
	V4(198, 18, 0, 0, 15),      /* benchmarks */
	V4(198, 51, 100, 0, 24),    /* documentation */
	V4(203, 0, 113, 0, 24),     /* documentation */
	V4(224, 0, 0, 0, 4),        /* multicast */
	V4(240, 0, 0, 0, 4),        /* reserved, broadcast */
};
#undef V4
/* Global unicast is 2000::/3; of it not: */
static const struct bana_network unicast_v6 = {{{0x20}}, 3};
static const struct bana_network special_v6[] = {
	{{{0x20, 0x01}}, 23},             /* protocol assignments, Teredo and ORCHID among them */
	{{{0x20, 0x01, 0x0D, 0xB8}}, 32}, /* documentation */
	{{{0x20, 0x02}}, 16},             /* 6to4 */
	{{{0x3F, 0xFF}}, 20},             /* documentation */
};
/* clang-format on */

#define ALL(table) (&(const struct bana_networks){table, sizeof(table) / sizeof *(table)})

bool bana_address_public(const struct bana_address *a)
{
	if (bana_address_is_v4(a))
		return !bana_networks_contain(ALL(special_v4), a);
	return within(&unicast_v6, a) && !bana_networks_contain(ALL(special_v6), a);
}
