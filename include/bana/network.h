/*
 * IP addresses and networks (CIDR). An IPv4 address and the same one mapped into IPv6
 * (::ffff:a.b.c.d) are one and the same here, so neither spelling gets around a rule. So an IPv6
 * network of 96 bits or fewer that holds ::ffff:0:0/96, as ::/0 does, holds all of IPv4 too.
 */
#ifndef BANA_NETWORK_H
#define BANA_NETWORK_H

#include "bana/text.h"

struct bana_arena;
struct sockaddr;

struct bana_address {
	unsigned char bytes[16]; /* IPv6; IPv4 mapped into it */
};

struct bana_network {
	struct bana_address address; /* no bit set beyond the prefix */
	unsigned bits;               /* of the mapped form: 96 + n for IPv4 */
};

enum { BANA_NETWORKS_MAX = 64 };

struct bana_networks {
	const struct bana_network *rows;
	size_t count;
};

/* "192.0.2.1", "2001:db8::1"; as inet_pton reads them, so no short or octal forms, no zone.
 * MALFORMED: anything else. */
BANA_RES bana_address_parse(bana_str text, struct bana_address *address);

/* False: neither AF_INET nor AF_INET6. */
bool bana_address_of(const struct sockaddr *from, struct bana_address *address);

/* Comma-separated networks "10.0.0.0/8", "fd00::/8", or single addresses; blanks are trimmed, an
 * empty text is no network. In the arena. MALFORMED: anything else, a bit set beyond the prefix
 * ("10.0.0.1/8"), or more than BANA_NETWORKS_MAX. */
BANA_RES bana_networks_parse(
	struct bana_arena *arena, const char *list, struct bana_networks *networks);

/* Is it one of IPv4, in whatever spelling? Its last four bytes are the address then. */
bool bana_address_is_v4(const struct bana_address *address);

bool bana_networks_contain(
	const struct bana_networks *networks, const struct bana_address *address);

/*
 * May it be anywhere on the public internet? False for all that the IANA registries of special
 * purpose addresses (RFC 6890) do not call globally reachable: this host, private, shared
 * (RFC 6598), loopback, link-local and with it the metadata services of clouds, documentation,
 * benchmarks, multicast, reserved, unique local; and for IPv6 that carries IPv4 in it (6to4,
 * Teredo, NAT64).
 */
bool bana_address_public(const struct bana_address *address);

#endif
