/*
 * header: a block of header fields (RFC 5322 section 2.2) as spans into the message. Tolerated: LF or CR alone as line
 * ends, an mbox "From " line, lines without a colon (skipped), blanks before the colon, a missing blank line after the
 * block (a boundary ends it), 8-bit text.
 */
#ifndef MW_PARSER_HEADER_H
#define MW_PARSER_HEADER_H

#include "common/base/arena.h"

#define HEADER_BYTES_MAX (1u << 20)
#define HEADER_FIELDS_MAX 20000u

enum header_id {
	HEADER_OTHER = 0,
	HEADER_FROM,
	HEADER_SENDER,
	HEADER_TO,
	HEADER_CC,
	HEADER_BCC,
	HEADER_REPLY_TO,
	HEADER_SUBJECT,
	HEADER_DATE,
	HEADER_MESSAGE_ID,
	HEADER_IN_REPLY_TO,
	HEADER_REFERENCES,
	HEADER_CONTENT_TYPE,
	HEADER_CONTENT_TRANSFER_ENCODING,
	HEADER_CONTENT_DISPOSITION,
	HEADER_CONTENT_ID,
	HEADER_CONTENT_LOCATION,
	HEADER_CONTENT_LANGUAGE,
	HEADER_CONTENT_DESCRIPTION,
	HEADER_X_FAILED_RECIPIENTS,
	HEADER_TEST_CRASH, /* read in test builds only */
};

struct header_field {
	struct span name,
		value; /* value: after the colon, with its folds, without the last line end */
	enum header_id id;
};

/* The fields of all blocks of a message, in order; grows in the arena. */
struct header_list {
	struct header_field *fields;
	size_t count, cap;
	size_t bytes; /* of all blocks; past HEADER_BYTES_MAX fields are no longer kept */
};

struct header_scan {
	struct span raw;
	uint8_t eol; /* '\n', or '\r' in a message without any '\n' */
	/* Is the line at `at`, which begins with "--", the end of what this block is in? May be NULL. */
	bool (*is_boundary)(void *ctx, size_t at);
	void *ctx;
};

/* The line end in use. */
uint8_t header_eol(struct span raw);
/* Reads the block at `at`, appends its fields, and returns where the body begins (or the boundary that ended it). */
size_t header_block(const struct header_scan *scan, size_t at, struct arena *arena,
		    struct header_list *list);
/* Start of the line after the one at `at`, and in *end_out the end of this one without its line end. */
size_t header_line(struct span raw, uint8_t eol, size_t at, size_t *end_out);
enum header_id header_find(struct span name);

#endif
