#include "unit/req.h"
#include "unit/rest/entity.h"

#include "bana/json.h"

static void forms_become_the_object_they_stand_for(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *form, *json; } rows[] = {
		{"", "{}"}, {"name=x", "{\"name\":\"x\"}"}, {"name=x&note=y", "{\"name\":\"x\",\"note\":\"y\"}"},
		{"name=a+b%20c%2B", "{\"name\":\"a b c+\"}"}, {"name=%C3%A4", "{\"name\":\"\xc3\xa4\"}"},
		{"name=%22%5C", "{\"name\":\"\\\"\\\\\"}"}, {"name=a%0D%0Ab", "{\"name\":\"a\\r\\nb\"}"},
		{"name=a=b", "{\"name\":\"a=b\"}"}, {"&&name=x&&", "{\"name\":\"x\"}"},
		{"name=&note=y", "{\"note\":\"y\"}"}, {"name", "{}"}, {"%6eame=x", "{\"name\":\"x\"}"},
		{"unknown=1", "{\"unknown\":\"1\"}"}, {"score=5", "{\"score\":\"5\"}"},
		{"tags=a", "{\"tags\":[\"a\"]}"}, {"tags=a&tags=b", "{\"tags\":[\"a\",\"b\"]}"},
		{"tags=a&name=x&tags=b", "{\"tags\":[\"a\",\"b\"],\"name\":\"x\"}"},
		{"tags=a&tags=", "{\"tags\":[\"a\"]}"}, {"tags=&tags=a", "{\"tags\":[\"a\"]}"}, {"tags=", "{}"},
		{"xtags=1&tags=a", "{\"xtags\":\"1\",\"tags\":[\"a\"]}"}, {"tags=a%26b", "{\"tags\":[\"a&b\"]}"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct bana_json *json;
		struct bana_ctx *ctx = fresh(u);
		assert_row(bana_form_read(ctx, &thing, bana_str_of(rows[i].form), &json).fault ==
				   BANA_OK,
			"%s", rows[i].form);
		assert_string_equal(bana_json_write(ctx, json).at, rows[i].json);
	}
}

static void broken_forms_are_refused(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *form; enum bana_fault fault; } rows[] = {
		{"name=%", BANA_MALFORMED}, {"name=%4", BANA_MALFORMED}, {"name=%zz", BANA_MALFORMED},
		{"name=%00", BANA_MALFORMED}, {"name=%FF", BANA_MALFORMED}, {"%FF=x", BANA_MALFORMED},
		{"name=\xff", BANA_MALFORMED}, {"name=%ED%A0%80", BANA_MALFORMED}, {"tags=a&tags=%FF", BANA_MALFORMED},
		{"name=x&name=y", BANA_INVALID}, {"name=x&%6eame=y", BANA_INVALID}, {"tags=a&%74ags=b", BANA_INVALID},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct bana_json *json;
		bana_res r = bana_form_read(fresh(u), &thing, bana_str_of(rows[i].form), &json);
		assert_row(r.fault == rows[i].fault, "%s: %d", rows[i].form, (int)r.fault);
	}
	struct bana_buf b;
	bana_buf_init(&b, u->ctx.arena);
	for (int i = 0; i < 201; i++)
		bana_buf_text(&b, "a=1&");
	const struct bana_json *json;
	assert_fault(MALFORMED, bana_form_read(&u->ctx, &thing, bana_buf_str(&b), &json));
}

static const struct bana_route both = {"POST", "/t", NULL, NULL, NULL, NULL, BANA_FORM, ""};
static const struct bana_route json_only = {"POST", "/t", NULL, NULL, NULL, NULL, 0, ""};

static void media_types_decide_how_a_body_is_read(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *type, *body; const struct bana_route *route; enum bana_fault fault; } rows[] = {
		{"application/json", "{\"name\":\"x\"}", &both, BANA_OK},
		{"application/json", "{\"name\":\"x\"}", &json_only, BANA_OK},
		{"APPLICATION/JSON", "{\"name\":\"x\"}", &both, BANA_OK},
		{"application/json; charset=utf-8", "{\"name\":\"x\"}", &both, BANA_OK},
		{"application/json;charset=UTF-8", "{\"name\":\"x\"}", &both, BANA_OK},
		{"application/json; charset=\"utf-8\"", "{\"name\":\"x\"}", &both, BANA_OK},
		{" application/json ", "{\"name\":\"x\"}", &both, BANA_OK},
		{"application/x-www-form-urlencoded", "name=x", &both, BANA_OK},
		{"application/x-www-form-urlencoded; charset=UTF-8", "name=x", &both, BANA_OK},
		{"application/json", "", &both, BANA_INVALID}, {NULL, "", &both, BANA_INVALID},
		{"application/x-www-form-urlencoded", "", &both, BANA_INVALID},
		{"application/json", "{", &both, BANA_MALFORMED}, {"application/json", "name=x", &both, BANA_MALFORMED},
		{"application/json", "\xef\xbb\xbf{\"name\":\"x\"}", &both, BANA_MALFORMED},
		{"application/json", "{\"name\":\"x\"}{}", &both, BANA_MALFORMED},
		{"application/json", "{\"name\":\"x\",\"name\":\"y\"}", &both, BANA_INVALID},
		{"application/x-www-form-urlencoded", "name=x", &json_only, BANA_MEDIA},
		{NULL, "{\"name\":\"x\"}", &both, BANA_MEDIA}, {"", "{\"name\":\"x\"}", &both, BANA_MEDIA},
		{"text/plain", "{\"name\":\"x\"}", &both, BANA_MEDIA}, {"text/json", "{}", &both, BANA_MEDIA},
		{"application/jsonx", "{}", &both, BANA_MEDIA}, {"application", "{}", &both, BANA_MEDIA},
		{"application/json/x", "{}", &both, BANA_MEDIA}, {"application/problem+json", "{}", &both, BANA_MEDIA},
		{"multipart/form-data; boundary=x", "--x--", &both, BANA_MEDIA}, {";", "{}", &both, BANA_MEDIA},
		{"application/json; charset=iso-8859-1", "{\"name\":\"x\"}", &both, BANA_MEDIA},
		{"application/json; charset=utf-16", "{\"name\":\"x\"}", &both, BANA_MEDIA},
		{"application/json; charset=utf-80", "{\"name\":\"x\"}", &both, BANA_MEDIA},
		{"application/x-www-form-urlencoded; charset=latin1", "name=x", &both, BANA_MEDIA},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct param params[] = {{"CONTENT_TYPE", rows[i].type}, {NULL, NULL}};
		struct bana_req q;
		fresh(u);
		req_init(&q, u, "POST", "/t", params);
		q.route = rows[i].route;
		q.body = bana_str_of(rows[i].body);
		struct bana_row row = {0};
		bana_res r = bana_req_row(&q, &thing, BANA_PUBLIC, &row);
		assert_row(r.fault == rows[i].fault, "%zu %s: %d", i,
			rows[i].type == NULL ? "-" : rows[i].type, (int)r.fault);
		if (r.fault == BANA_OK)
			assert_string_equal(row.cells[NAME].text, "x");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(forms_become_the_object_they_stand_for),
		unit_case(broken_forms_are_refused),
		unit_case(media_types_decide_how_a_body_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
