/*
 * The product with a read by id that asks for no token: what a token costs is the difference. For
 * the benchmark only; nothing else in it differs, and it is built from the product's own libraries.
 */
#include "bana/app.h"
#include "bana/crud.h"
#include "bana/req.h"
#include "bana/run.h"
#include "outreach/outreach.h"

#include <stdio.h>
#include <string.h>

enum { ROUTES_MAX = 256 };

int main(int argc, char **argv)
{
	static struct bana_route routes[ROUTES_MAX];
	struct bana_service service = outreach_service;
	int opened = 0;
	if (service.route_count > ROUTES_MAX)
		return 2;
	memcpy(routes, service.routes, service.route_count * sizeof *routes);
	for (size_t i = 0; i < service.route_count; i++) {
		if (routes[i].call == &bana_crud_find_by_id &&
			routes[i].entity == &outreach_inquiry) {
			routes[i].permission = routes[i].action = NULL;
			opened++;
		}
	}
	service.routes = routes;
	if (opened != 1) {
		fputs("open_read: the read by id is not where it was\n", stderr);
		return 2;
	}
	return bana_main(&service, argc, argv);
}
