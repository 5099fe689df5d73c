#include "bana/req.h"

#include <stdio.h>

static bana_str next_segment(bana_str *path)
{
	if (path->len > 0 && path->at[0] == '/') {
		path->at++;
		path->len--;
	}
	size_t n = 0;
	while (n < path->len && path->at[n] != '/')
		n++;
	bana_str segment = {path->at, n};
	path->at += n;
	path->len -= n;
	return segment;
}

/* How many {…} it takes for the undecoded path to fit the pattern; -1: it does not. `args` gets
 * their raw segments. */
static int fits(const char *pattern, bana_str path, bana_str args[BANA_ARGS_MAX])
{
	bana_str rest = bana_str_of(pattern);
	int n = 0;
	while (rest.len > 0 && path.len > 0) {
		bana_str want = next_segment(&rest);
		bana_str have = next_segment(&path);
		bool open = want.len > 0 && want.at[0] == '{';
		if (open && have.len > 0 && n < BANA_ARGS_MAX)
			args[n++] = have;
		else if (open || want.len != have.len || memcmp(want.at, have.at, have.len) != 0)
			return -1;
	}
	return rest.len == 0 && path.len == 0 ? n : -1;
}

/* The fewest {…} any route needs: a path that is spelled out is never taken for a parameter, so
 * GET /inquiries/submit is a wrong verb and not the inquiry "submit". */
static int best_fit(struct bana_req *q, const struct bana_route *routes, size_t count)
{
	bana_str args[BANA_ARGS_MAX];
	int best = -1;
	for (size_t i = 0; i < count; i++) {
		int n = fits(routes[i].path, q->path, args);
		if (n >= 0 && (best < 0 || n < best))
			best = n;
	}
	return best;
}

const char *bana_route_verbs(struct bana_req *q, const struct bana_route *routes, size_t count)
{
	struct bana_buf verbs;
	bana_buf_init(&verbs, q->ctx.arena);
	bana_str args[BANA_ARGS_MAX];
	int best = best_fit(q, routes, count);
	for (size_t i = 0; best >= 0 && i < count; i++) {
		if (fits(routes[i].path, q->path, args) != best)
			continue;
		if (verbs.len > 0)
			bana_buf_text(&verbs, ", ");
		bana_buf_text(&verbs, routes[i].verb);
		if (strcmp(routes[i].verb, "GET") == 0)
			bana_buf_text(&verbs, ", HEAD");
	}
	if (verbs.len == 0)
		return NULL;
	bana_buf_text(&verbs, ", OPTIONS");
	return verbs.at;
}

BANA_RES bana_route_find(struct bana_req *q, const struct bana_route *routes, size_t count)
{
	bana_str verb = bana_str_is(q->method, "HEAD") ? BANA_STR("GET") : q->method;
	int best = best_fit(q, routes, count);
	for (size_t i = 0; best >= 0 && i < count; i++) {
		bana_str args[BANA_ARGS_MAX];
		if (!bana_str_is(verb, routes[i].verb) ||
			fits(routes[i].path, q->path, args) != best)
			continue;
		q->route = &routes[i];
		for (int a = 0; a < best; a++) {
			if (bana_percent_decode(q->ctx.arena, args[a], false, &q->args[a]).fault !=
				BANA_OK)
				return bana_fail(&q->ctx, BANA_MALFORMED, "Malformed path", NULL);
		}
		return BANA_DONE;
	}
	q->ctx.failure.allow = bana_route_verbs(q, routes, count);
	if (q->ctx.failure.allow != NULL)
		return bana_fail(&q->ctx, BANA_NO_METHOD, "Method not allowed", NULL);
	return bana_fail(&q->ctx, BANA_NOT_FOUND, "URL NOT FOUND", NULL);
}
