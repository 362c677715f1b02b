#include "parser/apple_file.h"

#define MAGIC_SINGLE 0x00051600u
#define HEAD_BYTES 26u
#define ENTRY_BYTES 12u
#define ENTRIES_MAX 64u
#define DATA_FORK 1u
#define REAL_NAME 3u
#define NAME_MAX_BYTES 255u

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool apple_file_read(struct span s, struct apple_file *file_out)
{
	bool found = false;
	*file_out = (struct apple_file){0};
	if (s.n < HEAD_BYTES || u32(s.p) != MAGIC_SINGLE)
		return false;
	unsigned count = (unsigned)s.p[24] << 8 | s.p[25];
	for (unsigned i = 0; i < count && i < ENTRIES_MAX; i++) {
		size_t at = HEAD_BYTES + i * ENTRY_BYTES;
		if (s.n - HEAD_BYTES < (i + 1) * ENTRY_BYTES)
			break;
		struct span entry = span_sub(s, u32(s.p + at + 4), u32(s.p + at + 8));
		if (u32(s.p + at) == DATA_FORK) {
			file_out->data = entry;
			found = true;
		} else if (u32(s.p + at) == REAL_NAME) {
			file_out->name = span_sub(entry, 0, NAME_MAX_BYTES);
		}
	}
	return found;
}
