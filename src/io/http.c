#include "bana/http.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "bana/buf.h"
#include "bana/ctx.h"

struct download {
	struct bana_buf bytes;
	size_t bytes_max;
};

static size_t take(char *bytes, size_t one, size_t count, void *user)
{
	struct download *d = user;
	if (count * one > d->bytes_max - d->bytes.len)
		return 0; /* ends the transfer */
	bana_buf_add(&d->bytes, bytes, count * one);
	return count * one;
}

static void cleanup(void *handle)
{
	curl_easy_cleanup(handle);
}

static void free_headers(void *list)
{
	curl_slist_free_all(list);
}

static void set_url(struct bana_ctx *ctx, CURL *curl, const char *url)
{
	static const char local[] = "http://unix:";
	bana_str path, rest = bana_str_of(url);
	if (strncmp(url, local, strlen(local)) == 0) {
		rest = (bana_str){url + strlen(local), rest.len - strlen(local)};
		bana_str socket = bana_str_cut(rest, ':', &path);
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
			bana_copy(ctx->arena, socket.at, socket.len));
		url = bana_print(ctx->arena, "http://localhost%.*s", (int)path.len, path.at);
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
}

static void set_trace(struct bana_ctx *ctx, CURL *curl)
{
	const char *trace = bana_trace_on(ctx);
	if (trace == NULL)
		return;
	struct curl_slist *headers =
		curl_slist_append(NULL, bana_join(ctx->arena, "traceparent: ", trace, NULL));
	bana_defer(ctx->arena, free_headers, headers);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
}

BANA_RES bana_http_get(
	struct bana_ctx *ctx, const char *url, int64_t timeout_ms, size_t bytes_max, bana_str *body)
{
	struct download d = {.bytes_max = bytes_max};
	bana_buf_init(&d.bytes, ctx->arena);
	CURL *curl = curl_easy_init();
	if (curl == NULL)
		abort();
	bana_defer(ctx->arena, cleanup, curl);
	set_url(ctx, curl, url);
	set_trace(ctx, curl);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &d);
	CURLcode code = curl_easy_perform(curl);
	long status = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && (status == 200 || status == 0)) { /* 0: a file */
		*body = bana_buf_str(&d.bytes);
		return BANA_DONE;
	}
	return bana_fail_later(ctx, "A document could not be fetched",
		code != CURLE_OK ? curl_easy_strerror(code) : "the answer was not 200");
}
