/*
 * request: what the parser and its sandboxed child say to each other.
 *
 *   descriptor 3  control   SOCK_SEQPACKET: struct request down (with descriptors of new spool files), struct reply up
 *   descriptor 4  in        memory file of REQUEST_IN_BYTES: bodies that did not come by reference; the child reads
 *   descriptor 5  out       memory file of REQUEST_OUT_BYTES: struct request_page, then results; the child writes
 *
 * Sizes of both files are fixed and sealed, pages come with their first use. The parent believes nothing it reads from
 * `out`: offsets are checked, frames are copied and then decoded.
 */
#ifndef MW_PARSER_REQUEST_H
#define MW_PARSER_REQUEST_H

#include <stdatomic.h>
#include <stdint.h>

#define REQUEST_FD_CONTROL 3
#define REQUEST_FD_IN 4
#define REQUEST_FD_OUT 5

#define REQUEST_ITEMS_MAX 64u
#define REQUEST_IN_BYTES (64u << 20)
#define REQUEST_OUT_BYTES (96u << 20)
#define REQUEST_PAGE_BYTES 4096u
#define REQUEST_SPOOLS 4u
#define REQUEST_SOURCE_IN 0u /* else 1 + slot of a spool file */

enum request_kind { REQUEST_FACTS = 1, REQUEST_RENDER };
enum request_want { REQUEST_WANT_FACTS = 1, REQUEST_WANT_BODY, REQUEST_WANT_PART };

struct request_item {
	uint64_t offset, bytes;
	uint64_t stamp; /* of a region of a spool: common/base/stamp.h */
	uint32_t source;
};

struct request {
	uint32_t kind, count;
	uint32_t want, remote; /* render */
	uint64_t number, part_offset, part_limit; /* render */
	char part[64]; /* render; NUL-ended */
	uint32_t spool_new; /* bits of the slots whose descriptor comes with this request */
	uint64_t spool_bytes[REQUEST_SPOOLS];
	struct request_item items[REQUEST_ITEMS_MAX]; /* only `count` of them are sent */
};

enum request_status {
	REQUEST_NOTHING = 0,
	REQUEST_DONE,
	REQUEST_LOST, /* the bytes were not there any more, or outside of the region */
	REQUEST_TOO_LARGE, /* the result does not fit */
};

struct request_result {
	uint32_t status;
	uint32_t reserved;
	uint64_t frame_offset, frame_bytes; /* from the start of `out` */
	uint64_t body_offset, body_bytes; /* render */
};

/* At the start of `out`. at: index of the item in hand, REQUEST_ITEMS_MAX between requests; results below it are set. */
struct request_page {
	_Atomic uint32_t at;
	struct request_result results[REQUEST_ITEMS_MAX];
};
_Static_assert(sizeof(struct request_page) <= REQUEST_PAGE_BYTES, "the page is a page");

struct reply {
	uint32_t count;
};

#endif
