/*
 * The ceiling of nginx -> FastCGI: read the request, answer with as many bytes as a submit (201) or
 * a read by id (200) answers, touch nothing else. The connection is let go as the product's workers
 * do it (FCGX_Detach), without libfcgi's wait for the peer to hang up.
 */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { READ_BYTES = 1100 };

static const char made[] =
	"Status: 201\r\n"
	"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
	"x-response-count: 1\r\nx-response-format: object\r\n"
	"Location: /v1/api/outreach/inquiries/249012345678901248\r\n"
	"Content-Type: application/json\r\nContent-Length: 125\r\n\r\n"
	"{\"count\":1,\"data\":{\"id\":\"249012345678901248\",\"type\":\"100_GENERAL\","
	"\"status\":\"100_NEW\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"}}";

/* A row of the usual length, with the headers that come with one. */
static char *row(void)
{
	static char text[READ_BYTES + 512];
	static const char begin[] =
		"{\"count\":1,\"data\":{\"id\":\"249000000000001000\",\"message\":\"",
			  end[] = "\"}}";
	int used = snprintf(text, sizeof text,
		"Status: 200\r\n"
		"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
		"x-response-count: 1\r\nx-response-format: object\r\nETag: \"v1\"\r\n"
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		READ_BYTES, begin);
	size_t fill = READ_BYTES - (sizeof begin - 1) - (sizeof end - 1);
	memset(text + used, 'x', fill);
	memcpy(text + used + fill, end, sizeof end);
	return text;
}

int main(void)
{
	FCGX_Request request;
	const char *read = row();
	signal(SIGPIPE, SIG_IGN);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		char body[8192];
		while (FCGX_GetStr(body, sizeof body, request.in) > 0)
			continue;
		const char *method = FCGX_GetParam("REQUEST_METHOD", request.envp);
		const char *answer = method != NULL && strcmp(method, "GET") == 0 ? read : made;
		FCGX_PutStr(answer, (int)strlen(answer), request.out);
		FCGX_FClose(request.out);
		FCGX_Detach(&request);
		FCGX_Finish_r(&request);
	}
	return 0;
}
