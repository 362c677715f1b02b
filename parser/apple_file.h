/*
 * apple_file: application/applefile (RFC 1740), big end first:
 *
 *     | u32 magic | u32 version | 16 bytes | u16 entries | entries: u32 id, u32 offset, u32 bytes | … |
 *
 * AppleSingle holds the file itself; AppleDouble, the first half of multipart/appledouble, only what belongs to a Macintosh: its
 * file is the part beside it.
 */
#ifndef MW_PARSER_APPLE_FILE_H
#define MW_PARSER_APPLE_FILE_H

#include "common/base/span.h"

struct apple_file {
	struct span name; /* Macintosh Roman; n 0: none */
	struct span data; /* the data fork */
};

/* False if octets are no AppleSingle with a data fork. Spans point into octets. */
bool apple_file_read(struct span octets, struct apple_file *file_out);

#endif
