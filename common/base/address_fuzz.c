/* Any bytes: a normal form is bounded, terminated, free of control characters, and its own normal form (LNK-01). */
#include "common/base/address.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char form[ADDRESS_MAX + 1], again[ADDRESS_MAX + 1];
	struct span raw = span_make(data, n), normal;

	address_blocked_by(raw, SPAN_LIT("anna@mail.example.com"));
	if (!address_normalize(raw, form))
		return 0;
	normal = span_make(form, strnlen(form, sizeof(form)));
	if (normal.n > ADDRESS_MAX || span_find_byte(normal, '@') == normal.n)
		abort();
	for (size_t i = 0; i < normal.n; i++)
		if (normal.p[i] < 0x20 || normal.p[i] == 0x7f)
			abort();
	if (!address_normalize(normal, again) || !span_eq(normal, span_cstr(again)))
		abort();
	if (!address_blocked_by(normal, normal) && normal.p[0] != '@')
		abort();
	return 0;
}
