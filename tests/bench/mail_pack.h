/*
 * mail_pack: many messages in one file, for the two parsers that are measured beside each other.
 *
 *     | 8 bytes length, little end first | the message | 8 bytes length | the message | …
 */
#ifndef MW_TESTS_BENCH_MAIL_PACK_H
#define MW_TESTS_BENCH_MAIL_PACK_H

#include <stddef.h>
#include <stdint.h>

enum mail_pack_mode {
	MAIL_PACK_STRUCTURE, /* the tree of parts */
	MAIL_PACK_DECODE, /* and all text as UTF-8, all attachments as octets */
	MAIL_PACK_SHA256, /* and the SHA-256 of the octets of every part */
	MAIL_PACK_MEMORY, /* the same, but one message at a time is in memory */
};

struct mail_pack_sums {
	uint64_t messages, parts, text_bytes, octets;
	unsigned mark; /* so that no sum is for nothing */
};

/*
 * argv: program, "structure", "decode", "sha256" or "memory", the pack. Sets *mode, calls read for each message, and prints one line of
 * JSON: *sums, the CPU seconds of all read calls, the peak of memory (of use after "memory" alone: else the pack is in it). Returns the exit status.
 */
int mail_pack_read(int argc, char **argv, enum mail_pack_mode *mode,
		   void (*read)(void *ctx, const uint8_t *p, size_t n), void *ctx,
		   const struct mail_pack_sums *sums);

#endif
