#include "unit/support.h"

#include "bana/actor.h"
#include "bana/json.h"
#include "bana/token.h"

/*
 * Claims as ignis seals them (its section 4.4), made with another implementation: every claim but
 * the registered ones has its name and its JSON value encrypted. Good until 2100.
 */
static void sealed_claims_are_opened_with_the_right_secret_only(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *cipher, *secret, *user, *claims; } rows[] = {
		/* one sealed value is one JSON value, not two members */
		{"aes-256-cbc", "short secret", NULL, "{\"exp\":4102444800,\"AQEBAQEBAQEBAQEBAQEBAewcQNmSUl9keVHs7RrkrmY=\":\"AgICAgICAgICAgICAgICAsrI+ybB8OI5ko2ysmXxkwPIOlz5on1r0MQ1iSlEnyqm\"}"},
		{"aes-256-cbc", "short secret", "u-1", "{\"iss\":\"issuer\",\"exp\":4102444800,\"ABQoPFBkeIygtMjc8AQYLKacCqQBxALNEeGMvunMAVQ=\":\"0OT4DCA0S"
			"FxwhJiswNTo/LhK2FwcDX2zO3svwNOSLD8=\",\"oLTI3PAEGCxAVGh8kKS4zLrgt/0dv0vHWfYTL6A9wdM=\":\"cISYr"
			"MDU6PwQJDhMYHSInCpk6TlHbLiUP4sZbTMohm7d/ALLt95VFw1WKD+kmzCY2wBQjMyQ86qUEx96FG0GYA==\",\"QFRo"
			"fJCkuMzg9AgcMERYbKtC0VCe65kBHvB/HHuIRSY=\":\"ECQ4TGB0iJywxNjsABQoPNO0T6xQZ2NyxOLlH4puGBs=\",\""
			"4PQIHDBEWGyAlKi80OT4DBv9u8sb5F5E58vGWglofMo=\":\"sMTY7AAUKDxQZHiMoLTI3IDvw8w7ZJGGf3G4XjnWK3o"
			"=\"}"},
		{"aes-256-cbc", "short secret", "42", "{\"exp\":4102444800,\"gJSovNDk+AwgNEhccISYrBUvkAHN4ciX0XU2r9Tv5Z8=\":\"UGR4jKC0yNzwBBgsQFRofPsn"
			"Izdb9GWiqVy0LpmHIcg=\"}"},
		{"aes-256-cbc", "short secret", NULL, "{\"exp\":4102444800,\"IDRIXHCEmKzA1Oj8ECQ4TEtc190xrrVF9kB5Ejhahg0=\":\"8AQYLEBUaHyQpLjM4PQIHPQW"
			"zTikxsRkacEwgdCMK1g=\"}"},
		{"aes-256-cbc", "short secret", NULL, "{\"exp\":4102444800,\"wNTo/BAkOExgdIicsMTY7KNFm6UtzcEwow188cF4q74=\":\"kKS4zOD0CBwwRFhsgJSovMEq"
			"7fAspqPp1ASut5NopNA=\"}"},
		{"aes-256-cbc", "a secret of more than thirty-two characters", "u-1", "{\"iss\":\"issuer\",\"exp\":4102444800,\"YHSInLDE2OwAFCg8UGR4jKWXr2L8/FC7ci/BDgsmlGo=\":\"MERYbICUq"
			"LzQ5PgMIDRIXHlezswJRf15qZY1d+AdW0o=\",\"ABQoPFBkeIygtMjc8AQYLJHRK5xPLcyXuhrup2/vfq8=\":\"0OT4D"
			"CA0SFxwhJiswNTo/LY+83hRvTDkFY5+HcMZFK7Ez0YIp2glZMuJlwzA3RlWzbaXye/yuNvRFxR9yT9yAQ==\",\"oLTI"
			"3PAEGCxAVGh8kKS4zGldDUCrjgWPsmFiM5ahYhQ=\":\"cISYrMDU6PwQJDhMYHSInMp2lb180aKdXEjPWRYHafs=\",\""
			"QFRofJCkuMzg9AgcMERYbCFyIdgXXFE0wczCqv7nRhA=\":\"ECQ4TGB0iJywxNjsABQoPHgmX7wR/zgLzRh6NvFeF6g"
			"=\"}"},
		{"aes-256-cbc", "a secret of more than thirty-two characters", "42", "{\"exp\":4102444800,\"4PQIHDBEWGyAlKi80OT4DM0AU+74/zqAS60jMQeraEI=\":\"sMTY7AAUKDxQZHiMoLTI3H++"
			"2SQaD7dt4YQdedj48Jg=\"}"},
		{"aes-256-cbc", "a secret of more than thirty-two characters", NULL, "{\"exp\":4102444800,\"gJSovNDk+AwgNEhccISYrMKSXnwltI2vtBoHW1iMjAc=\":\"UGR4jKC0yNzwBBgsQFRofHEj"
			"QGXdLf4EIhYB5V1fzR0=\"}"},
		{"aes-256-cbc", "a secret of more than thirty-two characters", NULL, "{\"exp\":4102444800,\"IDRIXHCEmKzA1Oj8ECQ4TAA/gmxLBZnOYt5QoPdLw00=\":\"8AQYLEBUaHyQpLjM4PQIHBvu"
			"oe/WG4g0siCtEOmJ2HA=\"}"},
		/* the wrong secret, the wrong cipher, no secret, plain claims under a secret */
		{"aes-256-cbc", "another secret", NULL, "{\"iss\":\"issuer\",\"exp\":4102444800,\"ABQoPFBkeIygtMjc8AQYLKacCqQBxALNEeGMvunMAVQ=\":\"0OT4DCA0S"
			"FxwhJiswNTo/LhK2FwcDX2zO3svwNOSLD8=\",\"oLTI3PAEGCxAVGh8kKS4zLrgt/0dv0vHWfYTL6A9wdM=\":\"cISYr"
			"MDU6PwQJDhMYHSInCpk6TlHbLiUP4sZbTMohm7d/ALLt95VFw1WKD+kmzCY2wBQjMyQ86qUEx96FG0GYA==\",\"QFRo"
			"fJCkuMzg9AgcMERYbKtC0VCe65kBHvB/HHuIRSY=\":\"ECQ4TGB0iJywxNjsABQoPNO0T6xQZ2NyxOLlH4puGBs=\",\""
			"4PQIHDBEWGyAlKi80OT4DBv9u8sb5F5E58vGWglofMo=\":\"sMTY7AAUKDxQZHiMoLTI3IDvw8w7ZJGGf3G4XjnWK3o"
			"=\"}"},
		{"aes-256-gcm", "short secret", NULL, "{\"iss\":\"issuer\",\"exp\":4102444800,\"ABQoPFBkeIygtMjc8AQYLKacCqQBxALNEeGMvunMAVQ=\":\"0OT4DCA0S"
			"FxwhJiswNTo/LhK2FwcDX2zO3svwNOSLD8=\",\"oLTI3PAEGCxAVGh8kKS4zLrgt/0dv0vHWfYTL6A9wdM=\":\"cISYr"
			"MDU6PwQJDhMYHSInCpk6TlHbLiUP4sZbTMohm7d/ALLt95VFw1WKD+kmzCY2wBQjMyQ86qUEx96FG0GYA==\",\"QFRo"
			"fJCkuMzg9AgcMERYbKtC0VCe65kBHvB/HHuIRSY=\":\"ECQ4TGB0iJywxNjsABQoPNO0T6xQZ2NyxOLlH4puGBs=\",\""
			"4PQIHDBEWGyAlKi80OT4DBv9u8sb5F5E58vGWglofMo=\":\"sMTY7AAUKDxQZHiMoLTI3IDvw8w7ZJGGf3G4XjnWK3o"
			"=\"}"},
		{"aes-256-cbc", "", NULL, "{\"iss\":\"issuer\",\"exp\":4102444800,\"ABQoPFBkeIygtMjc8AQYLKacCqQBxALNEeGMvunMAVQ=\":\"0OT4DCA0S"
			"FxwhJiswNTo/LhK2FwcDX2zO3svwNOSLD8=\",\"oLTI3PAEGCxAVGh8kKS4zLrgt/0dv0vHWfYTL6A9wdM=\":\"cISYr"
			"MDU6PwQJDhMYHSInCpk6TlHbLiUP4sZbTMohm7d/ALLt95VFw1WKD+kmzCY2wBQjMyQ86qUEx96FG0GYA==\",\"QFRo"
			"fJCkuMzg9AgcMERYbKtC0VCe65kBHvB/HHuIRSY=\":\"ECQ4TGB0iJywxNjsABQoPNO0T6xQZ2NyxOLlH4puGBs=\",\""
			"4PQIHDBEWGyAlKi80OT4DBv9u8sb5F5E58vGWglofMo=\":\"sMTY7AAUKDxQZHiMoLTI3IDvw8w7ZJGGf3G4XjnWK3o"
			"=\"}"},
		{"aes-256-cbc", "short secret", NULL, "{\"userId\":\"u-1\",\"exp\":4102444800}"},
		{"aes-256-gcm", "short secret", "u-1", "{\"iss\":\"issuer\",\"exp\":4102444800,\"wNTo/BAkOExgdIicsMTY7DYTctzOVTVDzSvd0sJE0vcfXs+ek+w=\":\"k"
			"KS4zOD0CBwwRFhsgJSovDBNO7MUPgHR4lfP7QBpbM+tydzsmg==\",\"YHSInLDE2OwAFCg8UGR4jEkFiku0V9Mhznmh"
			"8X1zwbW82AGHrA==\":\"MERYbICUqLzQ5PgMIDRIXP3BAGOgUh7iepxB8qZnpz1VQLdcsgNYSsNT3mPryvKMkUoCv6a"
			"zl1RA/eDMkuHVRcBq2Fw=\",\"ABQoPFBkeIygtMjc8AQYLBfOtnKFlI5A5U15BexqIlxmAve4ZrXlE66GArcA\":\"0OT"
			"4DCA0SFxwhJiswNTo/EjmjjIjyF4OAmHLJzfIkRWMoPeKsXY=\",\"oLTI3PAEGCxAVGh8kKS4zGLq4ZVdTaAHMVzoiy"
			"DRftAKhSBpNw==\":\"cISYrMDU6PwQJDhMYHSInKivDbXWYM5tJEfyWgkVIf9ln1JfXxc2LCaVAJ5i\"}"},
		{"aes-256-gcm", "short secret", "42", "{\"exp\":4102444800,\"QFRofJCkuMzg9AgcMERYbPOJf+87SNJIm+PF9SD/dLzzYCf0awU=\":\"ECQ4TGB0iJywxNjs"
			"ABQoPFoLXYXNSSY98urea09lc9zTmA==\"}"},
		{"aes-256-gcm", "short secret", NULL, "{\"exp\":4102444800,\"4PQIHDBEWGyAlKi80OT4DGs9nn0NjmUDa7uLUd2FhkldTdTRfl0=\":\"sMTY7AAUKDxQZHiM"
			"oLTI3P0ollSXx0mEdb8yZLsM7byODlWZ3TWT\"}"},
		{"aes-256-gcm", "short secret", NULL, "{\"exp\":4102444800,\"gJSovNDk+AwgNEhccISYrIZJVJEaZ9d4OKIVPheX9XcEzTG4bwQ=\":\"UGR4jKC0yNzwBBgs"
			"QFRofP1P1tw5peCjNqQF6EBxmhGzgcAhbZ8wDXlqaM4o\"}"},
		{"aes-256-gcm", "a secret of more than thirty-two characters", "u-1", "{\"iss\":\"issuer\",\"exp\":4102444800,\"IDRIXHCEmKzA1Oj8ECQ4TFbP+EFSW9YxeCMOt7TvCW2EPgQ+0kI=\":\"8"
			"AQYLEBUaHyQpLjM4PQIHE29B5RwVIXePft+u4ctQylywjLbow==\",\"wNTo/BAkOExgdIicsMTY7LIQqxy70cvID5Dz"
			"2DL5M99NyfKXGQ==\":\"kKS4zOD0CBwwRFhsgJSovHB8+ZYEsI2EL/h1t3CveeuntyoI+71TkQyeBehgL317hUV1h8g"
			"epy/OLNtpB6T+prJoDBY=\",\"YHSInLDE2OwAFCg8UGR4jG1VlFR2zIJPETTA+PeFE8PkBGjOlPaFH6+v93Ps\":\"MER"
			"YbICUqLzQ5PgMIDRIXBMkK/40nRkOybT6som5dL0MU3qm4ss=\",\"ABQoPFBkeIygtMjc8AQYLKLHSl3HiaAXincIQw"
			"lg10tve1KmyQ==\":\"0OT4DCA0SFxwhJiswNTo/KzLk/webXPNOcfitYxGMwg0vp53iC63b96cySlq\"}"},
		{"aes-256-gcm", "a secret of more than thirty-two characters", "42", "{\"exp\":4102444800,\"oLTI3PAEGCxAVGh8kKS4zBWg8xkbW7W8d7reSW4aGpIPqYwEa5I=\":\"cISYrMDU6PwQJDhM"
			"YHSInBK3aKSZtGax485oAzzJh2ROmw==\"}"},
		{"aes-256-gcm", "a secret of more than thirty-two characters", NULL, "{\"exp\":4102444800,\"QFRofJCkuMzg9AgcMERYbAdcy7yn2h2Xyt1tJPiTZ38PllEduj0=\":\"ECQ4TGB0iJywxNjs"
			"ABQoPHqH3LPfIhiePVAg5ku09+o20zqHI/Ol\"}"},
		{"aes-256-gcm", "a secret of more than thirty-two characters", NULL, "{\"exp\":4102444800,\"4PQIHDBEWGyAlKi80OT4DIpVm9VzJJpABGTThwcltmobEC2qzNc=\":\"sMTY7AAUKDxQZHiM"
			"oLTI3LmV7+0FsvtVrPqDZpnQxajzhl/Qlj+QcLzaNHy1\"}"},
		/* the wrong secret, the wrong cipher, no secret, plain claims under a secret */
		{"aes-256-gcm", "another secret", NULL, "{\"iss\":\"issuer\",\"exp\":4102444800,\"wNTo/BAkOExgdIicsMTY7DYTctzOVTVDzSvd0sJE0vcfXs+ek+w=\":\"k"
			"KS4zOD0CBwwRFhsgJSovDBNO7MUPgHR4lfP7QBpbM+tydzsmg==\",\"YHSInLDE2OwAFCg8UGR4jEkFiku0V9Mhznmh"
			"8X1zwbW82AGHrA==\":\"MERYbICUqLzQ5PgMIDRIXP3BAGOgUh7iepxB8qZnpz1VQLdcsgNYSsNT3mPryvKMkUoCv6a"
			"zl1RA/eDMkuHVRcBq2Fw=\",\"ABQoPFBkeIygtMjc8AQYLBfOtnKFlI5A5U15BexqIlxmAve4ZrXlE66GArcA\":\"0OT"
			"4DCA0SFxwhJiswNTo/EjmjjIjyF4OAmHLJzfIkRWMoPeKsXY=\",\"oLTI3PAEGCxAVGh8kKS4zGLq4ZVdTaAHMVzoiy"
			"DRftAKhSBpNw==\":\"cISYrMDU6PwQJDhMYHSInKivDbXWYM5tJEfyWgkVIf9ln1JfXxc2LCaVAJ5i\"}"},
		{"aes-256-cbc", "short secret", NULL, "{\"iss\":\"issuer\",\"exp\":4102444800,\"wNTo/BAkOExgdIicsMTY7DYTctzOVTVDzSvd0sJE0vcfXs+ek+w=\":\"k"
			"KS4zOD0CBwwRFhsgJSovDBNO7MUPgHR4lfP7QBpbM+tydzsmg==\",\"YHSInLDE2OwAFCg8UGR4jEkFiku0V9Mhznmh"
			"8X1zwbW82AGHrA==\":\"MERYbICUqLzQ5PgMIDRIXP3BAGOgUh7iepxB8qZnpz1VQLdcsgNYSsNT3mPryvKMkUoCv6a"
			"zl1RA/eDMkuHVRcBq2Fw=\",\"ABQoPFBkeIygtMjc8AQYLBfOtnKFlI5A5U15BexqIlxmAve4ZrXlE66GArcA\":\"0OT"
			"4DCA0SFxwhJiswNTo/EjmjjIjyF4OAmHLJzfIkRWMoPeKsXY=\",\"oLTI3PAEGCxAVGh8kKS4zGLq4ZVdTaAHMVzoiy"
			"DRftAKhSBpNw==\":\"cISYrMDU6PwQJDhMYHSInKivDbXWYM5tJEfyWgkVIf9ln1JfXxc2LCaVAJ5i\"}"},
		{"aes-256-gcm", "", NULL, "{\"iss\":\"issuer\",\"exp\":4102444800,\"wNTo/BAkOExgdIicsMTY7DYTctzOVTVDzSvd0sJE0vcfXs+ek+w=\":\"k"
			"KS4zOD0CBwwRFhsgJSovDBNO7MUPgHR4lfP7QBpbM+tydzsmg==\",\"YHSInLDE2OwAFCg8UGR4jEkFiku0V9Mhznmh"
			"8X1zwbW82AGHrA==\":\"MERYbICUqLzQ5PgMIDRIXP3BAGOgUh7iepxB8qZnpz1VQLdcsgNYSsNT3mPryvKMkUoCv6a"
			"zl1RA/eDMkuHVRcBq2Fw=\",\"ABQoPFBkeIygtMjc8AQYLBfOtnKFlI5A5U15BexqIlxmAve4ZrXlE66GArcA\":\"0OT"
			"4DCA0SFxwhJiswNTo/EjmjjIjyF4OAmHLJzfIkRWMoPeKsXY=\",\"oLTI3PAEGCxAVGh8kKS4zGLq4ZVdTaAHMVzoiy"
			"DRftAKhSBpNw==\":\"cISYrMDU6PwQJDhMYHSInKivDbXWYM5tJEfyWgkVIf9ln1JfXxc2LCaVAJ5i\"}"},
		{"aes-256-gcm", "short secret", NULL, "{\"userId\":\"u-1\",\"exp\":4102444800}"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_ctx *ctx = fresh(u);
		struct bana_actor actor;
		const struct bana_json *claims;
		u->settings.application_cipher = rows[i].cipher;
		u->settings.application_secret = rows[i].secret;
		assert_ok(bana_json_parse(ctx, bana_str_of(rows[i].claims), 16, &claims));
		bana_res r = bana_claims_read(ctx, &u->settings, claims, &actor);
		if (rows[i].user == NULL) {
			assert_row(r.fault == BANA_NO_TOKEN && ctx->failure.why != NULL,
				"%zu %s %s", i, rows[i].secret, rows[i].claims);
			continue;
		}
		assert_row(r.fault == BANA_OK, "%zu: %s", i,
			ctx->failure.why == NULL ? "" : ctx->failure.why);
		assert_string_equal(actor.user_id, rows[i].user);
		assert_string_equal(actor.principal_type, "User");
		if (strcmp(rows[i].user, "u-1") == 0) {
			assert_int_equal(2, actor.role_count);
			assert_string_equal(actor.roles[0], "ADMIN");
			assert_string_equal(actor.roles[1], "OWNER");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(sealed_claims_are_opened_with_the_right_secret_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
