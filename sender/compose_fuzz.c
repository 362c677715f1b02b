/* SND-09: whatever stands in the fields, a message that is composed has the header fields it should have and no others, and
 * no line over 998 octets, no bare CR or LF, no NUL. */
#include <stdlib.h>

#include "sender/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span next(struct span *rest)
{
	size_t n = span_find_byte(*rest, 0xff);
	struct span field = span_sub(*rest, 0, n);

	*rest = span_sub(*rest, n + 1, rest->n);
	return field;
}

static void expect_clean(struct span out)
{
	size_t column = 0;

	for (size_t i = 0; i < out.n; i++) {
		if (out.p[i] == 0 || (out.p[i] == '\n') != (i > 0 && out.p[i - 1] == '\r'))
			abort();
		column = out.p[i] == '\n' ? 0 : column + 1;
		if (column > 999)
			abort();
	}
}

static void expect_fields(struct span out)
{
	static const char *const known[] = {"Date: ",
					    "From:",
					    "Reply-To:",
					    "To:",
					    "Cc:",
					    "Subject:",
					    "Message-ID:",
					    "In-Reply-To:",
					    "X-Sent-Message-ID:",
					    "References:",
					    "List-Unsubscribe:",
					    "MIME-Version",
					    "List-Unsubscribe-Post:",
					    "Content-Type",
					    "Content-Transfer-Encoding"};
	unsigned count = 0;

	while (out.n && out.p[0] != '\r') {
		size_t n = span_find_byte(out, '\n') + 1;
		bool found = out.p[0] == ' ' || out.p[0] == '\t';

		for (size_t i = 0; i < sizeof(known) / sizeof(*known) && !found; i++)
			found = span_istarts(out, span_cstr(known[i]));
		if (!found || ++count > 10000)
			abort();
		out = span_sub(out, n, out.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[16] = "0123456789abcde";
	struct span rest = span_make(data, size);
	struct compose_address from = {next(&rest), SPAN_LIT("a@b.example")};
	struct compose_address to = {next(&rest), next(&rest)};
	struct compose_attachment a = {next(&rest), next(&rest), next(&rest), next(&rest)};
	struct span id = next(&rest), reference = next(&rest);
	struct compose_message m = {
		.from = from,
		.to = {&to, 1},
		.subject = next(&rest),
		.html = next(&rest),
		.text = next(&rest),
		.unsubscribe = {next(&rest), next(&rest)},
		.message_id = id.n ? id : SPAN_LIT("id@b.example"),
		.in_reply_to = reference,
		.references = &reference,
		.reference_count = reference.n > 0,
		.attachments = &a,
		.attachment_count = a.content.n > 0,
		.boundary_seed = seed,
	};
	struct err e = {0};
	struct buf out;

	buf_init(&out, (size_t)1 << 22);
	if (compose(&m, &out, &e) == ERR_OK) {
		expect_clean(buf_span(&out));
		expect_fields(buf_span(&out));
	}
	buf_fini(&out);
	return 0;
}
