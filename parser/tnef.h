/*
 * tnef: what is in a winmail.dat (MS-OXTNEF), little end first:
 *
 *     | u32 0x223e9f78 | u16 key | attributes: u8 level, u32 id, u32 bytes, the bytes, u16 checksum | … |
 *
 * Attributes of level 1 belong to the message, those of level 2 to the attachment that the last attAttachRendData began.
 * attMAPIProps and attAttachment hold property lists. Read are: bodies (plain, HTML, compressed RTF), attachments with their
 * names, types and Content-IDs. Checksums are not looked at. A reader over spans: it copies names only, does not recurse (a
 * message in a message is one file), and stops at the first length that is not there.
 */
#ifndef MW_PARSER_TNEF_H
#define MW_PARSER_TNEF_H

#include "common/base/span.h"

#define TNEF_FILE_BYTES 8u /* no file takes fewer */

/* Text as it is stored: UTF-16 with the low byte first, or bytes in the code page of the whole. */
struct tnef_text {
	struct span s;
	bool utf16;
};

enum tnef_kind {
	TNEF_ATTACHMENT = 0,
	TNEF_BODY_PLAIN,
	TNEF_BODY_HTML,
	TNEF_BODY_RTF,
	TNEF_MESSAGE
};

struct tnef_file {
	enum tnef_kind kind;
	struct tnef_text name, type, cid;
	struct tnef_text data; /* utf16 matters for TNEF_BODY_PLAIN alone */
};

struct tnef {
	struct span octets;
	struct tnef_file *files; /* the caller's */
	unsigned cap;
	unsigned count;
	uint32_t code_page, html_code_page; /* 0: not told */
	bool limited; /* there were more, or it ended early */
};

bool tnef_is(struct span octets);
/* Fills files and what follows cap; octets, files and cap are set by the caller. False if it is no TNEF. */
bool tnef_read(struct tnef *t);

#endif
