/*
 * The ceiling of nginx -> FastCGI: read the request, answer 201 with the bytes a submit answers,
 * touch nothing else. The connection is let go as the product's workers do it (FCGX_Detach),
 * without libfcgi's wait for the peer to hang up.
 */
#include <fcgiapp.h>
#include <signal.h>

static const char answer[] =
	"Status: 201\r\n"
	"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
	"x-response-count: 1\r\nx-response-format: object\r\n"
	"Location: /v1/api/outreach/inquiries/249012345678901248\r\n"
	"Content-Type: application/json\r\nContent-Length: 125\r\n\r\n"
	"{\"count\":1,\"data\":{\"id\":\"249012345678901248\",\"type\":\"100_GENERAL\","
	"\"status\":\"100_NEW\",\"createdAt\":\"2026-01-01T00:00:00.000Z\"}}";

int main(void)
{
	FCGX_Request request;
	signal(SIGPIPE, SIG_IGN);
	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		char body[8192];
		while (FCGX_GetStr(body, sizeof body, request.in) > 0)
			continue;
		FCGX_PutStr(answer, sizeof answer - 1, request.out);
		FCGX_FClose(request.out);
		FCGX_Detach(&request);
		FCGX_Finish_r(&request);
	}
	return 0;
}
