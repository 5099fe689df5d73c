#include "bana/http.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "bana/buf.h"
#include "bana/ctx.h"
#include "bana/network.h"

#include <sys/socket.h>

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

/* ---- posting to strangers -------------------------------------------------------------------- */

struct bana_http {
	CURLM *multi;
	struct bana_parcel *first; /* under way */
};

struct bana_http *bana_http_new(void)
{
	struct bana_http *http = calloc(1, sizeof *http);
	if (http == NULL || (http->multi = curl_multi_init()) == NULL)
		abort();
	return http;
}

/* Out of the list, and what curl has of it freed. */
static void drop(struct bana_http *http, struct bana_parcel *p)
{
	struct bana_parcel **link = &http->first;
	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	curl_multi_remove_handle(http->multi, p->handle);
	curl_easy_cleanup(p->handle);
	curl_slist_free_all(p->list);
	p->handle = p->list = NULL;
}

void bana_http_free(struct bana_http *http)
{
	if (http == NULL)
		return;
	while (http->first != NULL)
		drop(http, http->first);
	curl_multi_cleanup(http->multi);
	free(http);
}

/* The only way to a socket: what curl is about to connect to, after all resolving. */
static curl_socket_t open_checked(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct bana_parcel *p = user;
	struct bana_address address;
	bool fine = purpose == CURLSOCKTYPE_IPCXN && bana_address_of(&to->addr, &address) &&
		    (bana_address_public(&address) || bana_networks_contain(p->networks, &address));
	p->refused = p->refused || !fine;
	p->opened = p->opened || fine;
	return fine ? socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol)
		    : CURL_SOCKET_BAD;
}

/* Read, so that the answer is whole, and not kept. */
static size_t skip(char *bytes, size_t one, size_t count, void *user)
{
	enum { ANSWER_BYTES_MAX = 64 * 1024 };
	curl_off_t before = 0;
	(void)bytes;
	curl_easy_getinfo((CURL *)user, CURLINFO_SIZE_DOWNLOAD_T, &before);
	return before > ANSWER_BYTES_MAX ? 0 : one * count;
}

static void add_header(struct bana_parcel *p, const char *line)
{
	struct curl_slist *longer = curl_slist_append(p->list, line);
	if (longer == NULL)
		abort();
	p->list = longer;
}

static void harden(CURL *curl, struct bana_parcel *p)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, p->plain ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_checked);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, p);
	/* a kept connection was checked by the rules of its own day */
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

void bana_http_post(struct bana_http *http, struct bana_parcel *p)
{
	CURL *curl = curl_easy_init();
	if (curl == NULL)
		abort();
	p->handle = curl;
	p->list = NULL;
	p->refused = p->opened = false;
	add_header(p, "Expect:"); /* no waiting for leave to send */
	for (const char *const *line = p->headers; *line != NULL; line++)
		add_header(p, *line);
	harden(curl, p);
	curl_easy_setopt(curl, CURLOPT_URL, p->url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, (struct curl_slist *)p->list);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, p->body.at);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs holds nobody up */
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, skip);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, curl);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, p);
	if (curl_multi_add_handle(http->multi, curl) != CURLM_OK)
		abort();
	p->next = http->first;
	http->first = p;
}

/* What curl says may hold no name or address of another; its static texts do not. */
static void settle(struct bana_parcel *p, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo((CURL *)p->handle, CURLINFO_RESPONSE_CODE, &status);
	bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && status >= 200);
	p->status = answered ? (int)status : 0;
	bool refused = p->refused && !p->opened; /* of several addresses one may be tried */
	p->why = answered  ? NULL
		 : refused ? "its address is not allowed"
			   : curl_easy_strerror(code);
}

struct bana_parcel *bana_http_done(struct bana_http *http, int wait_ms)
{
	int running = 0, left = 0;
	curl_multi_perform(http->multi, &running);
	struct CURLMsg *message = curl_multi_info_read(http->multi, &left);
	if (message == NULL && running > 0) {
		curl_multi_poll(http->multi, NULL, 0, wait_ms, NULL);
		curl_multi_perform(http->multi, &running);
		message = curl_multi_info_read(http->multi, &left);
	}
	if (message == NULL)
		return NULL;
	struct bana_parcel *p = NULL;
	CURL *curl = message->easy_handle;
	curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&p);
	settle(p, message->data.result);
	drop(http, p);
	return p;
}
